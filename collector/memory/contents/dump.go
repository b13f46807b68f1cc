package contents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// dumps takes the processes that were named, whole.
func (t *taking) dumps() error {
	for _, pid := range t.o.Dump {
		if err := t.dump(pid); err != nil {
			return err
		}
	}
	return nil
}

// dump takes one process. What cannot be taken has a record that says why.
func (t *taking) dump(pid int) error {
	d := &dumping{t: t, pid: pid}
	defer d.close()
	err := d.open()
	if err == nil && t.o.Freeze {
		d.frozen, d.thaw = freeze(t.ctx, t.host, pid, d.stat.Start())
	}
	if err == nil {
		err = d.plan()
	}
	return d.put(err)
}

// A dumping is one process on its way into a core.
type dumping struct {
	t      *taking
	pid    int
	stat   proc.Stat
	dir    proc.Dir
	end    func()
	mem    *proc.Memory
	raw    []byte // sections: what the notes are made of
	core   core
	frozen string
	thaw   func()
	cut    error
}

const maxThreads = 1 << 16

// errNobody is no ordinary absence: the responder asked for this process by its
// number, and must hear that there is nothing to wait for.
var errNobody = errors.New("no process has this number")

// open finds the process, and says why it cannot be dumped.
func (d *dumping) open() error {
	if d.pid == os.Getpid() {
		return evidence.Skip("process %d is this collection itself", d.pid)
	}
	if _, ok := layoutOf(runtime.GOARCH); !ok {
		return evidence.NotHere("cores are not made on %s", runtime.GOARCH)
	}
	open, end, err := proc.Open(d.t.host)
	if err != nil {
		return err
	}
	d.end = end
	if d.dir, err = open()(d.pid); proc.IsGone(err) {
		return errNobody
	} else if err != nil {
		return err
	}
	text, err := d.text("stat", 1<<16)
	if err != nil {
		return err
	}
	if d.stat, err = proc.ParseStat(string(text)); err != nil {
		return err
	}
	if d.stat.KernelThread() {
		return evidence.NotHere("process %d is a thread of the kernel: it has no memory of its own", d.pid)
	}
	d.mem, err = proc.OpenMemory(d.t.host, d.pid)
	return err
}

// text reads a file of the process; it is kept beside the core.
func (d *dumping) text(name string, limit int) ([]byte, error) {
	b, err := d.dir.Get(nil, name, false, limit)
	d.raw = section.Append(d.raw, d.path(name), false, b, err)
	return b, err
}

func (d *dumping) path(name string) string { return "/proc/" + strconv.Itoa(d.pid) + "/" + name }

// plan reads what the notes say, and lays out the segments.
func (d *dumping) plan() error {
	layout, _ := layoutOf(runtime.GOARCH)
	d.core.machine = layout.machine
	text, err := d.text("maps", maxMaps)
	if err != nil {
		return err
	}
	maps, bad, why := proc.ParseMappings(string(text))
	if bad > 0 {
		d.cut = fmt.Errorf("%d mappings not understood: %w", bad, why)
	}
	auxv, _ := d.text("auxv", 1<<16)
	args, _ := d.text("cmdline", 1<<16)
	status, _ := d.text("status", 1<<20)
	d.notes(layout, maps, auxv, args, status)
	scanned := 0
	for _, m := range maps {
		if d.t.ctx.Err() != nil {
			return context.Cause(d.t.ctx)
		}
		if len(d.core.segments) >= maxSegments || scanned >= maxScanned {
			d.cut = evidence.Cut("the address space is larger than is looked at: memory from %#x on is not here", m.Start)
			break
		}
		scanned += d.core.plan(m, d.mem.PageSize(), d.mem.Pagemap)
	}
	return nil
}

// notes makes the notes: of the first thread, of the process, of its files, and
// of the other threads.
func (d *dumping) notes(l layout, maps []proc.Mapping, auxv, args, status []byte) {
	var uid, gid uint32
	proc.EachLine(string(status), func(key, value string) {
		switch key {
		case "Uid":
			uid = firstNumber(value)
		case "Gid":
			gid = firstNumber(value)
		}
	})
	tids, _ := d.dir.List(nil, "task", maxThreads)
	n := &d.core.notes
	*n = note(*n, ntPrstatus, l.prstatus(d.task(d.pid)))
	*n = note(*n, ntPrpsinfo, prpsinfo(d.stat, uid, gid, string(args)))
	*n = note(*n, ntAuxv, auxv)
	*n = note(*n, ntFile, mappedFiles(maps, d.mem.PageSize()))
	for _, tid := range tids {
		if tid != d.pid {
			*n = note(*n, ntPrstatus, l.prstatus(d.task(tid)))
		}
	}
}

