package walk

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"hozen/packager/evidence"
)

// maxPath bounds the length of a path in bytes, eight times what the kernel takes
// in one call: every row holds its whole path, and so a chain of directories costs
// the square of its length.
const maxPath = 32 << 10

// A lister reads directories for one worker. Where a call found that the worker was
// left behind (worker.out), it returns at once.
type lister interface {
	// begin opens a root, and visits it. It gives nil where there is nothing below it.
	begin(w *worker, root int) *node
	// enter opens the directory of that name, and visits it; nil as begin.
	enter(w *worker, parent *node, name string) *node
	// read visits what is in the directory, but for subdirectories, which it lets
	// wait. It says whether it stopped since very many of these wait.
	read(w *worker, n *node) (more bool)
}

// A worker reads one directory after another.
type worker struct {
	s      *walker
	number int
	lister lister
	entry  Entry
	path   []byte // of the directory, a slash, and a name in it
	base   int    // where that name begins
	waits  []byte // names of its subdirectories
	stops  bool   // there are mount points in it
	root   int
	count  struct{ entries, errors, directories, touched int64 }
	// state is odd while the worker is in the kernel, and grows with each call.
	state atomic.Uint64
}

// lost is the state of a worker that was left behind in the kernel.
const lost = ^uint64(0)

// into says that a system call begins that may never return.
func (w *worker) into() uint64 { return w.state.Add(1) }

// out says that it returned; false if it came back too late. Then the worker must
// touch nothing any more that is not its own.
func (w *worker) out(at uint64) bool { return w.state.CompareAndSwap(at, at+1) }

func (w *worker) lost() bool { return w.state.Load() == lost }

func (s *walker) newWorker(number int) *worker {
	return &worker{s: s, number: number, lister: newLister(s.host)}
}

func (w *worker) run() {
	for {
		j, ok := w.s.queue.next()
		if !ok {
			break
		}
		if w.do(j); w.lost() {
			return
		}
		w.account()
		w.s.queue.done()
	}
	w.s.ended <- struct{}{}
}

// account adds what was counted to the root's.
func (w *worker) account() {
	t := &w.s.roots[w.root]
	t.entries.Add(w.count.entries)
	t.errors.Add(w.count.errors)
	t.directories.Add(w.count.directories)
	t.touched.Add(w.count.touched)
	w.count.entries, w.count.errors, w.count.directories, w.count.touched = 0, 0, 0, 0
}

func (w *worker) do(j job) {
	if w.root = j.root; j.dir != nil {
		w.root = j.dir.root
	}
	n := j.dir
	if w.s.ctx.Err() != nil {
		w.s.halt(context.Cause(w.s.ctx))
	}
	switch {
	case w.s.roots[w.root].err.Load() != nil, w.s.stop.Load(): // it was given up
		if n != nil {
			n.release()
		}
		return
	case j.begin:
		n = w.lister.begin(w, j.root)
	case j.name != "":
		n = w.lister.enter(w, j.dir, j.name)
		if w.lost() {
			return
		}
		j.dir.release()
	}
	if n != nil {
		w.read(n)
	}
}

// read visits what is in a directory, and lets its subdirectories wait for whoever
// is free first.
func (w *worker) read(n *node) {
	w.in(n)
	w.waits = w.waits[:0]
	more := w.lister.read(w, n)
	if w.lost() {
		return
	}
	if more {
		n.refs.Add(1)
		w.s.queue.push(task{dir: n})
	}
	if len(w.waits) == 0 {
		n.release()
		return
	}
	if n.fd >= 0 && !more && n.refs.Load() == 1 && w.s.open.Load() > w.s.maxOpen {
		n.shut()
	}
	w.s.queue.push(task{dir: n, names: bytes.Clone(w.waits)}) // which takes over our use of it
}

// in makes a directory the one that the worker is in.
func (w *worker) in(n *node) {
	w.path = n.appendPath(w.path[:0])
	w.stops = w.s.roots[n.root].stopDirs[string(w.path)]
	if w.path[len(w.path)-1] != '/' {
		w.path = append(w.path, '/')
	}
	w.base = len(w.path)
}

