package elf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"testing"
)

const textSection = ".text"

// program makes a file with one of everything that is read, of a class and a byte order.
func program(t testing.TB, wide bool, order binary.ByteOrder) []byte {
	t.Helper()
	ident := [16]byte{0x7f, 'E', 'L', 'F', 1, 1, 1}
	if order == binary.BigEndian {
		ident[5] = 2
	}
	const text, interpAt, dynAt, symAt, namesAt, segmentsAt, sectionsAt = 0x40, 0x60, 0x80, 0xc0, 0x180, 0x200, 0x400
	names := "\x00_start\x00main\x00data\x00.text\x00"
	flags := uint64(FlagTextRel)
	var head, dyn, syms any
	var segments, sections []any
	if wide {
		ident[4] = 2
		head = elf.Header64{Ident: ident, Type: 2, Machine: 62, Version: 1, Phoff: segmentsAt, Shoff: sectionsAt, Ehsize: 64, Phentsize: 56, Phnum: 4, Shentsize: 64, Shnum: 4, Shstrndx: 2}
		for _, p := range []elf.Prog64{{Type: 3, Off: interpAt, Filesz: 9}, {Type: 2, Off: dynAt, Filesz: 48}, {Type: Load, Flags: 7, Off: text, Vaddr: 0x1040, Filesz: 0x20, Memsz: 0x30}, {Type: Stack, Flags: 6}} {
			segments = append(segments, p)
		}
		dyn = []elf.Dyn64{{Tag: TextRel}, {Tag: Flags, Val: flags}, {}}
		syms = []elf.Sym64{{}, {Name: 1, Info: 0x12, Value: 0x1050, Shndx: 1}, {Name: 8, Info: 0x12, Value: 0x1040, Shndx: 1}, {Name: 13, Info: 0x11, Value: 0x2000, Shndx: 1}}
		for _, s := range []elf.Section64{{}, {Name: 18, Type: 1, Off: text, Size: 0x20}, {Type: 3, Off: namesAt, Size: uint64(len(names))}, {Type: symbols, Off: symAt, Size: 96, Link: 2, Entsize: 24}} {
			sections = append(sections, s)
		}
	} else {
		head = elf.Header32{Ident: ident, Type: 2, Machine: 3, Version: 1, Phoff: segmentsAt, Shoff: sectionsAt, Ehsize: 52, Phentsize: 32, Phnum: 4, Shentsize: 40, Shnum: 4, Shstrndx: 2}
		for _, p := range []elf.Prog32{{Type: 3, Off: interpAt, Filesz: 9}, {Type: 2, Off: dynAt, Filesz: 24}, {Type: Load, Flags: 7, Off: text, Vaddr: 0x1040, Filesz: 0x20, Memsz: 0x30}, {Type: Stack, Flags: 6}} {
			segments = append(segments, p)
		}
		dyn = []elf.Dyn32{{Tag: TextRel}, {Tag: Flags, Val: uint32(flags)}, {}}
		syms = []elf.Sym32{{}, {Name: 1, Info: 0x12, Value: 0x1050, Shndx: 1}, {Name: 8, Info: 0x12, Value: 0x1040, Shndx: 1}, {Name: 13, Info: 0x11, Value: 0x2000, Shndx: 1}}
		for _, s := range []elf.Section32{{}, {Name: 18, Type: 1, Off: text, Size: 0x20}, {Type: 3, Off: namesAt, Size: uint32(len(names))}, {Type: symbols, Off: symAt, Size: 64, Link: 2, Entsize: 16}} {
			sections = append(sections, s)
		}
	}
	out := make([]byte, 0x600)
	put := func(at int, values ...any) {
		var b bytes.Buffer
		for _, v := range values {
			if err := binary.Write(&b, order, v); err != nil {
				t.Fatal(err)
			}
		}
		copy(out[at:], b.Bytes())
	}
	put(0, head)
	put(interpAt, []byte("/lib/ld.1\x00"))
	put(dynAt, dyn)
	put(symAt, syms)
	put(namesAt, []byte(names))
	put(segmentsAt, segments...)
	put(sectionsAt, sections...)
	return out
}

