package indicators

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Bounds of what is compared with files in one process.
const (
	mapTextFiles    = 16 // rows
	mapTextPages    = 64 // pages compared, of one file
	mapTextShown    = 4  // pages shown, of one file: each is two proofs
	mapTextMappings = 1 << 12
)

// A mapText is what was written to in the executable mappings of one file.
type mapText struct {
	first    proc.Mapping
	written  []mapWritten // pages, in order of address
	resident int
	swapped  int
}

// A mapWritten is one page that is the process's own, and what the file has there.
type mapWritten struct {
	addr, offset uint64
	mem, file    []byte // nil: not compared
	differ       []mapDiffer
}

// A mapDiffer is a run of bytes that differ, by their place in the page.
type mapDiffer struct{ from, to int }

// lookAtText looks for pages of executable file mappings that the process does not
// share with the file any more: a write made a copy of them (COW), which pagemap
// tells by bit 61. Text is not written to otherwise, so that healthy processes
// have none.
func (l *mapLook) lookAtText() {
	var all []*mapText
	mappings := 0
	for i := range l.p.maps {
		m := &l.p.maps[i]
		if !m.Executable() || !m.Private() || m.Inode == 0 || strings.HasPrefix(m.Path, "/memfd:") && m.Writable() {
			continue
		}
		if mappings++; mappings > mapTextMappings {
			l.p.note("maps", evidence.Cut("more than %d executable mappings of files: the rest was not looked at", mapTextMappings))
			break
		}
		all = l.writtenIn(m, all)
		if l.pages.err != nil {
			break
		}
	}
	for i, t := range all {
		if i == mapTextFiles {
			l.p.note("mem", evidence.Cut("%d more files whose code was written to in memory", len(all)-i))
			return
		}
		l.compare(t)
		l.reportText(t)
	}
}

// writtenIn adds the pages of a mapping that were written to.
func (l *mapLook) writtenIn(m *proc.Mapping, all []*mapText) []*mapText {
	var t *mapText
	l.pages.each(m.Start, m.End, func(at uint64, states []proc.PageState) bool {
		for i, s := range states {
			if s.Shared() || !s.Present() && !s.Swapped() {
				continue
			}
			if t == nil {
				t, all = textOf(m, all)
			}
			if s.Swapped() {
				t.swapped++
				continue
			}
			t.resident++
			if addr := at + uint64(i)*l.pages.pageSize(); len(t.written) < mapTextPages {
				t.written = append(t.written, mapWritten{addr: addr, offset: m.Offset + addr - m.Start})
			}
		}
		return true
	})
	return all
}

func textOf(m *proc.Mapping, all []*mapText) (*mapText, []*mapText) {
	for _, t := range all {
		if t.first.Inode == m.Inode && t.first.Dev == m.Dev && t.first.Path == m.Path {
			return t, all
		}
	}
	t := &mapText{first: *m}
	return t, append(all, t)
}

// compare reads the pages as they are in memory; reportText those of the file.
func (l *mapLook) compare(t *mapText) {
	for i := range t.written {
		w := &t.written[i]
		if page := l.pages.read(w.addr); page != nil {
			w.mem = append([]byte(nil), page...)
		}
	}
}

// openMapped opens the file of a mapping: the very file, by map_files, where we
// may; else by its name in the process's root, if it is the same inode.
func (l *mapLook) openMapped(m *proc.Mapping) (*os.File, error) {
	for _, point := range l.s.host.Avoid {
		if proc.Under(unescaped(m.Path), point) {
			return nil, evidence.Cut("%s: what is mounted on %s may never answer", m.Path, point)
		}
	}
	f, err := l.s.host.OpenFollow(l.p.path("map_files/" + span(m.Start, m.End)))
	if err == nil {
		return f, nil
	}
	_, name := l.inRoot(m)
	meta, err2 := l.s.host.Lstat(name)
	if err2 != nil || m.Deleted {
		return nil, fault.Join(err, err2)
	}
	if meta.Inode != m.Inode {
		return nil, fmt.Errorf("%s is another file now", m.Path)
	}
	return l.s.host.Open(name)
}

