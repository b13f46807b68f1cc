package wmi

import (
	"encoding/binary"
	"io"
)

// maxRecord bounds one record: a script of a consumer is within it.
const maxRecord = 4 << 20

// A record is a piece of a page's heap.
type record struct {
	id     uint32
	offset int // in the page
	size   int // bytes, of which those behind the page lie in the pages that follow
}

// records reads the table at the beginning of a page; nil for a page that has none: it
// is empty, or the rest of a record that began before it.
func records(page []byte) (out []record) {
	for at := 0; at+16 <= len(page); at += 16 {
		r := record{
			id:     binary.LittleEndian.Uint32(page[at:]),
			offset: int(binary.LittleEndian.Uint32(page[at+4:])),
			size:   int(binary.LittleEndian.Uint32(page[at+8:])),
		}
		if r.id == 0 && r.offset == 0 && r.size == 0 {
			break
		}
		if r.id == 0 || r.offset < 32 || r.offset >= pageSize || r.size <= 0 || r.size > maxRecord {
			return nil
		}
		out = append(out, r)
	}
	return out
}

// heap is OBJECTS.DATA.
type heap struct {
	file  io.ReaderAt
	pages uint32   // of the file
	map_  *mapping // nil if there is none
	left  int64    // bytes of pages that may still be read behind those of records
}

// page reads a page of the file.
func (h *heap) page(n uint32) ([]byte, error) {
	b := make([]byte, pageSize)
	read, err := h.file.ReadAt(b, int64(n)*pageSize)
	if read == pageSize || err == io.EOF && read > 0 {
		return b[:read], nil
	}
	return nil, err
}

// data gives the bytes of a record that begins on a page of the file, and whether they
// are all there. logical is the page's number in the heap; for a page that is not in the
// heap, nobody knows where its records go on.
func (h *heap) data(page []byte, r record, logical uint32, inHeap bool) ([]byte, bool) {
	from := min(r.offset, len(page))
	b := append([]byte(nil), page[from:min(from+r.size, len(page))]...)
	for next := logical + 1; inHeap && len(b) < r.size; next++ {
		place, ok := h.map_.place(next)
		if !ok {
			return b, false
		}
		if h.left -= pageSize; h.left < 0 {
			return b, false
		}
		more, err := h.page(place)
		if err != nil || len(more) == 0 {
			return b, false
		}
		b = append(b, more[:min(r.size-len(b), len(more))]...)
	}
	return b, len(b) == r.size
}

// follows gives the number of pages behind the first that a record takes.
func (r record) follows() uint32 {
	return uint32(max(0, r.offset+r.size-1) / pageSize)
}
