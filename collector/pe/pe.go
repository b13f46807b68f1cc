// Package pe reads Windows programs and libraries (portable executables) that may be
// hostile: from a file, or from memory where the loader has mapped them, or what pretends
// to be it. Nothing is trusted: every count, size and address is bounded, every table that
// ends too soon gives what it had and an error.
//
// Begin with File or Mapped, which read the headers into an Image; its methods read the rest.
//
//	pe.go            headers and sections
//	address.go       relative virtual addresses to bytes, of both kinds
//	export.go        exports
//	import.go        imports; imphash.go: their hash
//	debug.go         where the linker put the symbols
//	version.go       the version resource
//	hashranges.go    what Authenticode hashes of a file
//
// The format is Microsoft's (https://learn.microsoft.com/windows/win32/debug/pe-format);
// names of fields are those of that page. The standard library's debug/pe is for whole,
// honest files.
package pe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNotPE is wrapped by the errors of File and Mapped for what has no PE header.
var ErrNotPE = errors.New("no portable executable")

// errDamaged is wrapped by the errors of what leads out of the image.
var errDamaged = errors.New("leads out of the image")

// An Image is what the headers say. It is not safe for concurrent use: it keeps the pages it read.
type Image struct {
	Machine            uint16 // 0x8664 x64, 0xaa64 arm64, 0x14c x86
	Timestamp          uint32 // TimeDateStamp: seconds since 1970, or a hash of a reproducible build
	Characteristics    uint16 // 0x2000: a DLL
	Wide               bool   // PE32+
	EntryPoint         uint32 // RVA; 0 for none
	ImageBase          uint64 // preferred in a file; in memory the loader writes the real one here
	SectionAlignment   uint32
	FileAlignment      uint32
	SizeOfImage        uint32 // bytes
	SizeOfHeaders      uint32
	Checksum           uint32
	Subsystem          uint16
	DLLCharacteristics uint16
	Directories        []Directory // at most 16
	Sections           []Section
	HeaderAt           uint32 // e_lfanew: where the PE signature is

	mem    io.ReaderAt
	size   int64 // of the file; 0 in memory
	base   int64 // in memory
	mapped bool
	pages  map[int64][]byte
	names  int // bytes of names read so far
}

// A Directory is one IMAGE_DATA_DIRECTORY.
type Directory struct{ RVA, Size uint32 }

// The directories that are read here, as indexes of Image.Directories.
const (
	DirectoryExport   = 0
	DirectoryImport   = 1
	DirectoryResource = 2
	DirectorySecurity = 4 // its RVA is an offset in the file
	DirectoryDebug    = 6
	DirectoryTLS      = 9
	DirectoryDelay    = 13
)

// A Section is one IMAGE_SECTION_HEADER.
type Section struct {
	Name            string // at most 8 bytes, without the NULs at its end
	VirtualSize     uint32
	RVA             uint32
	RawSize         uint32 // SizeOfRawData
	RawAt           uint32 // PointerToRawData
	Characteristics uint32
}

// Executable says whether the section asks for pages that may be executed.
func (s *Section) Executable() bool { return s.Characteristics&0x20000000 != 0 }

// Writable says whether the section asks for pages that may be written.
func (s *Section) Writable() bool { return s.Characteristics&0x80000000 != 0 }

const (
	maxSections = 96      // the loader's own limit
	maxNames    = 1 << 24 // bytes of all names of one image: large C++ libraries have 10 MiB
	maxHeaderAt = 1 << 28 // of e_lfanew
)

// File reads the headers of a file of a size.
func File(r io.ReaderAt, size int64) (*Image, error) {
	im := &Image{mem: r, size: size, pages: map[int64][]byte{}}
	return im, im.headers()
}

// Mapped reads the headers of an image at an address of a memory (offsets of mem are
// addresses). Headers that were wiped or never were there are ErrNotPE.
func Mapped(mem io.ReaderAt, address uint64) (*Image, error) {
	if address > 1<<62 {
		return &Image{}, fmt.Errorf("image at %#x: is not of user mode", address)
	}
	im := &Image{mem: mem, base: int64(address), mapped: true, pages: map[int64][]byte{}}
	return im, im.headers()
}

