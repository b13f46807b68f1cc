package wmi

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	mapBegin = 0xabcd
	mapEnd   = 0xdcba
	noPage   = 0xffffffff
	// pageMask takes the number out of an entry; the two bits above are marks.
	pageMask = 0x3fffffff
	// maxPages bounds a file to 8 GiB.
	maxPages = 1 << 20
)

// A mapping says for each page of a heap where it lies in the file.
type mapping struct {
	version uint32
	pages   []uint32 // by the heap's number; noPage: not in use
}

// place gives the page of the file for a page of the heap.
func (m *mapping) place(logical uint32) (uint32, bool) {
	if m == nil || uint64(logical) >= uint64(len(m.pages)) || m.pages[logical] == noPage {
		return 0, false
	}
	return m.pages[logical] & pageMask, true
}

// parseMappings reads a MAPPING file: the table of OBJECTS.DATA, then that of INDEX.BTR.
func parseMappings(b []byte) (objects, index *mapping, err error) {
	objects, rest, err := parseMapping(b)
	if err != nil {
		return nil, nil, fmt.Errorf("table of objects: %w", err)
	}
	index, _, err = parseMapping(rest)
	if err != nil {
		return objects, nil, fmt.Errorf("table of the index: %w", err)
	}
	return objects, index, nil
}

// parseMapping reads one table: a header of 20 bytes, entries of 24, a list of free
// pages, and a footer of 8.
func parseMapping(b []byte) (*mapping, []byte, error) {
	const header, entry = 24, 24
	if len(b) < header || binary.LittleEndian.Uint32(b) != mapBegin {
		return nil, nil, errors.New("no table begins here")
	}
	m := &mapping{version: binary.LittleEndian.Uint32(b[4:])}
	n := uint64(binary.LittleEndian.Uint32(b[20:]))
	if n > maxPages || n*entry > uint64(len(b)-header) {
		return nil, nil, fmt.Errorf("%d entries do not fit into %d bytes", n, len(b))
	}
	m.pages = make([]uint32, n)
	for i := range m.pages {
		m.pages[i] = binary.LittleEndian.Uint32(b[header+entry*i:])
	}
	b = b[header+entry*n:]
	if len(b) < 4 {
		return nil, nil, errors.New("the list of free pages is missing")
	}
	free := uint64(binary.LittleEndian.Uint32(b))
	if 4+4*free+8 > uint64(len(b)) || binary.LittleEndian.Uint32(b[4+4*free:]) != mapEnd {
		return nil, nil, errors.New("no end of the table")
	}
	return m, b[4+4*free+8:], nil
}
