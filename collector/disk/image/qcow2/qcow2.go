// Package qcow2 reads QEMU's copy-on-write disk images, versions 2 and 3, without
// QEMU: allocated, zero and compressed clusters (deflate and zstd) and subclusters.
//
// Begin with Open. What a backing file, an external data file or a key would have
// to be added to is refused: the image names that file, and it could name any.
//
// Source: docs/interop/qcow2.txt of QEMU. All numbers on disk are big-endian.
package qcow2

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"hozen/collector/disk/image/lru"
)

// Magic is how every image begins.
const Magic = "QFI\xfb"

// Bits of incompatible_features.
const (
	incompatDirty = 1 << iota
	incompatCorrupt
	incompatDataFile
	incompatCompression
	incompatExtendedL2
	incompatKnown = 1<<iota - 1
)

// Compression types of the header.
const (
	compressDeflate = 0
	compressZstd    = 1
)

const (
	maxL1       = 32 << 20 // bytes, as in QEMU (QCOW_MAX_L1_SIZE)
	tablesCache = 16 << 20 // bytes of L2 tables that are kept
	dataCache   = 8 << 20  // bytes of decompressed clusters that are kept
)

// An Image is an open image. It is safe for concurrent use.
type Image struct {
	r           io.ReaderAt
	fileSize    int64
	size        int64
	version     uint32
	clusterBits uint
	extended    bool // L2 entries have 16 bytes, with subclusters
	compression byte
	notes       []string
	l1          []uint64
	l2          *lru.Cache[uint64, []byte]
	clusters    *lru.Cache[uint64, []byte]
	inflaters   sync.Pool // of io.Reader
	zstds       sync.Pool // of *zstd.Decoder
}

type header struct {
	Magic, Version   uint32
	BackingOffset    uint64
	BackingSize      uint32
	ClusterBits      uint32
	Size             uint64
	Crypt            uint32
	L1Size           uint32
	L1Offset         uint64
	RefcountOffset   uint64
	RefcountClusters uint32
	Snapshots        uint32
	SnapshotsOffset  uint64
}

const (
	headerSize  = 72
	header3Size = 104
)

// Open reads the header and the first table of an image that lies in size bytes
// of r.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	head := make([]byte, header3Size+8)
	n, err := r.ReadAt(head, 0)
	if n < headerSize {
		return nil, fmt.Errorf("qcow2 header: %w", readError(err))
	}
	clear(head[n:])
	var h header
	if _, err := binary.Decode(head, binary.BigEndian, &h); err != nil {
		return nil, fmt.Errorf("qcow2 header: %w", err)
	}
	m := &Image{
		r: r, fileSize: size, version: h.Version, clusterBits: uint(h.ClusterBits),
		l2: lru.New[uint64, []byte](tablesCache), clusters: lru.New[uint64, []byte](dataCache),
	}
	if err := m.check(&h, head); err != nil {
		return nil, err
	}
	m.size = int64(h.Size)
	return m, m.readL1(&h)
}

func (m *Image) check(h *header, head []byte) error {
	switch {
	case string(head[:4]) != Magic:
		return errors.New("qcow2: the magic is missing")
	case h.Version != 2 && h.Version != 3:
		return fmt.Errorf("qcow2: version %d, and only 2 and 3 are known", h.Version)
	case h.ClusterBits < 9 || h.ClusterBits > 21:
		return fmt.Errorf("qcow2: clusters of 2^%d bytes: between 2^9 and 2^21 are allowed", h.ClusterBits)
	case h.Crypt != 0:
		return fmt.Errorf("qcow2: the image is encrypted (method %d)", h.Crypt)
	case h.BackingOffset != 0:
		return fmt.Errorf("qcow2: the image holds only what differs from a backing file: %s", m.backingName(h))
	case h.Size > 1<<62:
		return fmt.Errorf("qcow2: a disk of %d bytes", h.Size)
	}
	if h.Snapshots > 0 {
		m.notes = append(m.notes, fmt.Sprintf("%d snapshots inside: only the present state is read", h.Snapshots))
	}
	if h.Version < 3 {
		return nil
	}
	features := binary.BigEndian.Uint64(head[72:])
	m.extended = features&incompatExtendedL2 != 0
	if length := binary.BigEndian.Uint32(head[100:]); length > 104 {
		m.compression = head[104]
	}
	switch {
	case features&incompatDataFile != 0:
		return errors.New("qcow2: the data lie in another file, which the image names")
	case features&^incompatKnown != 0:
		return fmt.Errorf("qcow2: unknown features %#x", features&^incompatKnown)
	case m.compression > compressZstd:
		return fmt.Errorf("qcow2: unknown compression %d", m.compression)
	case m.extended && h.ClusterBits < 14:
		return fmt.Errorf("qcow2: subclusters in clusters of 2^%d bytes", h.ClusterBits)
	}
	if features&incompatDirty != 0 {
		m.notes = append(m.notes, "marked dirty: it was not closed cleanly")
	}
	if features&incompatCorrupt != 0 {
		m.notes = append(m.notes, "marked corrupt by QEMU")
	}
	return nil
}

// backingName is for an error: the name is of the image, so it is quoted and short.
func (m *Image) backingName(h *header) string {
	b := make([]byte, min(h.BackingSize, 1023))
	if h.BackingOffset > 1<<62 {
		return "at an impossible offset"
	}
	n, _ := m.r.ReadAt(b, int64(h.BackingOffset))
	return fmt.Sprintf("%q", b[:n])
}

func (m *Image) readL1(h *header) error {
	perTable := uint64(1) << (m.clusterBits + m.clusterBits - m.entryBits())
	need := (h.Size + perTable - 1) / perTable
	if need > uint64(h.L1Size) {
		return fmt.Errorf("qcow2: a disk of %d bytes needs %d entries in the L1 table, which has %d", h.Size, need, h.L1Size)
	}
	if need*8 > maxL1 {
		return fmt.Errorf("qcow2: an L1 table of %d bytes: at most %d are allowed", need*8, maxL1)
	}
	if h.L1Offset > uint64(m.fileSize) || need*8 > uint64(m.fileSize)-h.L1Offset {
		return fmt.Errorf("qcow2: the L1 table at %d lies beyond the end of the file", h.L1Offset)
	}
	b := make([]byte, need*8)
	if _, err := io.ReadFull(io.NewSectionReader(m.r, int64(h.L1Offset), int64(len(b))), b); err != nil {
		return fmt.Errorf("qcow2: L1 table at %d: %w", h.L1Offset, err)
	}
	m.l1 = make([]uint64, need)
	for i := range m.l1 {
		m.l1[i] = binary.BigEndian.Uint64(b[i*8:])
	}
	return nil
}

// Size is the size of the disk in bytes.
func (m *Image) Size() int64 { return m.size }

// Notes says what a reader must know of the image.
func (m *Image) Notes() []string { return m.notes }

// entryBits is log2 of the size of an L2 entry.
func (m *Image) entryBits() uint {
	if m.extended {
		return 4
	}
	return 3
}

func readError(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
