package volatile

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// Bounds of one process. A host may be made up; what is beyond is recorded as cut.
const (
	limitText    = 1 << 20 // most files; 65536 groups need 0.7 MiB in status
	limitArgs    = 2 << 20 // cmdline and environ, each
	limitMaps    = 8 << 20 // 65530 mappings, vm.max_map_count's default, fit
	limitFiles   = 1 << 16
	limitThreads = 1 << 16
	limitImage   = 1 << 30 // bytes of an image that are hashed
	limitInfo    = 1 << 16 // fdinfo
)

// A procReader reads processes, one after another, into its own buffers.
type procReader struct {
	host    *collector.Host
	open    func(pid int) (proc.Dir, error)
	basis   *basis
	images  *procImages
	scratch []byte
	numbers []int
}

// A procRead is all that was read of one process, and the rows made of it.
type procRead struct {
	pid       int
	start     uint64
	known     bool // start was read
	gone      bool
	unread    error // nothing was read
	raw       []byte
	image     *imageRead
	row       []byte // of processes.jsonl, with its newline
	files     []byte // rows of files.jsonl
	maps      []byte // rows of maps.jsonl
	rawTally  evidence.Tally
	rowTally  evidence.Tally
	fileTally evidence.Tally
	mapTally  evidence.Tally
}

func (r *procRead) reset(pid int) {
	*r = procRead{pid: pid, raw: r.raw[:0], row: r.row[:0], files: r.files[:0], maps: r.maps[:0]}
}

// process reads one process. A panic is a fact about our reading, kept as such.
func (f *procReader) process(ctx context.Context, pid int, r *procRead) {
	r.reset(pid)
	defer func() {
		if p := recover(); p != nil {
			r.unread = fmt.Errorf("panic: %v", p)
		}
		if r.unread != nil {
			r.fail(r.unread)
		}
	}()
	d, err := f.open(pid)
	if err != nil {
		r.unread = err
		return
	}
	defer d.Close()
	f.read(ctx, d, r)
	if r.unread == nil {
		makeRows(r, f.basis)
	}
}

// fail makes the row and the raw text of a process that was not read.
func (r *procRead) fail(err error) {
	r.gone = proc.IsGone(err)
	p := Process{PID: r.pid, Gone: r.gone, Unread: jsonl.Text(section.Because(err))}
	r.row = append(appendProcess(r.row[:0], &p), '\n')
	r.files, r.maps = r.files[:0], r.maps[:0]
	r.rowTally.Add("/proc/"+strconv.Itoa(r.pid), err)
}

// read takes the sections in a fixed order: first what tells who the process
// is, last a second look at stat, which tells whether it is still there.
func (f *procReader) read(ctx context.Context, d proc.Dir, r *procRead) {
	stat, err := f.file(d, r, "stat", limitText)
	if err != nil {
		r.unread = err
		return
	}
	first, err := proc.ParseStat(string(stat))
	if err == nil && first.PID != r.pid {
		err = fmt.Errorf("/proc/%d says that it is %d: %w", r.pid, first.PID, proc.ErrMounted)
	}
	if err != nil {
		r.unread = err
		return
	}
	r.start, r.known = first.Start(), true
	f.file(d, r, "status", limitText)
	f.file(d, r, "cmdline", limitArgs)
	f.file(d, r, "environ", limitArgs)
	if target, err := f.link(d, r, "exe"); err == nil {
		r.image = f.images.of(ctx, f.host, r.pid, string(target))
		r.rowTally.Add("/proc/"+strconv.Itoa(r.pid)+"/exe", r.image.err)
	}
	f.link(d, r, "cwd")
	f.link(d, r, "root")
	f.namespaces(d, r)
	for _, name := range [...]string{"cgroup", "io", "loginuid", "sessionid", "oom_score", "oom_score_adj", "wchan", "personality", "attr/current"} {
		f.file(d, r, name, limitText)
	}
	f.file(d, r, "maps", limitMaps)
	f.openFiles(ctx, d, r)
	if first.Field[proc.StatThreads] > 1 {
		f.threads(ctx, d, r)
	}
	f.again(d, r)
}

