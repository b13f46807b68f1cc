package ewf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// An entry of a table, decoded: the offset of a chunk in the segment, and whether
// it is compressed.
const (
	entryOffset     = 1<<63 - 1
	entryCompressed = 1 << 63
)

// tableEntries reads a table, or its copy if its checksums are wrong.
func (m *Image) tableEntries(i int) ([]uint64, error) {
	if e, ok := m.entries.Get(i); ok {
		return e, nil
	}
	t := &m.tables[i]
	e, err := m.readEntries(t, t.at)
	if err != nil && t.second != 0 {
		var again error
		if e, again = m.readEntries(t, t.second); again == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("table at %d of segment %d: %w", t.at, t.segment+1, err)
	}
	m.entries.Put(i, e, int64(len(e))*8)
	return e, nil
}

func (m *Image) readEntries(t *table, at int64) ([]uint64, error) {
	b := make([]byte, tableHeader+4*t.count)
	if err := m.read(t.segment, b, at); err != nil {
		return nil, err
	}
	if adler32.Checksum(b[:20]) != binary.LittleEndian.Uint32(b[20:]) {
		return nil, errors.New("wrong checksum of its head")
	}
	var sum [4]byte // the first EnCase wrote none
	if t.summed && m.read(t.segment, sum[:], at+int64(len(b))) == nil && binary.LittleEndian.Uint32(sum[:]) != 0 &&
		adler32.Checksum(b[tableHeader:]) != binary.LittleEndian.Uint32(sum[:]) {
		return nil, errors.New("wrong checksum")
	}
	base := binary.LittleEndian.Uint64(b[8:])
	if base > 1<<62 {
		return nil, fmt.Errorf("base offset %#x", base)
	}
	return decodeEntries(b[tableHeader:], base, t.end), nil
}

// decodeEntries turns entries of 31 bits and a mark into offsets. EnCase 6.7 and
// libewf write more than 2 GiB into a segment: from the first chunk whose end does
// not fit, the mark is the highest bit of the offset, and no chunk is compressed.
func decodeEntries(b []byte, base uint64, end int64) []uint64 {
	out := make([]uint64, len(b)/4)
	wide := false
	for i := range out {
		raw := uint64(binary.LittleEndian.Uint32(b[4*i:]))
		if wide {
			out[i] = base + raw
			continue
		}
		at := raw & (1<<31 - 1)
		out[i] = base + at
		if raw>>31 != 0 {
			out[i] |= entryCompressed
		}
		next := uint64(max(end, 0)) - min(base, uint64(max(end, 0)))
		if 4*i+8 <= len(b) {
			full := uint64(binary.LittleEndian.Uint32(b[4*i+4:]))
			next = full & (1<<31 - 1)
			if next < at && full >= at {
				next = full
			}
		}
		wide = next > 1<<31-1
	}
	return out
}

// readChunk reads entry in of a table. Its bytes end where the next chunk begins,
// the last one's where the section does.
func (m *Image) readChunk(t *table, entries []uint64, in int) ([]byte, error) {
	at, end := int64(entries[in]&entryOffset), t.end
	if in+1 < len(entries) {
		end = int64(entries[in+1] & entryOffset)
	}
	if end <= at {
		end = m.segments[t.segment].Size
	}
	most := m.chunk + m.chunk/8 + 1024 // what deflate makes of noise
	size := min(end-at, most, m.segments[t.segment].Size-at)
	if at < fileHeader || size <= 0 {
		return nil, fmt.Errorf("at %d of segment %d, which has %d bytes", at, t.segment+1, m.segments[t.segment].Size)
	}
	b := make([]byte, size)
	if err := m.read(t.segment, b, at); err != nil {
		return nil, err
	}
	want := m.chunkSize(t.first + int64(in))
	if entries[in]&entryCompressed != 0 {
		return m.pool.inflate(b, want)
	}
	if int64(len(b)) < want+4 {
		return nil, fmt.Errorf("only %d bytes of it are at %d of segment %d", len(b), at, t.segment+1)
	}
	if adler32.Checksum(b[:want]) != binary.LittleEndian.Uint32(b[want:]) {
		return m.wholeChunk(b, want)
	}
	return b[:want], nil
}

// chunkSize is the bytes of the media in a chunk: the last one may have fewer.
func (m *Image) chunkSize(chunk int64) int64 {
	return max(0, min(m.chunk, m.size-chunk*m.chunk))
}

// wholeChunk is a last chunk that was padded to its full size.
func (m *Image) wholeChunk(b []byte, want int64) ([]byte, error) {
	if want < m.chunk && int64(len(b)) >= m.chunk+4 && adler32.Checksum(b[:m.chunk]) == binary.LittleEndian.Uint32(b[m.chunk:]) {
		return b[:want], nil
	}
	return nil, errors.New("wrong checksum")
}

// inflaters are decompressors that are not at work.
type inflaters struct{ pool sync.Pool }

// inflate gives at least size bytes of what was compressed with zlib; its checksum
// is checked where the chunk has exactly that many.
func (p *inflaters) inflate(b []byte, size int64) ([]byte, error) {
	in := bytes.NewReader(b)
	r, ok := p.pool.Get().(io.ReadCloser)
	var err error
	if ok {
		err = r.(zlib.Resetter).Reset(in, nil)
	} else {
		r, err = zlib.NewReader(in)
	}
	if err != nil {
		return nil, err
	}
	defer p.pool.Put(r)
	out := make([]byte, size)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, err
	}
	if _, err := r.Read(make([]byte, 1)); err != nil && err != io.EOF {
		return nil, err
	}
	return out, nil
}
