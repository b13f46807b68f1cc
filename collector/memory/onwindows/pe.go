package onwindows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A peHead is what the headers of a PE image say, of a file or of memory (Microsoft,
// "PE Format"). Numbers are as they stand there: nothing of them is trusted.
type peHead struct {
	machine       uint16
	wide          bool // PE32+
	timestamp     uint32
	checksum      uint32
	entry         uint32 // RVA
	imageBase     uint64
	sectionAlign  uint32
	sizeOfImage   uint32
	sizeOfHeaders uint32
	dirs          [16]peDir
	sections      []peSection
}

// A peDir is an entry of the data directory.
type peDir struct{ rva, size uint32 }

// The entries of the data directory that are used here.
const (
	dirExport     = 0
	dirImport     = 1
	dirReloc      = 5
	dirLoadConfig = 10
	dirIAT        = 12
	dirCLR        = 14
)

// A peSection is an IMAGE_SECTION_HEADER.
type peSection struct {
	name            string
	rva, size       uint32 // in memory; size is never 0
	offset, rawSize uint32 // in the file
	flags           uint32
}

const (
	sectionExecute = 0x20000000 // IMAGE_SCN_MEM_EXECUTE
	sectionWrite   = 0x80000000 // IMAGE_SCN_MEM_WRITE

	maxSections = 256
	// headBytes is how much is read of a file or of memory for its headers.
	headBytes = 4096
	maxImage  = 1 << 31
)

var errNoPE = errors.New("no headers of a PE image")

// parsePE reads the headers at the beginning of b.
func parsePE(b []byte) (*peHead, error) {
	le := binary.LittleEndian
	if len(b) < 64 || b[0] != 'M' || b[1] != 'Z' {
		return nil, errNoPE
	}
	at := le.Uint32(b[60:])
	if at < 4 || uint64(at)+24 > uint64(len(b)) || string(b[at:at+4]) != "PE\x00\x00" {
		return nil, errNoPE
	}
	h := &peHead{machine: le.Uint16(b[at+4:]), timestamp: le.Uint32(b[at+8:])}
	count, optional := int(le.Uint16(b[at+6:])), int(le.Uint16(b[at+20:]))
	o := b[at+24:]
	if len(o) < optional || optional < 96 {
		return nil, fmt.Errorf("%w: an optional header of %d bytes", errNoPE, optional)
	}
	rest := o[optional:]
	o = o[:optional]
	dirs := 96
	switch le.Uint16(o) {
	case 0x10b:
		h.imageBase = uint64(le.Uint32(o[28:]))
	case 0x20b:
		h.wide, h.imageBase, dirs = true, le.Uint64(o[24:]), 112
	default:
		return nil, fmt.Errorf("%w: magic %#x", errNoPE, le.Uint16(o))
	}
	h.entry, h.sectionAlign = le.Uint32(o[16:]), le.Uint32(o[32:])
	h.sizeOfImage, h.sizeOfHeaders, h.checksum = le.Uint32(o[56:]), le.Uint32(o[60:]), le.Uint32(o[64:])
	for i := 0; i < len(h.dirs) && dirs+8*i+8 <= len(o); i++ {
		h.dirs[i] = peDir{le.Uint32(o[dirs+8*i:]), le.Uint32(o[dirs+8*i+4:])}
	}
	if count > maxSections || h.sizeOfImage > maxImage || h.sizeOfImage == 0 {
		return nil, fmt.Errorf("%w: %d sections, %d bytes", errNoPE, count, h.sizeOfImage)
	}
	for ; count > 0 && len(rest) >= 40; count, rest = count-1, rest[40:] {
		h.sections = append(h.sections, parseSection(rest))
	}
	return h, nil
}

func parseSection(b []byte) peSection {
	le := binary.LittleEndian
	name := b[:8]
	for i, c := range name {
		if c == 0 {
			name = name[:i]
			break
		}
	}
	s := peSection{name: string(name), size: le.Uint32(b[8:]), rva: le.Uint32(b[12:]), rawSize: le.Uint32(b[16:]), offset: le.Uint32(b[20:]), flags: le.Uint32(b[36:])}
	if s.size == 0 {
		s.size = s.rawSize
	}
	return s
}

// same says whether two heads are of one image: what a loader never changes.
func (h *peHead) same(o *peHead) bool {
	if h.machine != o.machine || h.timestamp != o.timestamp || h.checksum != o.checksum || h.sizeOfImage != o.sizeOfImage || h.entry != o.entry || len(h.sections) != len(o.sections) {
		return false
	}
	for i := range h.sections {
		if h.sections[i].rva != o.sections[i].rva || h.sections[i].size != o.sections[i].size {
			return false
		}
	}
	return true
}

// A peFile is an image in a file, as the loader would map it. It is not safe for
// concurrent use.
type peFile struct {
	*peHead
	r      io.ReaderAt
	relocs []peReloc // of the whole image, ascending; read when first needed
	known  bool      // relocs were read
	fixes  []span    // places that the loader changes in its own way

	// exported gives the named functions by address; they are read when first asked for.
	exported func() []export
}

// openPE reads the headers of a file.
func openPE(r io.ReaderAt) (*peFile, error) {
	head := make([]byte, headBytes)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	h, err := parsePE(head[:n])
	if err != nil {
		return nil, err
	}
	f := &peFile{peHead: h, r: r}
	f.exported = sync.OnceValue(f.exports)
	return f, nil
}

// at reads what lies at an address of the image before any relocation; what the file
// does not have is zeros.
func (f *peFile) at(b []byte, rva uint64) {
	clear(b)
	if f.sectionAlign < 4096 { // such images are mapped as they are
		f.r.ReadAt(b, int64(rva))
		return
	}
	end := rva + uint64(len(b))
	if n := min(uint64(f.sizeOfHeaders), end); rva < n {
		f.r.ReadAt(b[:n-rva], int64(rva))
	}
	for _, s := range f.sections {
		size := uint64(s.rawSize)
		if s.size < s.rawSize {
			size = (uint64(s.size) + 4095) &^ 4095
			size = min(size, uint64(s.rawSize))
		}
		from, to := max(rva, uint64(s.rva)), min(end, uint64(s.rva)+size)
		if from < to {
			f.r.ReadAt(b[from-rva:to-rva], int64(s.offset&^511)+int64(from-uint64(s.rva)))
		}
	}
}

// A peReloc is a place in an image that depends on where it lies.
type peReloc struct {
	rva  uint32
	kind uint8 // IMAGE_REL_BASED_*: 3 HIGHLOW, 10 DIR64
}

const (
	relHighLow = 3
	relDir64   = 10
	maxRelocs  = 1 << 23
	maxDir     = 16 << 20
)

// load reads the relocations, once.
func (f *peFile) load() {
	if f.known {
		return
	}
	f.known = true
	if d := f.dirs[dirReloc]; d.size <= maxDir && d.size > 0 {
		b := make([]byte, d.size)
		f.at(b, uint64(d.rva))
		f.relocs = parseRelocs(b)
	}
	f.fixes = f.loaderFixes()
}

// parseRelocs reads blocks of IMAGE_BASE_RELOCATION, which files have in ascending order.
func parseRelocs(b []byte) (out []peReloc) {
	le := binary.LittleEndian
	for len(b) >= 8 {
		page, size := le.Uint32(b), le.Uint32(b[4:])
		if size < 8 || uint64(size) > uint64(len(b)) {
			return out
		}
		for e := b[8:size]; len(e) >= 2 && len(out) < maxRelocs; e = e[2:] {
			v := le.Uint16(e)
			if k := uint8(v >> 12); k == relHighLow || k == relDir64 {
				out = append(out, peReloc{page + uint32(v&0xfff), k})
			}
		}
		b = b[size:]
	}
	return out
}
