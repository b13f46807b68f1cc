package indicators

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"

	"hozen/collector/elf"
)

// explainText gives the benign explanation of what differs; runs is in how many
// places it does. What it rests on is what the kernel says of the process and what
// the file itself asks for.
func (l *mapLook) explainText(file *os.File, t *mapText, runs int) string {
	if runs == 0 {
		return "the bytes are those of the file: a breakpoint that is gone, or a write of the same"
	}
	if onlyBreakpoints(t) {
		tracer := l.p.status["TracerPid"]
		pid, err := strconv.Atoi(tracer)
		if by := l.p.other(pid); err == nil && pid > 0 && isDebugger(by.exe) && by.imageInstalled() {
			return "breakpoints of process " + tracer + ", which traces it"
		}
		for i := range l.p.maps {
			if m := &l.p.maps[i]; m.Inode == 0 && strings.HasPrefix(m.Path, "[uprobes") {
				return "breakpoints of the kernel: the process has met a uprobe (perf, eBPF)"
			}
		}
	}
	if !l.p.installed(&t.first) {
		return ""
	}
	if why := selfPatching(file, t); why != "" {
		return why
	}
	head := make([]byte, 2)
	if _, err := file.ReadAt(head, 0); err == nil && string(head) == "MZ" {
		for _, e := range enginesIn(l.p.exe, l.p.maps, l.p.installed) {
			if e.name == "Wine" || e.name == ".NET" {
				return e.name + " moves a program of Windows to where it has room"
			}
		}
	}
	return ""
}

// onlyBreakpoints says whether all that differs is breakpoints: int3 (cc) of x86, brk
// of arm64 (GDB's #0, the kernel's #5), each in a place of its own.
func onlyBreakpoints(t *mapText) bool {
	for _, w := range t.written {
		for _, d := range w.differ {
			for i := d.from; i < d.to; i++ {
				if w.mem[i] != w.file[i] && w.mem[i] != 0xcc && !armBreakpoint(w.mem, i) {
					return false
				}
			}
			if now := w.mem[d.from:d.to]; bytes.Count(now, []byte{0xcc}) == len(now) && len(now) > 1 {
				return false // a run of them is no breakpoint
			}
		}
	}
	return true
}

func armBreakpoint(page []byte, i int) bool {
	word := page[i&^3:]
	return len(word) >= 4 && (bytes.HasPrefix(word, []byte{0, 0, 0x20, 0xd4}) || bytes.HasPrefix(word, []byte{0xa0, 0, 0x20, 0xd4}))
}

// selfPatching says that the file asks for it: its segment there is writable, it
// has relocations in its text, or what differs lies in the section .wtext, whose
// stubs libglvnd fills in for the driver.
func selfPatching(file io.ReaderAt, t *mapText) string {
	f, err := elf.Read(file)
	if err != nil {
		return ""
	}
	if segmentsWritable(f, t) {
		return "the file itself asks for code that may be written"
	}
	if from, to, ok := f.Section(".wtext"); ok && t.within(from, to) {
		return "libglvnd's stubs, which it fills in for the graphics driver"
	}
	if textRelocations(f) {
		return "the file asks for relocations in its code (DT_TEXTREL)"
	}
	return ""
}

// within says whether all that differs lies between two offsets in the file.
func (t *mapText) within(from, to uint64) bool {
	for _, w := range t.written {
		for _, d := range w.differ {
			if w.offset+uint64(d.from) < from || w.offset+uint64(d.to) > to {
				return false
			}
		}
	}
	return true
}

func segmentsWritable(f *elf.File, t *mapText) bool {
	for _, p := range f.Segments {
		if selfWriting(p) && t.within(p.Offset, p.Offset+p.Size) {
			return true
		}
	}
	return false
}

// selfWriting says whether a segment is code that may be written.
func selfWriting(p elf.Segment) bool {
	const both = elf.Writable | elf.Executable
	return p.Type == elf.Load && p.Flags&both == both
}

func textRelocations(f *elf.File) bool {
	_, asked := f.Dynamic(elf.TextRel)
	flags, _ := f.Dynamic(elf.Flags)
	return asked || flags&elf.FlagTextRel != 0
}

// symbolsOf gives a function that names the symbol before an offset in a file;
// "" where none is known.
func symbolsOf(file io.ReaderAt) func(offset uint64) string {
	var functions []elf.Function
	f, err := elf.Read(file)
	if err == nil {
		functions = f.Functions()
	}
	if len(functions) == 0 {
		return func(uint64) string { return "" }
	}
	return func(offset uint64) string {
		for _, p := range f.Segments {
			if p.Type != elf.Load || !p.Has(offset) {
				continue
			}
			addr := p.Addr + offset - p.Offset
			next := sort.Search(len(functions), func(i int) bool { return functions[i].Addr > addr })
			if next == 0 {
				return ""
			}
			last := functions[next-1]
			return fmt.Sprintf("%s+%#x", last.Name, addr-last.Addr)
		}
		return ""
	}
}
