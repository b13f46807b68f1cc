package indicators

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
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
	f, err := openELF(file)
	if err != nil {
		return ""
	}
	if segmentsWritable(f, t) {
		return "the file itself asks for code that may be written"
	}
	if wtext := f.Section(".wtext"); wtext != nil && t.within(wtext.Offset, wtext.Offset+wtext.FileSize) {
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
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X && t.within(p.Off, p.Off+p.Filesz) {
			return true
		}
	}
	return false
}

func textRelocations(f *elf.File) bool {
	rel, _ := f.DynValue(elf.DT_TEXTREL)
	flags, _ := f.DynValue(elf.DT_FLAGS)
	return len(rel) > 0 || len(flags) > 0 && flags[0]&uint64(elf.DF_TEXTREL) != 0
}

// Bounds of an ELF file that is looked into.
const (
	elfFile    = 1 << 30
	elfSymbols = 16 << 20 // of a table
)

// openELF opens an ELF file that may be anything. A parser that panics is an error.
func openELF(file io.ReaderAt) (f *elf.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("elf: %v", r)
		}
	}()
	return elf.NewFile(io.NewSectionReader(file, 0, elfFile))
}

// symbolsOf gives a function that names the symbol before an offset in a file;
// "" where none is known.
func symbolsOf(file io.ReaderAt) func(offset uint64) string {
	none := func(uint64) string { return "" }
	f, err := openELF(file)
	if err != nil {
		return none
	}
	symbols := functionsOf(f)
	if len(symbols) == 0 {
		return none
	}
	return func(offset uint64) string {
		for _, p := range f.Progs {
			if p.Type != elf.PT_LOAD || offset < p.Off || offset-p.Off >= p.Filesz {
				continue
			}
			addr := p.Vaddr + offset - p.Off
			i, exact := slices.BinarySearchFunc(symbols, addr, func(s elf.Symbol, addr uint64) int { return cmp.Compare(s.Value, addr) })
			if !exact {
				i--
			}
			if i < 0 {
				return ""
			}
			return fmt.Sprintf("%s+%#x", symbols[i].Name, addr-symbols[i].Value)
		}
		return ""
	}
}

// functionsOf gives the functions of both tables of symbols, by address.
func functionsOf(f *elf.File) (out []elf.Symbol) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	for kind, read := range map[elf.SectionType]func() ([]elf.Symbol, error){elf.SHT_DYNSYM: f.DynamicSymbols, elf.SHT_SYMTAB: f.Symbols} {
		if s := f.SectionByType(kind); s == nil || s.FileSize > elfSymbols {
			continue
		}
		all, _ := read()
		for _, s := range all {
			if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value != 0 && len(s.Name) < 512 {
				out = append(out, s)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b elf.Symbol) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), strings.Compare(a.Name, b.Name))
	})
	return out
}
