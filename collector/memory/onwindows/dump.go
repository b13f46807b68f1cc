package onwindows

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/minidump"
	"hozen/collector/ntapi"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// dump takes a process whole, as a minidump. A limit of 0 is none.
func (t *taking) dump(pid uint32, created uint64, why []string, limit int64) error {
	v, err := t.sys.open(t.ctx, pid, created, true, t.o.Freeze)
	row := contents.Content{Kind: "minidump", Path: fmt.Sprintf("%s%d.dmp", contentsFolder, pid), Holders: []contents.Holder{{PID: int(pid), StartTicks: created}}, Why: why}
	var d *minidump.Dump
	if err == nil {
		defer v.close()
		row.Path = fmt.Sprintf("%s%d-%d.dmp", contentsFolder, pid, v.info.Created)
		row.Name, row.Frozen, row.Holders[0].StartTicks = jsonl.Text(v.path), v.frozen, v.info.Created
		d = v.dump()
		row.Size, err = d.Size()
	}
	if err == nil && limit > 0 && row.Size > min(limit, t.left) {
		err = evidence.Cut("%d bytes: over the limit of %d for one process that is not named, or of what is left of %d for all; --dump %d takes it", row.Size, limit, t.o.Total, pid)
	}
	item := evidence.Item{Path: row.Path, Source: fmt.Sprintf("memory of process %d", pid)}
	if err == nil {
		item.File = sized(row.Size, row.Size)
	} else {
		row.Note = jsonl.Text(err.Error())
	}
	put := t.to.Put(t.ctx, item, func(w io.Writer) error {
		if err != nil {
			return err
		}
		r, err := d.Write(t.ctx, w, dumpMemory{v.mem})
		row.Taken, row.Unreadable = r.Written, r.Unreadable
		switch {
		case err != nil:
			return err
		case v.cut != nil:
			return v.cut
		case r.Unreadable > 0:
			return evidence.Gone("%d bytes could not be read, and are zeros", r.Unreadable)
		}
		return nil
	})
	if t.rows = append(t.rows, row); limit > 0 {
		t.left -= row.Taken
	}
	t.whole[pid] = err == nil
	return put
}

// dumpMemory reads for a minidump.
type dumpMemory struct{ mem io.ReaderAt }

// ReadMemory reads b from an address on.
func (m dumpMemory) ReadMemory(b []byte, at uint64) (int, error) { return m.mem.ReadAt(b, int64(at)) }

// dump makes the minidump of an open process.
func (v *victim) dump() *minidump.Dump {
	i := v.info
	d := &minidump.Dump{
		Time:    time.Now(),
		System:  minidump.System{Architecture: v.system.architecture, Processors: v.system.processors, ProductType: v.system.product, Major: v.system.major, Minor: v.system.minor, Build: v.system.build},
		Process: minidump.Process{PID: i.PID, Created: filetime.Time(i.Created), User: filetime.Duration(i.UserTime), Kernel: filetime.Duration(i.KernelTime)},
	}
	for _, t := range i.Threads {
		out := minidump.Thread{ID: t.TID, Priority: uint32(t.Priority), TEB: t.TEB, Start: firstNumber(t.Win32Start, t.StartAddress), Created: t.Created, User: t.UserTime, Kernel: t.KernelTime}
		if k := slices.IndexFunc(v.threads, func(s threadState) bool { return s.tid == t.TID }); k >= 0 {
			out.Context, out.StackAt, out.StackStart = v.threads[k].context, v.threads[k].stackPointer, v.threads[k].stackBase
		}
		d.Threads = append(d.Threads, out)
	}
	seen := map[uint64]bool{}
	for _, m := range v.modules {
		if m.Base != 0 && !seen[m.Base] {
			seen[m.Base] = true
			d.Modules = append(d.Modules, minidump.Module{Base: m.Base, Size: m.Size, TimeStamp: m.Timestamp, Name: wide(m.FullName)})
		}
	}
	for _, r := range v.regions {
		d.Areas = append(d.Areas, minidump.Area{Base: r.Base, AllocationBase: r.AllocationBase, AllocationProtect: r.AllocationProtect, Size: r.Size, State: r.State, Protect: r.Protect, Type: r.Type})
		if r.Readable() {
			d.Ranges = append(d.Ranges, minidump.Range{Start: r.Base, Size: r.Size})
		}
	}
	return d
}

