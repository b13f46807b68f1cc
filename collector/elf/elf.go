// Package elf reads what the headers of an ELF file say (elf(5)): its segments, which
// interpreter it wants, its dynamic table, where a section lies, and its functions. The
// file may be anything: every size is bounded, and what is damaged is left out. Begin with
// Read. It stands for debug/elf, which would bring two decompressors and DWARF with it, and
// reads as much as a file asks for.
package elf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"hozen/packager/evidence/sorting"
)

// Types and flags of segments; tags and flags of the dynamic table.
const (
	Load, Stack            = 1, 0x6474e551 // PT_LOAD, PT_GNU_STACK
	Executable, Writable   = 1, 2          // PF_X, PF_W
	TextRel, Flags         = 22, 30        // DT_TEXTREL, DT_FLAGS
	FlagTextRel            = 4             // DF_TEXTREL
	dynamic, interp        = 2, 3          // PT_DYNAMIC, PT_INTERP
	symbols, dynamicSymbol = 2, 11         // SHT_SYMTAB, SHT_DYNSYM
	compressed             = 0x800         // SHF_COMPRESSED
	noBits                 = 8             // SHT_NOBITS
	function               = 2             // STT_FUNC
)

// Bounds of what is read of a file, in bytes.
const (
	maxTable = 16 << 20 // a table of symbols, or of their names
	maxShort = 1 << 20  // the dynamic table, the names of the sections
	maxName  = 512      // of a function
	maxPath  = 4096     // of the interpreter
)

// A File is what the headers say. Its methods read on in the file that it was read from.
type File struct {
	Segments []Segment
	sections []section
	names    []byte // of the sections
	r        io.ReaderAt
	order    binary.ByteOrder
	wide     bool // ELFCLASS64
}

// A Segment is a program header. Its numbers are those of the file: they may lie.
type Segment struct {
	Type, Flags        uint32
	Offset, Addr, Size uint64 // Size is that in the file
}

// Has says whether an offset in the file lies in the segment.
func (s Segment) Has(offset uint64) bool { return offset >= s.Offset && offset-s.Offset < s.Size }

type section struct {
	name, kind, link    uint32
	flags, offset, size uint64
}

// Read reads the headers. It gives an error for what is no ELF file, or one whose program
// headers cannot be read; of sections that cannot be read there are none.
func Read(r io.ReaderAt) (*File, error) {
	head := make([]byte, 64)
	if n, err := r.ReadAt(head, 0); n < 52 || n < len(head) && head[4] != 1 {
		return nil, fmt.Errorf("ELF header: %w", err)
	}
	if !bytes.HasPrefix(head, []byte("\x7fELF")) || head[4] < 1 || head[4] > 2 || head[5] < 1 || head[5] > 2 {
		return nil, fmt.Errorf("ELF header: %x is none", head[:6])
	}
	f := &File{r: r, order: binary.LittleEndian, wide: head[4] == 2}
	if head[5] == 2 {
		f.order = binary.BigEndian
	}
	counts, size := head[42:], 32
	if f.wide {
		counts, size = head[54:], 56
	}
	short := func(i int) int { return int(f.order.Uint16(counts[2*i:])) } // phentsize, phnum, shentsize, shnum, shstrndx
	table, err := f.table(f.word(head, 32, 28), short(0), size, short(1))
	if err != nil {
		return nil, fmt.Errorf("program headers: %w", err)
	}
	for ; len(table) > 0; table = table[size:] {
		f.Segments = append(f.Segments, f.segment(table))
	}
	size = 40
	if f.wide {
		size = 64
	}
	table, err = f.table(f.word(head, 40, 32), short(2), size, short(3))
	for ; err == nil && len(table) > 0; table = table[size:] {
		f.sections = append(f.sections, f.section(table))
	}
	if i := short(4); i < len(f.sections) {
		f.names = f.sections[i].read(r, maxShort)
	}
	return f, nil
}

// table reads count entries, each of a size that must be the one of the class.
func (f *File) table(at uint64, size, want, count int) ([]byte, error) {
	if count == 0 {
		return nil, nil
	}
	if size != want {
		return nil, fmt.Errorf("entries of %d bytes", size)
	}
	return read(f.r, at, uint64(size*count))
}

