package qcow2

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// Bits of L1 and L2 entries.
const (
	offsetMask      = 0x00fffffffffffe00
	entryCompressed = 1 << 62
	entryZero       = 1
	subclusters     = 32
)

// ReadAt reads of the disk, as io.ReaderAt says. What the image does not hold is zero.
func (m *Image) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("qcow2: read at %d", off)
	}
	for n < len(p) {
		if off >= m.size {
			return n, io.EOF
		}
		cluster := int64(1) << m.clusterBits
		in := off & (cluster - 1)
		part := p[n:min(int64(len(p)), int64(n)+min(cluster-in, m.size-off))]
		k, err := m.readCluster(part, uint64(off)>>m.clusterBits, int(in))
		n, off = n+k, off+int64(k)
		if err != nil {
			return n, fmt.Errorf("qcow2: disk offset %d: %w", off, err)
		}
	}
	return n, nil
}

// readCluster fills p with what begins at byte in of a guest cluster; p ends
// within the cluster. It may give less than len(p) where a subcluster ends.
func (m *Image) readCluster(p []byte, cluster uint64, in int) (int, error) {
	entry, bitmap, err := m.entry(cluster)
	if err != nil {
		return 0, err
	}
	host := entry & offsetMask
	switch {
	case entry&entryCompressed != 0:
		b, err := m.compressed(entry)
		if err != nil {
			return 0, err
		}
		return copy(p, b[in:]), nil
	case m.extended:
		return m.readSubclusters(p, host, bitmap, in)
	case host == 0, m.version >= 3 && entry&entryZero != 0:
		clear(p)
		return len(p), nil
	}
	return m.readHost(p, host+uint64(in))
}

// readSubclusters reads as far as neighbouring subclusters are of one kind: 32 bits
// say which are allocated, 32 which are zero.
func (m *Image) readSubclusters(p []byte, host, bitmap uint64, in int) (int, error) {
	size := 1 << m.clusterBits / subclusters
	first := in / size
	allocated := func(i int) bool { return bitmap>>i&1 != 0 && bitmap>>(i+subclusters)&1 == 0 }
	end := first + 1
	for end < subclusters && allocated(end) == allocated(first) {
		end++
	}
	p = p[:min(len(p), end*size-in)]
	if !allocated(first) || host == 0 {
		clear(p)
		return len(p), nil
	}
	return m.readHost(p, host+uint64(in))
}

func (m *Image) readHost(p []byte, at uint64) (int, error) {
	if at >= uint64(m.fileSize) {
		return 0, fmt.Errorf("its cluster at %d lies beyond the end of the file", at)
	}
	n, err := m.r.ReadAt(p, int64(at))
	if n == len(p) {
		return n, nil
	}
	return n, fmt.Errorf("its cluster, read at %d: %w", at, readError(err))
}

// entry gives the L2 entry of a guest cluster, and its bitmap if there are subclusters.
func (m *Image) entry(cluster uint64) (entry, bitmap uint64, err error) {
	perTable := m.clusterBits - m.entryBits()
	i := cluster >> perTable
	if i >= uint64(len(m.l1)) {
		return 0, 0, fmt.Errorf("no L1 entry %d", i)
	}
	at := m.l1[i] & offsetMask
	if at == 0 {
		return 0, 0, nil
	}
	table, err := m.table(at)
	if err != nil {
		return 0, 0, err
	}
	table = table[(cluster&(1<<perTable-1))<<m.entryBits():]
	if m.extended {
		bitmap = binary.BigEndian.Uint64(table[8:])
	}
	return binary.BigEndian.Uint64(table), bitmap, nil
}

func (m *Image) table(at uint64) ([]byte, error) {
	if b, ok := m.l2.Get(at); ok {
		return b, nil
	}
	b := make([]byte, 1<<m.clusterBits)
	if _, err := m.readHost(b, at); err != nil {
		return nil, fmt.Errorf("L2 table: %w", err)
	}
	m.l2.Put(at, b, int64(len(b)))
	return b, nil
}

// compressed gives a whole guest cluster. Its entry says where the compressed bytes
// begin, and how many sectors of 512 bytes follow the one in which they begin.
func (m *Image) compressed(entry uint64) ([]byte, error) {
	if b, ok := m.clusters.Get(entry); ok {
		return b, nil
	}
	shift := 62 - (m.clusterBits - 8)
	at := entry & (1<<shift - 1)
	sectors := (entry&(entryCompressed-1))>>shift + 1
	size := sectors*512 - at&511
	if bits.Len64(at) > 62 || at >= uint64(m.fileSize) {
		return nil, fmt.Errorf("its compressed cluster at %d lies beyond the end of the file", at)
	}
	in := make([]byte, min(size, uint64(m.fileSize)-at)) // the last sector may end with the file
	if _, err := m.readHost(in, at); err != nil {
		return nil, err
	}
	out := make([]byte, 1<<m.clusterBits)
	if err := m.decompress(out, in); err != nil {
		return nil, fmt.Errorf("its compressed cluster at %d: %w", at, err)
	}
	m.clusters.Put(entry, out, int64(len(out)))
	return out, nil
}

// decompress fills out: what is left of in after that is padding. Decompressors are
// kept, for making one costs more than a cluster.
func (m *Image) decompress(out, in []byte) error {
	if m.compression == compressZstd {
		return m.decompressZstd(out, in)
	}
	r, ok := m.inflaters.Get().(io.Reader)
	if !ok {
		r = flate.NewReader(bytes.NewReader(in))
	} else if err := r.(flate.Resetter).Reset(bytes.NewReader(in), nil); err != nil {
		return err
	}
	defer m.inflaters.Put(r)
	_, err := io.ReadFull(r, out)
	return err
}

func (m *Image) decompressZstd(out, in []byte) (err error) {
	r, ok := m.zstds.Get().(*zstd.Decoder)
	if !ok {
		r, err = zstd.NewReader(bytes.NewReader(in), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(64<<20))
	} else {
		err = r.Reset(bytes.NewReader(in))
	}
	if err != nil {
		return err
	}
	defer m.zstds.Put(r)
	_, err = io.ReadFull(r, out)
	return err
}
