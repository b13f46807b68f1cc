package walk

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
)

// A node is a directory that has subdirectories yet to be walked, or is being read.
type node struct {
	parent  *node
	name    string // in its parent; of a root, its whole path
	root    int
	depth   int
	length  int // of its path
	covered bool
	inode   uint64       // which it must be when it is opened again
	fd      int          // open, or -1
	refs    atomic.Int32 // who still needs fd; the last one closes it
	close   func(fd int)
}

// shut closes the handle.
func (n *node) shut() {
	if n.fd >= 0 {
		n.close(n.fd)
		n.fd = -1
	}
}

// release gives back one use of the handle.
func (n *node) release() {
	if n.refs.Add(-1) == 0 {
		n.shut()
	}
}

// appendPath appends the absolute path.
func (n *node) appendPath(b []byte) []byte {
	start := len(b)
	b = slices.Grow(b, n.length)[:start+n.length]
	end := len(b)
	for ; n.parent != nil; n = n.parent {
		end -= len(n.name) + 1
		b[end] = '/'
		copy(b[end+1:], n.name)
	}
	copy(b[start:end], n.name)
	return b
}

// A task is work that anybody may take: subdirectories of one directory, or the
// rest of a directory with very many of them, or the beginning of a root.
type task struct {
	dir   *node
	names []byte // of subdirectories, each with a NUL after it
	begin bool   // of the root
	root  int
}

// A job is one directory that a worker is to read.
type job struct {
	dir   *node  // its parent, on which the job holds a use; or itself, to be read on
	name  string // in dir; "" to read on
	begin bool
	root  int
}

// A queue gives the last task first, so that the walk goes into the depth and
// little waits.
type queue struct {
	mu      sync.Mutex
	wake    *sync.Cond
	tasks   []task
	running int // jobs that were handed out
	halted  bool
}

func newQueue() *queue {
	q := &queue{}
	q.wake = sync.NewCond(&q.mu)
	return q
}

func (q *queue) push(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = append(q.tasks, t)
	if len(t.names) > 0 {
		q.wake.Broadcast()
	} else {
		q.wake.Signal()
	}
}

// halt lets all workers end after what they are at.
func (q *queue) halt() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.halted = true
	q.wake.Broadcast()
}

// next gives a job; false when there will be none.
func (q *queue) next() (j job, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.tasks) == 0 && q.running > 0 && !q.halted {
		q.wake.Wait()
	}
	if len(q.tasks) == 0 || q.halted {
		return j, false
	}
	q.running++
	t := &q.tasks[len(q.tasks)-1]
	j = job{dir: t.dir, begin: t.begin, root: t.root}
	if end := bytes.IndexByte(t.names, 0); end >= 0 {
		j.name = string(t.names[:end])
		if t.names = t.names[end+1:]; len(t.names) > 0 {
			t.dir.refs.Add(1) // the task keeps its own use
			return j, true
		}
	}
	*t = task{}
	q.tasks = q.tasks[:len(q.tasks)-1]
	return j, true
}

// done says that a job has ended.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running--; q.running == 0 && len(q.tasks) == 0 {
		q.wake.Broadcast()
	}
}

// close releases what waits, at the end of a walk that was halted.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.tasks {
		if d := q.tasks[i].dir; d != nil {
			d.release()
		}
	}
	q.tasks = nil
}
