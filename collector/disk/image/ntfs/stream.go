package ntfs

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"sort"
	"sync"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/packager/evidence/sorting"
)

// A stream is the value of an attribute: a file's contents, an alternate stream, an
// index. It is a collector.Reader that knows its holes.
type stream struct {
	disk    io.ReaderAt
	cluster int64
	runs    []layout.Run // in order; nil if the value is in memory
	memory  []byte
	size    int64
	// written is how far the file was ever written: what follows are zeros.
	written int64
	unit    int64 // bytes of a compression unit; 0 if it is not compressed
	at      int64 // of Read

	mu          sync.Mutex
	unpacked    []byte // the unit that was read last
	unpackedAt  int64
	unpackedErr error
}

// maxRuns bounds the runs of one stream: 4 million are 96 MiB.
const maxRuns = 4 << 20

// newStream joins the parts of one attribute. They must follow one another: a part
// that is missing (a damaged record) ends it with an error.
func newStream(disk io.ReaderAt, cluster int64, parts []layout.Attribute) (*stream, error) {
	sorting.By(parts, func(a, b layout.Attribute) int { return cmp.Compare(a.First, b.First) })
	head := parts[0]
	s := &stream{disk: disk, cluster: cluster, memory: head.Value, size: head.Actual, written: head.Initialized, unpackedAt: -1}
	if head.Resident {
		return s, nil
	}
	if s.size < 0 || s.written < 0 || s.written > s.size {
		return nil, fmt.Errorf("sizes %d and %d", s.size, s.written)
	}
	if head.Flags&layout.Compressed != 0 && head.Unit > 0 && head.Unit <= 10 {
		if s.unit = cluster << head.Unit; s.unit > 16<<20 {
			return nil, fmt.Errorf("a compression unit of %d bytes", s.unit)
		}
	}
	next := int64(0)
	for _, p := range parts {
		if p.Resident || p.First != next || len(s.runs)+len(p.Runs) > maxRuns {
			return s, fmt.Errorf("cluster %d of the file is described nowhere", next)
		}
		s.runs = append(s.runs, p.Runs...)
		if n := len(s.runs); n > 0 {
			next = s.runs[n-1].VCN + s.runs[n-1].Length
		}
	}
	if next < (s.size+cluster-1)/cluster {
		return s, fmt.Errorf("cluster %d of the file is described nowhere", next)
	}
	return s, nil
}

// Close implements collector.Reader.
func (s *stream) Close() error { return nil }

// Read implements collector.Reader.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.ReadAt(b, s.at)
	s.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (s *stream) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	short := int64(len(b)) > s.size-off
	b = b[:min(int64(len(b)), s.size-off)]
	for n < len(b) {
		k, err := s.piece(b[n:], off+int64(n))
		n += k
		if err != nil {
			return n, err
		}
	}
	if short {
		return n, io.EOF
	}
	return n, nil
}

// piece reads up to the end of one run.
func (s *stream) piece(b []byte, off int64) (int, error) {
	if s.memory != nil || s.runs == nil && s.size == 0 {
		return bytes.NewReader(s.memory).ReadAt(b, off)
	}
	if off >= s.written {
		clear(b)
		return len(b), nil
	}
	b = b[:min(int64(len(b)), s.written-off)]
	if s.unit > 0 {
		return s.pieceOfUnit(b, off)
	}
	r, ok := s.runAt(off / s.cluster)
	if !ok {
		return 0, fmt.Errorf("cluster %d of the file is described nowhere", off/s.cluster)
	}
	b = b[:min(int64(len(b)), (r.VCN+r.Length)*s.cluster-off)]
	if r.LCN == layout.Hole {
		clear(b)
		return len(b), nil
	}
	n, err := s.disk.ReadAt(b, r.LCN*s.cluster+off-r.VCN*s.cluster)
	if n == len(b) {
		err = nil
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (s *stream) runAt(vcn int64) (layout.Run, bool) {
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].VCN+s.runs[i].Length > vcn })
	if i == len(s.runs) || s.runs[i].VCN > vcn {
		return layout.Run{}, false
	}
	return s.runs[i], true
}

// pieceOfUnit reads from one compression unit.
func (s *stream) pieceOfUnit(b []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := off - off%s.unit; at != s.unpackedAt {
		s.unpackedAt, s.unpackedErr = at, s.unpack(at)
	}
	if s.unpackedErr != nil {
		return 0, fmt.Errorf("at %d: %w", s.unpackedAt, s.unpackedErr)
	}
	return copy(b, s.unpacked[off-s.unpackedAt:]), nil
}

// unpack reads the unit at an offset: clusters that are all there are as they are,
// those of which the last ones are a hole are compressed.
func (s *stream) unpack(at int64) error {
	if s.unpacked == nil {
		s.unpacked = make([]byte, s.unit)
	}
	clear(s.unpacked)
	packed := make([]byte, 0, s.unit)
	for vcn, end := at/s.cluster, (at+s.unit)/s.cluster; vcn < end; {
		r, ok := s.runAt(vcn)
		if !ok || r.LCN == layout.Hole {
			break
		}
		part := packed[len(packed) : len(packed)+int((min(r.VCN+r.Length, end)-vcn)*s.cluster)]
		if n, err := s.disk.ReadAt(part, (r.LCN+vcn-r.VCN)*s.cluster); n < len(part) {
			return fmt.Errorf("cluster %d of the file: %w", vcn, err)
		}
		packed = packed[:len(packed)+len(part)]
		vcn += int64(len(part)) / s.cluster
	}
	if int64(len(packed)) == s.unit {
		copy(s.unpacked, packed)
		return nil
	}
	if len(packed) == 0 {
		return nil
	}
	return expand(s.unpacked, packed)
}

// Size is the number of bytes of the stream.
func (s *stream) Size() int64 { return s.size }

// NextData implements collector.HoleReader.
func (s *stream) NextData(off int64) (from, to int64, err error) {
	written := min(s.size, s.written)
	if off >= written {
		return s.size, s.size, nil
	}
	if s.memory != nil || s.unit > 0 {
		return off, written, nil
	}
	i := sort.Search(len(s.runs), func(i int) bool { return (s.runs[i].VCN+s.runs[i].Length)*s.cluster > off })
	for i < len(s.runs) && s.runs[i].LCN == layout.Hole {
		i++
	}
	if i == len(s.runs) || s.runs[i].VCN*s.cluster >= written {
		return s.size, s.size, nil
	}
	from = max(off, s.runs[i].VCN*s.cluster)
	for i < len(s.runs) && s.runs[i].LCN != layout.Hole {
		to = (s.runs[i].VCN + s.runs[i].Length) * s.cluster
		i++
	}
	return from, min(to, written), nil
}