// difference gives the runs of bytes that differ; a gap of less than 8 equal bytes
// does not end one.
func difference(a, b []byte) (out []mapDiffer) {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if n := len(out); n > 0 && i-out[n-1].to < 8 {
			out[n-1].to = i + 1
		} else {
			out = append(out, mapDiffer{i, i + 1})
		}
	}
	return out
}

// readFilePage reads the page of the file; behind its end there are zeros, as the
// kernel maps it.
func readFilePage(f io.ReaderAt, page int, offset uint64) ([]byte, error) {
	b := make([]byte, page)
	n, err := f.ReadAt(b, int64(offset))
	if n > 0 || errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}

// reportText compares with the file and makes the row.
func (l *mapLook) reportText(t *mapText) {
	f := finding{id: "map-text-patched"}
	name := path.Base(t.first.Path)
	f.seen = fmt.Sprintf("%s of the code of %s written to in memory", many(t.resident+t.swapped, "page"), t.first.Path)
	if t.swapped > 0 {
		f.seen += fmt.Sprintf(" (%d of them in swap: not read)", t.swapped)
	}
	file, err := l.openMapped(&t.first)
	if err == nil {
		defer file.Close()
		err = l.compareWith(file, t)
	}
	if err != nil || t.resident == 0 {
		f.level = memory.Medium
		f.seen += ": not compared with the file"
		if err != nil {
			f.seen += ": " + err.Error()
		}
		l.p.report(f)
		return
	}
	runs, bytes, left := 0, 0, t.swapped+t.resident-len(t.written)
	for i := range t.written {
		w := &t.written[i]
		if w.mem == nil {
			left++
		}
		for _, d := range w.differ {
			runs, bytes = runs+1, bytes+d.to-d.from
		}
		l.showText(&f, t, w)
	}
	if f.explained = l.explainText(file, t, runs); left > 0 {
		f.explained = "" // the difference may be in what was not compared
		if runs == 0 {
			f.level = memory.Medium
		}
		f.seen += fmt.Sprintf(" (%d of them not compared)", left)
	}
	if runs > 0 {
		f.seen += fmt.Sprintf(": %d bytes in %d places differ from the file%s", bytes, runs, placesIn(t, name, symbolsOf(file)))
	} else {
		f.seen += ", those compared with the bytes of the file"
	}
	l.p.report(f)
}

func (l *mapLook) compareWith(file *os.File, t *mapText) error {
	for i := range t.written {
		w := &t.written[i]
		if w.mem == nil {
			continue
		}
		var err error
		if w.file, err = readFilePage(file, len(w.mem), w.offset); err != nil {
			return err
		}
		w.differ = difference(w.mem, w.file)
	}
	return nil
}

// showText keeps both versions of a page that differs.
func (l *mapLook) showText(f *finding, t *mapText, w *mapWritten) {
	l.region(f, w.addr, w.addr+l.pages.pageSize())
	if len(w.differ) == 0 || len(f.proofs) >= 2*mapTextShown {
		return
	}
	at := fmt.Sprintf("text-%x", w.addr)
	f.proofs = append(f.proofs,
		proof{name: at + ".mem.bin", source: fmt.Sprintf("%s at %#x", l.p.path("mem"), w.addr), data: w.mem},
		proof{name: at + ".file.bin", source: fmt.Sprintf("%s at %#x", t.first.Path, w.offset), data: w.file})
}

// mapPlaces is how many places a row names.
const mapPlaces = 6

// placesIn names the first places: offset in the file, length, nearest symbol, and
// the bytes of both.
func placesIn(t *mapText, name string, symbol func(offset uint64) string) string {
	var b strings.Builder
	n := 0
	for _, w := range t.written {
		for _, d := range w.differ {
			if n++; n > mapPlaces {
				b.WriteString("; …")
				return b.String()
			}
			offset := w.offset + uint64(d.from)
			fmt.Fprintf(&b, "; %s+%#x", name, offset)
			if s := symbol(offset); s != "" {
				fmt.Fprintf(&b, " (%s)", s)
			}
			to := min(d.to, d.from+16)
			fmt.Fprintf(&b, " %d bytes: file %x, memory %x", d.to-d.from, w.file[d.from:to], w.mem[d.from:to])
		}
	}
	return b.String()
}
