// Package ewf reads EWF-E01, the Expert Witness Compression Format that forensic
// imagers write: segments (.E01 to .ZZZ) of sections, with the media in chunks that
// are compressed or carry a checksum, and the hashes that the imager computed.
//
// Begin with Open. Logical evidence (.L01) and the second version (.Ex01) are not read.
//
// Source: libyal's "Expert Witness Compression Format specification" (libewf). All
// numbers on disk are little-endian; checksums are Adler-32.
package ewf

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"hozen/collector/disk/image/lru"
)

// Magic is how every segment file begins.
const Magic = "EVF\x09\x0d\x0a\xff\x00"

const (
	maxChunk    = 1 << 26 // bytes of one chunk of the media; imagers write 32 KiB
	maxTables   = 1 << 20 // tables in all segments
	maxTable    = 1 << 20 // entries of one table
	maxText     = 1 << 20 // bytes of an uncompressed header
	chunksCache = 16 << 20
	tablesCache = 8 << 20
)

// A Segment is one file of an image.
type Segment struct {
	R    io.ReaderAt
	Size int64 // bytes
}

// A Range is a run of sectors.
type Range struct {
	First uint32 // sector
	Count uint32
}

// An Image is an open image. It is safe for concurrent use.
type Image struct {
	segments []Segment
	size     int64
	chunk    int64 // bytes of the media in one chunk
	sector   uint32
	tables   []table
	header   map[string]string
	md5      []byte
	sha1     []byte
	bad      []Range
	notes    []string
	volume   bool // its section was seen
	ended    bool // the last segment says that it is the last
	entries  *lru.Cache[int, []uint64]
	chunks   *lru.Cache[int64, []byte]
	pool     inflaters
}

// A table says where a run of chunks lies.
type table struct {
	segment int
	at      int64 // of its section's data
	second  int64 // of its copy's (table2); 0 if there is none
	first   int64 // chunk
	count   int64
	end     int64 // where the data of its chunks end at the latest
	summed  bool  // a checksum follows its entries
	damaged bool  // its head has a wrong checksum
}

// Open reads the sections of all segments, in their order.
func Open(segments []Segment) (*Image, error) {
	if len(segments) == 0 {
		return nil, errors.New("ewf: no segment")
	}
	m := &Image{
		segments: segments, header: map[string]string{},
		entries: lru.New[int, []uint64](tablesCache), chunks: lru.New[int64, []byte](chunksCache),
	}
	for i := range segments {
		if m.ended {
			m.notef("segment %d follows the last one, and is not read", i+1)
			break
		}
		if err := m.readSegment(i); err != nil {
			return nil, fmt.Errorf("ewf: segment %d: %w", i+1, err)
		}
	}
	if !m.volume {
		return nil, errors.New("ewf: no section describes the media")
	}
	if !m.ended {
		m.notef("the last of %d segments says that another follows: it is missing", len(segments))
	}
	if have := m.have(); have < m.size {
		m.notef("only the first %d of %d bytes are in the segments", have, m.size)
	}
	return m, nil
}

// Not inlined, for the size of the program.
//
//go:noinline
func (m *Image) notef(format string, a ...any) {
	if len(m.notes) < 32 {
		m.notes = append(m.notes, fmt.Sprintf(format, a...))
	}
}

// have is how many bytes of the media the tables speak of.
func (m *Image) have() int64 {
	if len(m.tables) == 0 {
		return 0
	}
	last := m.tables[len(m.tables)-1]
	return (last.first + last.count) * m.chunk
}

// Size is the size of the media in bytes.
func (m *Image) Size() int64 { return m.size }

// SectorSize is the size of a sector of the media in bytes.
func (m *Image) SectorSize() int { return int(m.sector) }

// MD5 is the hash of the media that the imager stored; nil if it did not.
func (m *Image) MD5() []byte { return m.md5 }

// SHA1 is the hash of the media that the imager stored; nil if it did not.
func (m *Image) SHA1() []byte { return m.sha1 }

// Bad lists the sectors that the imager could not read.
func (m *Image) Bad() []Range { return m.bad }

// Header is what the imager was told of the acquisition, by the format's own short
// names: "c" case number, "n" evidence number, "a" description, "e" examiner,
// "t" notes, "m" and "u" when it was made (by two clocks), "av" version of the
// program, "ov" of the system.
func (m *Image) Header() map[string]string { return m.header }

// Notes says what a reader must know of the image.
func (m *Image) Notes() []string { return m.notes }

// ReadAt reads of the media, as io.ReaderAt says. Chunks of one read are decompressed
// on all processors.
func (m *Image) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("ewf: read at %d", off)
	}
	if off >= m.size {
		return 0, io.EOF
	}
	if left := m.size - off; int64(len(p)) > left {
		n, err = m.readChunks(p[:left], off)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	return m.readChunks(p, off)
}

// readChunks fills p, which lies within the media.
func (m *Image) readChunks(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	first, last := off/m.chunk, (off+int64(len(p))-1)/m.chunk
	workers := int(min(last-first+1, int64(runtime.GOMAXPROCS(0))))
	var next atomic.Int64
	var mu sync.Mutex
	good, failed := len(p), error(nil)
	work := func() {
		for {
			chunk := first + next.Add(1) - 1
			if chunk > last {
				return
			}
			from := max(chunk*m.chunk-off, 0)
			to := min((chunk+1)*m.chunk-off, int64(len(p)))
			if k, err := m.readIn(p[from:to], chunk, off+from-chunk*m.chunk); err != nil {
				next.Store(last + 1) // what comes behind it is of no use
				mu.Lock()
				if int(from)+k < good {
					good, failed = int(from)+k, fmt.Errorf("ewf: media offset %d: %w", off+from+int64(k), err)
				}
				mu.Unlock()
			}
		}
	}
	var others sync.WaitGroup
	for range workers - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return good, failed
}

// readIn fills p from a chunk, from byte in of it on.
func (m *Image) readIn(p []byte, chunk, in int64) (int, error) {
	b, err := m.chunkData(chunk)
	if err != nil {
		return 0, err
	}
	n := copy(p, b[min(in, int64(len(b))):])
	if n < len(p) {
		return n, fmt.Errorf("its chunk has only %d bytes", len(b))
	}
	return n, nil
}

func (m *Image) chunkData(chunk int64) ([]byte, error) {
	if b, ok := m.chunks.Get(chunk); ok {
		return b, nil
	}
	i := sort.Search(len(m.tables), func(i int) bool { return m.tables[i].first+m.tables[i].count > chunk })
	if i == len(m.tables) {
		return nil, errors.New("no segment holds it")
	}
	entries, err := m.tableEntries(i)
	if err != nil {
		return nil, err
	}
	in := int(chunk - m.tables[i].first)
	if in >= len(entries) {
		return nil, errors.New("its table is cut")
	}
	b, err := m.readChunk(&m.tables[i], entries, in)
	if err != nil {
		return nil, fmt.Errorf("chunk %d: %w", chunk, err)
	}
	m.chunks.Put(chunk, b, int64(len(b)))
	return b, nil
}