func firstNumber(all ...uint64) uint64 {
	for _, n := range all {
		if n != 0 {
			return n
		}
	}
	return 0
}

// wide gives the UTF-16 of a name in WTF-8.
func wide(s string) (out []uint16) {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 { // a lone surrogate
			r, n = rune(s[0]&0xf)<<12|rune(s[1]&0x3f)<<6|rune(s[2]&0x3f), 3
		}
		if r >= 0x10000 {
			out = append(out, uint16(0xd800+(r-0x10000)>>10), uint16(0xdc00+(r-0x10000)&0x3ff))
		} else {
			out = append(out, uint16(r))
		}
		s = s[n:]
	}
	return out
}

// rebuilt says whether an image that was flagged so is rebuilt from memory: nobody has
// its file any more.
func rebuilt(why string) bool {
	switch why {
	case "image-deleted", "image-replaced", "map-image-deleted", "map-image-replaced", "map-image-no-file", "map-pe-private", "map-pe-data":
		return true
	}
	return false
}

// image rebuilds the file of an image: its sections as they are in memory, where the
// headers say that they lie in the file. What the loader has changed (relocations,
// addresses of imports, data) stays changed.
func (t *taking) image(s memory.Suspect, v *victim, at span) (int64, error) {
	head := make([]byte, headBytes)
	ntapi.ReadTolerant(v.mem, at.start, head)
	h, err := parsePE(head)
	if err != nil {
		return 0, nil // the region itself was taken
	}
	parts := h.fileParts(at)
	if len(parts) == 0 {
		return 0, nil
	}
	last := parts[len(parts)-1]
	row := contents.Content{Kind: "image", Path: fmt.Sprintf("%s%d-%d/%x.image", contentsFolder, s.PID, s.StartTicks, at.start), Name: jsonl.Text(v.path), Size: int64(last.offset + last.size), Why: s.IDs}
	row.Holders = []contents.Holder{{PID: s.PID, StartTicks: s.StartTicks, Start: strconv.FormatUint(at.start, 16), End: strconv.FormatUint(at.end, 16)}}
	err = t.to.Put(t.ctx, evidence.Item{Path: row.Path, Source: fmt.Sprintf("memory of process %d", s.PID)}, func(w io.Writer) error {
		if row.Size > t.left {
			return evidence.Cut("over the limit of %d bytes for all", t.o.Total)
		}
		done := uint64(0)
		for _, p := range parts {
			if p.offset > done {
				if _, err := w.Write(make([]byte, p.offset-done)); err != nil {
					return err
				}
			}
			bad, n, err := copyMemory(t.ctx, w, v.mem, at.start+p.rva, p.size)
			row.Taken, row.Unreadable, done = int64(p.offset)+n, row.Unreadable+bad, p.offset+p.size
			if err != nil {
				return err
			}
		}
		return nil
	})
	t.rows = append(t.rows, row)
	return row.Taken, err
}

// A filePart is a part of an image that lies in its file.
type filePart struct{ offset, rva, size uint64 }

// maxGap bounds the zeros between two parts of a rebuilt file.
const maxGap = 1 << 20

// fileParts lists the headers and sections in the order of the file, as far as they are
// in memory, without overlap.
func (h *peHead) fileParts(in span) (out []filePart) {
	size := in.end - in.start
	all := []filePart{{0, 0, min(uint64(h.sizeOfHeaders), pageBytes)}}
	for _, s := range h.sections {
		if s.rawSize > 0 {
			all = append(all, filePart{uint64(s.offset), uint64(s.rva), uint64(min(s.rawSize, (s.size+4095)&^4095))})
		}
	}
	sorting.By(all, func(a, b filePart) int { return int(int64(a.offset) - int64(b.offset)) })
	done := uint64(0)
	for _, p := range all {
		if p.offset < done || p.offset-done > maxGap || p.rva >= size || p.size == 0 {
			continue
		}
		p.size = min(p.size, size-p.rva)
		out = append(out, p)
		done = p.offset + p.size
	}
	return out
}