func (im *Image) headers() error {
	dos, err := im.raw(0, 64)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotPE, err)
	}
	if dos[0] != 'M' || dos[1] != 'Z' {
		return fmt.Errorf("%w: it does not begin with MZ", ErrNotPE)
	}
	im.HeaderAt = binary.LittleEndian.Uint32(dos[0x3c:])
	if im.HeaderAt > maxHeaderAt {
		return fmt.Errorf("%w: its header would be at %#x", ErrNotPE, im.HeaderAt)
	}
	at := int64(im.HeaderAt)
	h, err := im.raw(at, 26)
	if err != nil || string(h[:4]) != "PE\x00\x00" {
		return fmt.Errorf("%w: no PE signature at %#x", ErrNotPE, at)
	}
	im.Machine, im.Timestamp = binary.LittleEndian.Uint16(h[4:]), binary.LittleEndian.Uint32(h[8:])
	im.Characteristics = binary.LittleEndian.Uint16(h[22:])
	sections, optional := int(binary.LittleEndian.Uint16(h[6:])), int64(binary.LittleEndian.Uint16(h[20:]))
	if err := im.optional(at+24, int(optional)); err != nil {
		return err
	}
	return im.sections(at+24+optional, sections)
}

// optional reads the optional header of n bytes.
func (im *Image) optional(at int64, n int) error {
	b, err := im.raw(at, n)
	if err != nil {
		return fmt.Errorf("optional header: %w", err)
	}
	if len(b) < 2 {
		return errors.New("optional header: there is none")
	}
	u32 := binary.LittleEndian.Uint32
	fixed := 96
	switch magic := binary.LittleEndian.Uint16(b); magic {
	case 0x10b:
	case 0x20b:
		im.Wide, fixed = true, 112
	default:
		return fmt.Errorf("optional header: magic %#x", magic)
	}
	if len(b) < fixed {
		return fmt.Errorf("optional header: %d bytes", len(b))
	}
	im.EntryPoint, im.SectionAlignment, im.FileAlignment = u32(b[16:]), u32(b[32:]), u32(b[36:])
	im.SizeOfImage, im.SizeOfHeaders, im.Checksum = u32(b[56:]), u32(b[60:]), u32(b[64:])
	im.Subsystem, im.DLLCharacteristics = binary.LittleEndian.Uint16(b[68:]), binary.LittleEndian.Uint16(b[70:])
	if im.ImageBase = uint64(u32(b[28:])); im.Wide {
		im.ImageBase = binary.LittleEndian.Uint64(b[24:])
	}
	for i := range int(min(u32(b[fixed-4:]), 16)) {
		if fixed+8*i+8 > len(b) {
			break
		}
		im.Directories = append(im.Directories, Directory{u32(b[fixed+8*i:]), u32(b[fixed+8*i+4:])})
	}
	return nil
}

func (im *Image) sections(at int64, n int) error {
	for i := range min(n, maxSections) {
		b, err := im.raw(at+int64(i)*40, 40)
		if err != nil {
			return fmt.Errorf("section %d of %d: %w", i, n, err)
		}
		u32 := binary.LittleEndian.Uint32
		im.Sections = append(im.Sections, Section{
			Name: strings.TrimRight(string(b[:8]), "\x00"), VirtualSize: u32(b[8:]), RVA: u32(b[12:]),
			RawSize: u32(b[16:]), RawAt: u32(b[20:]), Characteristics: u32(b[36:]),
		})
	}
	if n > maxSections {
		return fmt.Errorf("%d sections: only %d are read", n, maxSections)
	}
	return nil
}

// Directory gives a directory; the zero one where there is none.
func (im *Image) Directory(i int) Directory {
	if i < 0 || i >= len(im.Directories) {
		return Directory{}
	}
	return im.Directories[i]
}

// DLL says whether the header calls it a library.
func (im *Image) DLL() bool { return im.Characteristics&0x2000 != 0 }