// begins makes the entry of a name in the directory.
func (w *worker) begins(n *node, name []byte) *Entry {
	w.path = append(w.path[:w.base], name...)
	w.entry = Entry{Root: n.root, Path: w.path, Covered: n.covered}
	return &w.entry
}

// stopped says whether a mount point is here that is not looked at; it is visited, if
// there is anything to say. Beneath it, a private view sees what is covered.
func (w *worker) stopped(e *Entry) bool {
	if !w.stops {
		return false
	}
	t := &w.s.roots[w.root]
	why, ok := t.stops[string(e.Path)]
	switch {
	case !ok:
		return false
	case t.private.Load():
		e.Covered = true
		return false
	case why != "":
		e.Err = evidence.Skip("not looked at: %s", why)
		w.give()
	}
	return true
}

// wait lets a subdirectory wait.
func (w *worker) wait(name []byte) {
	w.waits = append(append(w.waits, name...), 0)
}

// give visits the entry; false when the walk ends.
func (w *worker) give() bool {
	w.count.entries++
	if w.entry.Err != nil {
		if _, _, shortfall := evidence.Classify(w.entry.Err, 0); shortfall {
			w.count.errors++
		}
	}
	if err := w.s.visit(w.number, &w.entry); err != nil {
		w.s.halt(err)
		return false
	}
	return !w.s.stop.Load()
}

// known fills the entry in, and visits it, but for a directory in its parent's listing.
func (w *worker) known(e *Entry) bool {
	e.Known = true
	if e.Meta.Nlink > 1 && !e.Meta.Directory() && e.Meta.Inode != 0 {
		e.Again = w.s.links.add(e.Meta.Dev, e.Meta.Inode)
	}
	return w.give()
}

// walked says whether a directory was met before, on another way; it is visited then.
func (w *worker) walked(e *Entry) bool {
	if e.Meta.Inode == 0 || !w.s.dirs.add(e.Meta.Dev, e.Meta.Inode) {
		return false
	}
	e.Err = evidence.Skip("not listed: the same directory was met before under another name")
	w.give()
	return true
}

// broke visits a directory once more, since it was not listed to its end.
func (w *worker) broke(n *node, err error) {
	w.entry = Entry{Root: n.root, Path: n.appendPath(nil), Covered: n.covered, Err: err}
	w.give()
}

// watch waits for the workers, and leaves those behind that hang in the kernel.
func (s *walker) watch(ctx context.Context) {
	type look struct {
		state uint64
		since time.Time
	}
	looks := make([]look, len(s.workers))
	tick := time.NewTicker(min(max(s.options.Patience/8, 5*time.Millisecond), lastPatience/5))
	defer tick.Stop()
	for alive := len(s.workers); alive > 0; {
		select {
		case <-s.ended:
			alive--
		case now := <-tick.C:
			patience := s.options.Patience
			if ctx.Err() != nil {
				patience = min(patience, lastPatience)
			}
			for i, w := range s.workers {
				state := w.state.Load()
				if state%2 == 0 || state == lost || state != looks[i].state {
					looks[i] = look{state, now}
				} else if now.Sub(looks[i].since) >= patience && w.state.CompareAndSwap(state, lost) {
					s.leave(i, patience)
				}
			}
		}
	}
	s.queue.close()
}

// lastPatience is the patience when the time of the walk is over.
const lastPatience = 500 * time.Millisecond

// leave leaves a worker behind, gives its root up, and puts another in its place.
func (s *walker) leave(i int, patience time.Duration) {
	old := s.workers[i]
	why := evidence.Cut("%s: the file system gave no answer for %v: it is left", old.path, patience)
	s.giveUp(old.root, why)
	old.account()
	w := s.newWorker(i)
	w.root = old.root
	w.entry = Entry{Root: old.root, Path: bytes.Clone(old.path), Err: why}
	s.workers[i] = w
	go func() {
		w.give()
		w.account()
		s.queue.done()
		w.run()
	}()
}