// read reads size bytes, which the caller has bounded, or gives an error.
func read(r io.ReaderAt, at, size uint64) ([]byte, error) {
	if at > 1<<62 {
		return nil, fmt.Errorf("an offset of %#x", at)
	}
	b := make([]byte, size)
	if n, err := r.ReadAt(b, int64(at)); n < len(b) {
		return nil, err
	}
	return b, nil
}

// word reads a number that is as wide as the class, at its place in either.
func (f *File) word(b []byte, wide, narrow int) uint64 {
	if f.wide {
		return f.order.Uint64(b[wide:])
	}
	return uint64(f.order.Uint32(b[narrow:]))
}

func (f *File) segment(b []byte) Segment {
	flags := 24
	if f.wide {
		flags = 4
	}
	return Segment{Type: f.order.Uint32(b), Flags: f.order.Uint32(b[flags:]), Offset: f.word(b, 8, 4), Addr: f.word(b, 16, 8), Size: f.word(b, 32, 16)}
}

func (f *File) section(b []byte) section {
	link := 24
	if f.wide {
		link = 40
	}
	return section{name: f.order.Uint32(b), kind: f.order.Uint32(b[4:]), link: f.order.Uint32(b[link:]),
		flags: f.word(b, 8, 8), offset: f.word(b, 24, 16), size: f.word(b, 32, 20)}
}

// read gives the bytes of a section; none if they are more than most, packed, or not there.
func (s section) read(r io.ReaderAt, most uint64) []byte {
	if s.size > most || s.flags&compressed != 0 || s.kind == noBits {
		return nil
	}
	b, _ := read(r, s.offset, s.size)
	return b
}

// textAt gives the text that ends with a NUL.
func textAt(b []byte, at uint32) string {
	if uint64(at) >= uint64(len(b)) {
		return ""
	}
	text, _, _ := bytes.Cut(b[at:], []byte{0})
	return string(text)
}

// Interpreter is the program that loads this one; "" if none does.
func (f *File) Interpreter() string {
	for _, s := range f.Segments {
		if s.Type == interp {
			b, _ := read(f.r, s.Offset, min(s.Size, maxPath))
			return strings.TrimRight(string(b), "\x00")
		}
	}
	return ""
}

// Section says where in the file the first section of a name begins and ends.
func (f *File) Section(name string) (from, to uint64, ok bool) {
	for _, s := range f.sections {
		if textAt(f.names, s.name) == name {
			return s.offset, s.offset + s.size, true
		}
	}
	return 0, 0, false
}

// Dynamic gives the first value of a tag in the dynamic table.
func (f *File) Dynamic(tag uint64) (value uint64, ok bool) {
	size := 8
	if f.wide {
		size = 16
	}
	for _, s := range f.Segments {
		if s.Type != dynamic {
			continue
		}
		b, _ := read(f.r, s.Offset, min(s.Size, maxShort))
		for ; len(b) >= size; b = b[size:] {
			switch f.word(b, 0, 0) {
			case tag:
				return f.word(b, 8, 4), true
			case 0: // DT_NULL: the end
				return 0, false
			}
		}
	}
	return 0, false
}

// A Function is a symbol of a function that has an address.
type Function struct {
	Name string
	Addr uint64
}

// Functions gives the functions of both tables of symbols, by address.
func (f *File) Functions() (out []Function) {
	for _, kind := range []uint32{dynamicSymbol, symbols} {
		for _, s := range f.sections {
			if s.kind == kind {
				out = f.functions(out, s)
				break
			}
		}
	}
	sorting.By(out, func(a, b Function) int {
		return cmp.Or(cmp.Compare(a.Addr, b.Addr), strings.Compare(a.Name, b.Name))
	})
	return out
}

func (f *File) functions(out []Function, s section) []Function {
	if uint64(s.link) >= uint64(len(f.sections)) {
		return out
	}
	names, size, info := f.sections[s.link].read(f.r, maxTable), 16, 12
	if f.wide {
		size, info = 24, 4
	}
	for b := s.read(f.r, maxTable); len(b) >= size; b = b[size:] {
		addr := f.word(b, 8, 4)
		if b[info]&15 != function || addr == 0 {
			continue
		}
		if name := textAt(names, f.order.Uint32(b)); len(name) < maxName {
			out = append(out, Function{name, addr})
		}
	}
	return out
}
