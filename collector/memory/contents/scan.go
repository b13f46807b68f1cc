package contents

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A fileKey names a file on the running host.
type fileKey struct{ dev, inode uint64 }

// A heldFile is a file without a name that processes hold.
type heldFile struct {
	kind    string
	key     fileKey
	name    string   // the kernel's, without its mark
	sources []string // names in /proc by which it can be opened; the first may be gone
	holders []Holder
	more    int
	meta    *evidence.FileMeta
}

// found are the files of a scan, in the order in which they were seen.
type found struct {
	files []*heldFile
	at    map[fileKey]*heldFile
	cut   int
}

const (
	maxFiles   = 1 << 16
	maxHolders = 64
	maxSources = 4
	maxFDs     = 1 << 16 // of one process
	maxMaps    = 12 << 20
)

func (f *found) of(kind string) (out []*heldFile) {
	for _, h := range f.files {
		if h.kind == kind {
			out = append(out, h)
		}
	}
	return out
}

// add notes that a process holds a file. What is an image stays one, whoever has
// it open besides.
func (f *found) add(kind, name, source string, meta *evidence.FileMeta, h Holder) {
	key := fileKey{meta.Dev, meta.Inode}
	at := f.at[key]
	if at == nil {
		if len(f.files) >= maxFiles {
			f.cut++
			return
		}
		at = &heldFile{kind: kind, key: key, name: strings.TrimSuffix(name, proc.DeletedMark), meta: meta}
		f.at[key], f.files = at, append(f.files, at)
	}
	if order := []string{"image", "mapped_file", "memfd", "deleted_file"}; slices.Index(order, kind) < slices.Index(order, at.kind) {
		at.kind = kind
	}
	if len(at.sources) < maxSources {
		at.sources = append(at.sources, source)
	}
	if len(at.holders) == maxHolders {
		at.more++
		return
	}
	at.holders = append(at.holders, h)
}

// A seen is one thing that one process holds.
type seen struct {
	kind, name, source string
	meta               *evidence.FileMeta
	holder             Holder
}

// A held is what the scan reads of one process.
type held struct {
	list  []seen
	tally evidence.Tally
}

// scan goes through all processes once.
func (t *taking) scan() *found {
	out := &found{at: map[fileKey]*heldFile{}}
	pids, err := proc.PIDs(t.host)
	t.tally.Add("/proc", err)
	open, end, err := proc.Open(t.host)
	if err != nil {
		t.tally.Add("/proc", err)
		return out
	}
	pool := proc.NewPool(t.ctx, func() func(context.Context, int, *held) {
		open := open()
		return func(ctx context.Context, pid int, h *held) { t.look(ctx, open, pid, h) }
	}, end)
	defer pool.Close()
	for i, pid := range pids {
		patience := pool.Patience
		h, err := pool.Next(t.ctx, pids[i:])
		if err != nil {
			t.tally.Add("/proc", fmt.Errorf("%d processes not looked at: %w", len(pids)-i, err))
			break
		}
		if h == nil {
			t.tally.Add("/proc/"+strconv.Itoa(pid), fmt.Errorf("no answer within %v", patience))
			continue
		}
		t.tally.Merge(&h.tally)
		for _, s := range h.list {
			out.add(s.kind, s.name, s.source, s.meta, s.holder)
		}
	}
	if out.cut > 0 {
		t.tally.Add("files", evidence.Cut("more than %d files without a name: %d left out", maxFiles, out.cut))
	}
	return out
}

// look finds what one process holds.
func (t *taking) look(ctx context.Context, open func(int) (proc.Dir, error), pid int, h *held) {
	*h = held{}
	l := looker{t: t, h: h, base: "/proc/" + strconv.Itoa(pid) + "/"}
	defer func() {
		if r := recover(); r != nil {
			h.tally.Add(l.base, fmt.Errorf("panic: %v", r))
		}
	}()
	var err error
	if l.dir, err = open(pid); err != nil {
		l.note("", err)
		return
	}
	defer l.dir.Close()
	text, err := l.dir.Get(nil, "stat", false, 1<<16)
	stat, bad := proc.ParseStat(string(text))
	if err = fault.Join(err, bad); err != nil || stat.KernelThread() {
		l.note("stat", err)
		return
	}
	l.holder = Holder{PID: pid, StartTicks: stat.Start()}
	if target, err := l.dir.Get(nil, "exe", true, 1<<16); err == nil && unnamed(string(target)) {
		l.add("image", string(target), "exe", l.holder)
	}
	l.descriptors(ctx)
	l.mappings()
}

// unnamed says that the kernel calls a file deleted or made in memory.
func unnamed(target string) bool {
	return strings.HasSuffix(target, proc.DeletedMark) && strings.HasPrefix(target, "/")
}

// A looker looks at one process.
type looker struct {
	t      *taking
	h      *held
	dir    proc.Dir
	base   string
	holder Holder
}

func (l *looker) note(name string, err error) {
	if !proc.IsGone(err) {
		l.h.tally.Add(l.base+name, err)
	}
}

// add notes a file, if it is a regular one without a name. Stat follows the
// kernel's own link, which leads to the file itself.
func (l *looker) add(kind, target, name string, holder Holder) {
	meta, err := l.t.host.Stat(l.base + name)
	if err != nil {
		l.note(name, err)
		return
	}
	if !meta.Regular() || meta.Nlink > 0 && kind != "memfd" {
		return
	}
	l.h.list = append(l.h.list, seen{kind, target, l.base + name, meta, holder})
}

func (l *looker) descriptors(ctx context.Context) {
	numbers, err := l.dir.List(nil, "fd", maxFDs)
	l.note("fd", err)
	var target []byte
	for _, fd := range numbers {
		if ctx.Err() != nil {
			l.note("fd", context.Cause(ctx))
			return
		}
		name := "fd/" + strconv.Itoa(fd)
		if target, err = l.dir.Get(target[:0], name, true, 1<<16); err != nil {
			l.note(name, err)
			continue
		}
		holder := l.holder
		holder.FD = &fd
		switch text := string(target); {
		case strings.HasPrefix(text, "/memfd:"):
			l.add("memfd", text, name, holder)
		case unnamed(text):
			l.add("deleted_file", text, name, holder)
		}
	}
}

// mappings finds files without a name that are mapped as code, whether or not
// somebody has them open; and memfds that are only mapped.
func (l *looker) mappings() {
	text, err := l.dir.Get(nil, "maps", false, maxMaps)
	l.note("maps", err)
	last := fileKey{}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, proc.DeletedMark) {
			continue
		}
		m, err := proc.ParseMapping(strings.TrimSuffix(line, "\n"))
		memfd := strings.HasPrefix(m.Path, "/memfd:")
		if err != nil || !m.Deleted || m.Inode == 0 || !m.Executable() && !memfd || (fileKey{0, m.Inode}) == last {
			continue
		}
		last = fileKey{0, m.Inode}
		kind := "mapped_file"
		if memfd && !m.Executable() {
			kind = "memfd"
		}
		holder := l.holder
		holder.Start, holder.End = strconv.FormatUint(m.Start, 16), strconv.FormatUint(m.End, 16)
		l.add(kind, m.Path, "map_files/"+holder.Start+"-"+holder.End, holder)
	}
}

// memberName makes the last component of a member's name out of a file's own.
func (f *heldFile) memberName() string {
	return fmt.Sprintf("%x-%d-%s", f.key.dev, f.key.inode, path.Base(strings.ReplaceAll(f.name, "\n", "_")))
}