func firstNumber(value string) uint32 {
	first, _, _ := strings.Cut(value, "\t")
	n, _ := strconv.ParseUint(first, 10, 32)
	return uint32(n)
}

func (d *dumping) task(tid int) task {
	base := "task/" + strconv.Itoa(tid) + "/"
	out := task{stat: proc.Stat{PID: tid}}
	if text, err := d.text(base+"stat", 1<<16); err == nil {
		if stat, err := proc.ParseStat(string(text)); err == nil {
			out.stat = stat
		}
	}
	text, _ := d.text(base+"syscall", 1<<12)
	out.syscall = string(text)
	return out
}

// put puts the core, what its notes are made of, and the row.
func (d *dumping) put(why error) error {
	base := fmt.Sprintf("%s%d-%d", folder, d.pid, d.stat.Start())
	row := Content{Kind: "core", Path: base + ".core", Holders: []Holder{{PID: d.pid, StartTicks: d.stat.Start()}}, Frozen: d.frozen, Name: jsonl.Text(d.stat.Comm)}
	item := evidence.Item{Path: row.Path, Source: d.path("mem")}
	if why == nil {
		row.Size = int64(d.core.size())
		item.File = bytesOf(row.Size, row.Size)
	} else {
		row.Note = jsonl.Text(why.Error())
	}
	var got gap
	err := d.t.to.Put(d.t.ctx, item, func(w io.Writer) (err error) {
		if why != nil {
			return why
		}
		got, err = d.write(w)
		return err
	})
	row.Taken, row.Unreadable = got.written, got.unreadable
	for _, s := range d.core.segments {
		if !s.data {
			row.Untouched += int64(s.size)
		}
	}
	d.t.rows = append(d.t.rows, row)
	if err != nil || len(d.raw) == 0 {
		return err
	}
	return d.t.to.Put(d.t.ctx, evidence.Item{Path: base + ".core.txt", Source: d.path("")}, func(w io.Writer) error {
		_, err := w.Write(d.raw)
		return err
	})
}

// write writes the core as planned. What the process has given back since is
// zeros, so that all the rest keeps its place.
func (d *dumping) write(w io.Writer) (gap, error) {
	head := d.core.head()
	got := gap{written: int64(len(head))}
	if _, err := w.Write(head); err != nil {
		return got, err
	}
	buf := make([]byte, piece)
	for _, s := range d.core.segments {
		if !s.data {
			continue
		}
		for at, end := s.start, s.start+s.size; at < end; {
			if d.t.ctx.Err() != nil {
				return got, context.Cause(d.t.ctx)
			}
			b := buf[:min(uint64(len(buf)), end-at)]
			var untouched []run // gaps that were joined, and what went meanwhile
			if !s.whole {
				untouched = absent(d.mem, b, at)
			}
			bad, err := fillTouched(d.mem, b, at, untouched)
			if _, werr := w.Write(b); werr != nil {
				return got, werr
			}
			at += uint64(len(b))
			got.add(gap{written: int64(len(b)), unreadable: bad})
			if err != nil {
				return got, err
			}
		}
	}
	return got, d.whole(got)
}

// whole says what the core lacks.
func (d *dumping) whole(got gap) error {
	if start, err := d.t.start(d.pid); err != nil || start != d.stat.Start() {
		return evidence.Gone("the process ended while it was read")
	}
	if d.cut != nil {
		return d.cut
	}
	if got.unreadable > 0 {
		return evidence.Gone("%d bytes could not be read, and are zeros", got.unreadable)
	}
	return nil
}

func (d *dumping) close() {
	if d.thaw != nil {
		d.thaw()
	}
	if d.mem != nil {
		d.mem.Close()
	}
	if d.dir != nil {
		d.dir.Close()
	}
	if d.end != nil {
		d.end()
	}
}
