// Package walk goes through every object of a file system below some roots:
// quickly, on all processors, and without changing what it looks at. It never opens
// a file, never follows a link, enters no other mount, and goes from directory to
// directory by open handles, so that a name that is swapped meanwhile leads nowhere.
//
// Begin with Walk; then Entry, which it gives for each object; then LocalMounts, which
// says what there is to walk on a machine.
//
// Memory does not grow with the size of a directory: names are passed on as they are
// read, and only names of subdirectories wait, some ten thousand for each level.
package walk

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"hozen/collector"
	"hozen/packager/evidence/fault"
)

// A Root is where a walk begins: the root of a mount, or any directory or file.
type Root struct {
	Path string // absolute on the examined host, clean
	// Stops are the mount points below it, each with the reason why it is not entered;
	// "" where it has been made a root of its own, so that nothing need be said.
	// Where the walk has a private view of the file system, what lies beneath them is
	// walked, too (Entry.Covered).
	Stops map[string]string
}

// Options says what is walked, and how.
type Options struct {
	Roots   []Root
	Workers int // how many directories are read at once; 0: one for each processor, at most 8
	// Patience is how long one system call may take before its worker is left behind in
	// it, and its root is given up; 0: thirty seconds, for a disk that fails takes long to say so.
	Patience time.Duration
}

func (o Options) orDefault() Options {
	if o.Workers <= 0 {
		o.Workers = min(runtime.GOMAXPROCS(0), 8)
	}
	if o.Patience <= 0 {
		o.Patience = 30 * time.Second
	}
	return o
}

// WorkersOf gives how many workers a walk with these options has: the numbers
// that visit is called with are below it.
func (o Options) WorkersOf() int { return o.orDefault().Workers }

// A Report says how the walk of each root went, in the order of Options.Roots.
type Report struct{ Roots []RootReport }

// RootReport says how the walk of one root went.
type RootReport struct {
	Path        string
	Entries     int64 // objects visited, those with an error included
	Directories int64 // that were listed
	Errors      int64 // entries with an error that is not an ordinary thing to happen
	// Touched counts directories that were read without O_NOATIME, because it was
	// refused: their access times may have changed.
	Touched int64
	// Private says that the walk had a view of its own of the file system: it saw what
	// lies beneath other mounts, and reading links changed no access time.
	Private bool
	// Err is why the walk of this root was not begun, or not ended.
	Err error
}

// Walk visits every object below the roots, the roots included, each name once. It
// calls visit from several goroutines, but for one number of a worker one call at a
// time; e and all that it holds are valid until visit returns. A directory is visited
// before what is in it. Otherwise the order is that of the file system, and not the
// same twice.
//
// The error is that of visit, or of ctx; what could not be read is in the entries and
// in the report. After Walk has returned, visit is not called any more, even where a
// worker hangs in the kernel.
func Walk(ctx context.Context, h *collector.Host, o Options, visit func(worker int, e *Entry) error) (Report, error) {
	s := newWalker(h, o.orDefault(), visit)
	return s.run(ctx)
}

func (s *walker) run(ctx context.Context) (Report, error) {
	s.ctx = ctx
	stopped := context.AfterFunc(ctx, func() { s.halt(context.Cause(ctx)) })
	defer stopped()
	for i := range s.options.Workers {
		s.workers = append(s.workers, s.newWorker(i))
	}
	for _, w := range s.workers {
		go w.run()
	}
	s.watch(ctx)
	s.closeRoots()
	return s.report(), s.failure()
}

// A walker is one walk.
type walker struct {
	ctx     context.Context
	host    *collector.Host
	options Options
	visit   func(int, *Entry) error
	queue   *queue
	roots   []rootState
	dirs    seen // directories that were entered
	links   seen // files with several names
	stop    atomic.Bool
	why     atomic.Pointer[error]
	workers []*worker
	ended   chan struct{} // one for each worker that ended
	open    atomic.Int64  // directories whose handles are open, for those that wait in them
	maxOpen int64
}

// rootState is what the workers know of one root, together.
type rootState struct {
	entries, directories, errors, touched atomic.Int64
	private                               atomic.Bool
	err                                   atomic.Pointer[error]
	handle                                atomic.Int64  // of the root as it was opened, and one; 0 if it is not open
	mount                                 atomic.Uint64 // STATX_MNT_ID; 0 if the kernel does not tell
	stops                                 map[string]string
	stopDirs                              map[string]bool // directories in which there are some
}

func newWalker(h *collector.Host, o Options, visit func(int, *Entry) error) *walker {
	s := &walker{host: h, options: o, visit: visit, queue: newQueue(), roots: make([]rootState, len(o.Roots)), ended: make(chan struct{}), maxOpen: maxOpen()}
	s.dirs.init()
	s.links.init()
	isRoot := map[string]bool{}
	for _, r := range o.Roots {
		isRoot[r.Path] = true
	}
	for i, r := range o.Roots {
		s.roots[i].stops = stopsOf(h, r, isRoot)
		s.roots[i].stopDirs = parents(s.roots[i].stops)
	}
	for i := len(o.Roots) - 1; i >= 0; i-- { // the last that is pushed is walked first
		s.queue.push(task{root: i, begin: true})
	}
	return s
}

// closeRoots gives up the handles of the roots.
func (s *walker) closeRoots() {
	for i := range s.roots {
		if h := s.roots[i].handle.Swap(0); h > 0 {
			closeHandle(int(h - 1))
		}
	}
}

// halt ends the walk; the first reason counts.
func (s *walker) halt(why error) {
	s.why.CompareAndSwap(nil, &why)
	s.stop.Store(true)
	s.queue.halt()
}

func (s *walker) failure() error {
	if e := s.why.Load(); e != nil {
		return *e
	}
	return nil
}

// giveUp ends the walk of one root.
func (s *walker) giveUp(root int, why error) { s.roots[root].err.CompareAndSwap(nil, &why) }

func (s *walker) report() (r Report) {
	for i := range s.roots {
		t := &s.roots[i]
		one := RootReport{
			Path: s.options.Roots[i].Path, Entries: t.entries.Load(), Directories: t.directories.Load(),
			Errors: t.errors.Load(), Touched: t.touched.Load(), Private: t.private.Load(),
		}
		if e := t.err.Load(); e != nil {
			one.Err = *e
		}
		if why := s.failure(); why != nil {
			one.Err = fault.Join(one.Err, why)
		}
		r.Roots = append(r.Roots, one)
	}
	return r
}