// asOthers holds what is read against debug/elf.
func asOthers(t *testing.T, r io.ReaderAt) *File {
	t.Helper()
	f, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	want, err := elf.NewFile(r)
	if err != nil {
		t.Fatal(err)
	}
	var segments []Segment
	for _, p := range want.Progs {
		segments = append(segments, Segment{uint32(p.Type), uint32(p.Flags), p.Off, p.Vaddr, p.Filesz})
	}
	if !slices.Equal(f.Segments, segments) {
		t.Errorf("%v, want %v", f.Segments, segments)
	}
	if s := want.Section(textSection); s != nil {
		if from, to, ok := f.Section(textSection); !ok || from != s.Offset || to != s.Offset+s.FileSize {
			t.Errorf("%s: %x to %x, want %x and %x", textSection, from, to, s.Offset, s.FileSize)
		}
	}
	var all []elf.Symbol
	for _, read := range []func() ([]elf.Symbol, error){want.DynamicSymbols, want.Symbols} {
		list, _ := read() // none is no error here
		all = append(all, list...)
	}
	have := map[Function]int{}
	for _, one := range f.Functions() {
		have[one]++
	}
	for _, s := range all {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value != 0 && len(s.Name) < maxName {
			have[Function{s.Name, s.Value}]--
		}
	}
	for one, n := range have {
		if n != 0 {
			t.Errorf("%v: %d times more than it is there", one, n)
		}
	}
	return f
}

func TestRead(t *testing.T) {
	for _, wide := range []bool{false, true} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			f := asOthers(t, bytes.NewReader(program(t, wide, order)))
			if f.Interpreter() != "/lib/ld.1" {
				t.Errorf("interpreter %q", f.Interpreter())
			}
			if _, ok := f.Dynamic(TextRel); !ok {
				t.Error("no DT_TEXTREL")
			}
			if v, ok := f.Dynamic(Flags); !ok || v != FlagTextRel {
				t.Errorf("DT_FLAGS %x", v)
			}
			if _, ok := f.Dynamic(99); ok {
				t.Error("a tag that is not there")
			}
			if got := f.Functions(); !slices.Equal(got, []Function{{"main", 0x1040}, {"_start", 0x1050}}) {
				t.Errorf("%v", got)
			}
			if load := f.Segments[2]; !load.Has(0x40) || !load.Has(0x5f) || load.Has(0x60) || load.Has(0x3f) {
				t.Error("where the segment lies")
			}
		}
	}
}

// This very program, where the system's programs are ELF.
func TestReadReal(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f, err := Read(file)
	if _, judge := elf.NewFile(file); (judge == nil) != (err == nil) {
		t.Fatalf("%v, want %v", err, judge)
	}
	if err == nil {
		if asOthers(t, file); len(f.Segments) < 3 {
			t.Errorf("%d segments", len(f.Segments))
		}
	}
}

// What is cut or damaged gives less, and never more than there is.
func TestDamaged(t *testing.T) {
	whole := program(t, true, binary.LittleEndian)
	for n := range whole {
		f, err := Read(bytes.NewReader(whole[:n]))
		if whole := n >= 0x200+4*56; (err == nil) != whole {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if err == nil && n < 0x500 && len(f.Functions()) != 0 {
			t.Errorf("%d bytes: functions without sections", n)
		}
	}
	for name, change := range map[string]func(b []byte){
		"magic": func(b []byte) { b[0] = 0 }, "class": func(b []byte) { b[4] = 3 }, "order": func(b []byte) { b[5] = 0 },
		"where the segments are": func(b []byte) { b[39] = 0xff }, "size of a segment": func(b []byte) { b[54] = 1 },
	} {
		b := slices.Clone(whole)
		if change(b); func() error { _, err := Read(bytes.NewReader(b)); return err }() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzRead: a file that says it is ELF may be anything.
func FuzzRead(f *testing.F) {
	for _, wide := range []bool{false, true} {
		f.Add(program(f, wide, binary.LittleEndian))
		f.Add(program(f, wide, binary.BigEndian))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(r.Interpreter()) > len(b) {
			t.Error("an interpreter longer than the file")
		}
		r.Dynamic(TextRel)
		r.Section(textSection)
		for _, one := range r.Functions() {
			if len(one.Name) >= maxName || one.Addr == 0 {
				t.Errorf("%v", one)
			}
		}
	})
}