func (f *procReader) namespaces(d proc.Dir, r *procRead) {
	for _, name := range [...]string{
		"ns/cgroup", "ns/ipc", "ns/mnt", "ns/net", "ns/pid", "ns/pid_for_children", "ns/time", "ns/time_for_children", "ns/uts",
	} {
		f.link(d, r, name)
	}
	if user, err := f.link(d, r, "ns/user"); err == nil && string(user) != f.basis.userNS {
		f.file(d, r, "uid_map", limitText)
		f.file(d, r, "gid_map", limitText)
	}
}

func (f *procReader) openFiles(ctx context.Context, d proc.Dir, r *procRead) {
	f.listing(d, r, "fd", limitFiles)
	for _, fd := range f.numbers {
		if ctx.Err() != nil {
			r.add("fd", context.Cause(ctx))
			return
		}
		n := strconv.Itoa(fd)
		if _, err := f.link(d, r, "fd/"+n); !proc.IsGone(err) {
			f.file(d, r, "fdinfo/"+n, limitInfo)
		}
	}
}

func (f *procReader) threads(ctx context.Context, d proc.Dir, r *procRead) {
	f.listing(d, r, "task", limitThreads)
	for _, tid := range f.numbers {
		if ctx.Err() != nil {
			r.add("task", context.Cause(ctx))
			return
		}
		f.file(d, r, "task/"+strconv.Itoa(tid)+"/stat", limitText)
	}
}

// again reads stat once more, and keeps it only where it tells of an end.
func (f *procReader) again(d proc.Dir, r *procRead) {
	var err error
	f.scratch, err = d.Get(f.scratch[:0], "stat", false, limitText)
	if err == nil {
		last, bad := proc.ParseStat(string(f.scratch))
		if bad == nil && last.Start() == r.start {
			return
		}
		err = evidence.Gone("the process number was given to another process meanwhile")
	}
	r.gone = true
	r.raw = section.Append(r.raw, "/proc/"+strconv.Itoa(r.pid)+"/stat", false, nil, err)
}

// file appends a section with the contents of a file and gives these, valid
// until the next read.
func (f *procReader) file(d proc.Dir, r *procRead, name string, limit int) ([]byte, error) {
	return f.section(d, r, name, false, limit)
}

func (f *procReader) link(d proc.Dir, r *procRead, name string) ([]byte, error) {
	return f.section(d, r, name, true, limitText)
}

func (f *procReader) section(d proc.Dir, r *procRead, name string, link bool, limit int) ([]byte, error) {
	var err error
	f.scratch, err = d.Get(f.scratch[:0], name, link, limit)
	err = reading(name, err)
	r.raw = section.Append(r.raw, r.path(name), link, f.scratch, err)
	r.add(name, err)
	return f.scratch, err
}

// listing appends a section with the numbers in a directory, one a line, and
// leaves them in f.numbers.
func (f *procReader) listing(d proc.Dir, r *procRead, name string, limit int) {
	var err error
	f.numbers, err = d.List(f.numbers[:0], name, limit)
	f.scratch = f.scratch[:0]
	for _, n := range f.numbers {
		f.scratch = append(strconv.AppendInt(f.scratch, int64(n), 10), '\n')
	}
	r.raw = section.Append(r.raw, r.path(name), false, f.scratch, err)
	r.add(name, err)
}

func (r *procRead) path(name string) string {
	return "/proc/" + strconv.Itoa(r.pid) + "/" + name
}

// reading gives errors of reads their meaning where the kernel's number alone
// would say the wrong thing.
func reading(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, collector.ErrTooLong):
		return evidence.Cut("longer than the limit")
	case name == "attr/current" && errors.Is(err, syscall.EINVAL):
		return evidence.NotHere("no security module answers")
	}
	return err
}

// add counts an error in the raw item and in the table that it belongs to.
func (r *procRead) add(name string, err error) {
	if err == nil {
		return
	}
	what := r.path(name)
	r.rawTally.Add(what, err)
	switch top, _, _ := strings.Cut(name, "/"); top {
	case "fd", "fdinfo":
		r.fileTally.Add(what, err)
	case "maps":
		r.mapTally.Add(what, err)
	default:
		r.rowTally.Add(what, err)
	}
}
