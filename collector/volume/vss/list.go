package vss

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
)

// A Copy is a shadow copy of a volume.
type Copy struct {
	ID         string    // GUID of the copy's store; its file is "{ID}{3808876b-…}" in System Volume Information
	Created    time.Time // UTC
	VolumeSize int64     // bytes of the volume when it was made
	Sequence   uint64    // of the copies of the volume
	Flags      uint64    // of the catalog's entry; their meaning is not documented
	// Where the store lies, in bytes from the volume's beginning; zero if the catalog has no
	// entry of it.
	BlockList, Header, BlockRanges, Bitmap, PreviousBitmap int64
	FileReference                                          uint64 // of the store's file in the MFT
	Allocated                                              int64  // bytes of the store's file
	Store                                                  *Store // nil if it cannot be read
}

// A Store is what the first block of a copy's store says.
type Store struct {
	CopyID     string // GUID by which Windows' tools know the copy
	SetID      string // GUID of the set that it was made in
	Context    uint32 // VSS_SNAPSHOT_CONTEXT
	Attributes uint32 // VSS_VOLUME_SNAPSHOT_ATTRIBUTES
	Machine    string // that made it; WTF-8
	Service    string // the machine that the service ran on; WTF-8
}

// A Header is what the volume says of its shadow copies.
type Header struct {
	Catalog   int64  // offset of the catalog; 0 if there are none
	Maximum   int64  // bytes that the copies may take; 0: no bound
	VolumeID  string // GUID of the volume
	StorageID string // GUID of the volume that keeps the stores
}

const (
	headerAt    = 0x1E00
	headerBytes = 512
	blockBytes  = 16 << 10
	entryBytes  = 128
	maxBlocks   = 256  // of a catalog: 4 MiB
	maxCopies   = 2048 // Windows keeps at most 512 of a volume
	maxTold     = 16   // stores that cannot be read, each with its reason
)

// Types of records and of entries of the catalog.
const (
	recordHeader  = 1
	recordCatalog = 2
	recordStore   = 4

	entryCopy  = 2
	entryStore = 3
)

// magic is how all records begin: {3808876b-c176-4e48-b7ae-04046e6cc752}.
const magic = "\x6b\x87\x08\x38\x76\xc1\x48\x4e\xb7\xae\x04\x04\x6e\x6c\xc7\x52"

// ErrNone says that a volume has no shadow copies, and never had.
var ErrNone = errors.New("no shadow copies: their header is not there")

// A Piece is a part of the volume that tells of shadow copies.
type Piece struct {
	Offset, Length int64 // bytes
}

// List reads the header and the catalog of a volume of size bytes. What was read before
// an error is given with it; ErrNone is one. Pieces are the parts of the volume that were
// read, for whoever keeps them.
func List(volume io.ReaderAt, size int64) (h Header, copies []Copy, pieces []Piece, err error) {
	b := make([]byte, headerBytes)
	if n, err := volume.ReadAt(b, headerAt); n < len(b) {
		return h, nil, nil, fmt.Errorf("header: %w", err)
	}
	if kind, ok := record(b); !ok || kind != recordHeader {
		return h, nil, nil, ErrNone
	}
	h = Header{
		Catalog: int64(binary.LittleEndian.Uint64(b[48:])), Maximum: int64(binary.LittleEndian.Uint64(b[56:])),
		VolumeID: guid(b[64:]), StorageID: guid(b[80:]),
	}
	pieces = append(pieces, Piece{headerAt, headerBytes})
	l := &lister{volume: volume, size: size}
	err = fault.Join(l.catalog(h.Catalog), l.over)
	sorting.By(l.copies, func(a, b Copy) int { return a.Created.Compare(b.Created) })
	bad, errs := 0, []error{err}
	for i := range l.copies {
		if err := l.store(&l.copies[i]); err != nil {
			if bad++; bad <= maxTold {
				errs = append(errs, err)
			}
		}
	}
	if bad > maxTold {
		errs = append(errs, fmt.Errorf("and %d more copies", bad-maxTold))
	}
	return h, l.copies, append(pieces, l.pieces...), fault.Join(errs...)
}

// record gives the type of a record of the format.
func record(b []byte) (kind uint32, ok bool) {
	if len(b) < 24 || string(b[:16]) != magic {
		return 0, false
	}
	return binary.LittleEndian.Uint32(b[20:]), true
}

type lister struct {
	volume io.ReaderAt
	size   int64
	copies []Copy
	pieces []Piece
	over   error // there are more copies than can be
}

func (l *lister) block(at int64, want uint32) ([]byte, error) {
	if at <= 0 || at > l.size-blockBytes {
		return nil, fmt.Errorf("a block at %d of a volume of %d bytes", at, l.size)
	}
	b := make([]byte, blockBytes)
	if n, err := l.volume.ReadAt(b, at); n < len(b) {
		return nil, fmt.Errorf("the block at %d: %w", at, err)
	}
	l.pieces = append(l.pieces, Piece{at, blockBytes})
	if kind, ok := record(b); !ok || kind != want {
		return nil, fmt.Errorf("the block at %d is none of type %d", at, want)
	}
	return b, nil
}

// catalog reads the chain of the catalog's blocks.
func (l *lister) catalog(at int64) (err error) {
	seen := map[int64]bool{}
	for n := 0; at != 0; n++ {
		if seen[at] || n >= maxBlocks {
			return fault.Join(err, fmt.Errorf("catalog: its blocks are a circle, or more than %d", maxBlocks))
		}
		seen[at] = true
		b, blockErr := l.block(at, recordCatalog)
		if blockErr != nil {
			return fault.Join(err, fmt.Errorf("catalog: %w", blockErr))
		}
		for e := entryBytes; e+entryBytes <= len(b); e += entryBytes {
			l.entry(b[e : e+entryBytes])
		}
		at = int64(binary.LittleEndian.Uint64(b[40:]))
	}
	return err
}

// entry takes one entry of the catalog: either half of what it says of a copy.
func (l *lister) entry(b []byte) {
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	switch u64(0) {
	case entryCopy:
		c := l.copy(guid(b[16:]))
		c.VolumeSize, c.Sequence, c.Flags, c.Created = int64(u64(8)), u64(32), u64(40), filetime.Bytes(b[48:])
	case entryStore:
		c := l.copy(guid(b[16:]))
		c.BlockList, c.Header, c.BlockRanges, c.Bitmap = int64(u64(8)), int64(u64(32)), int64(u64(40)), int64(u64(48))
		c.FileReference, c.Allocated, c.PreviousBitmap = u64(56), int64(u64(64)), int64(u64(72))
	}
}

// copy finds a copy by its identifier, or makes it; one behind maxCopies is told, and
// kept nowhere.
func (l *lister) copy(id string) *Copy {
	for i := range l.copies {
		if l.copies[i].ID == id {
			return &l.copies[i]
		}
	}
	if len(l.copies) == maxCopies {
		l.over = fmt.Errorf("catalog: more than %d copies", maxCopies)
		return &Copy{}
	}
	l.copies = append(l.copies, Copy{ID: id})
	return &l.copies[len(l.copies)-1]
}

// store reads what the first block of a store says.
func (l *lister) store(c *Copy) error {
	if c.Header == 0 {
		return fmt.Errorf("copy %s: the catalog does not say where its store is", c.ID)
	}
	b, err := l.block(c.Header, recordStore)
	if err != nil {
		return fmt.Errorf("copy %s: %w", c.ID, err)
	}
	b = b[128:]
	s := &Store{
		CopyID: guid(b[16:]), SetID: guid(b[32:]),
		Context: binary.LittleEndian.Uint32(b[48:]), Attributes: binary.LittleEndian.Uint32(b[56:]),
	}
	rest := b[64:]
	s.Machine, rest = counted(rest)
	s.Service, _ = counted(rest)
	c.Store = s
	return nil
}

// counted reads a string of so many bytes as the two before it say.
func counted(b []byte) (string, []byte) {
	if len(b) < 2 {
		return "", nil
	}
	n := int(binary.LittleEndian.Uint16(b))
	if 2+n > len(b) {
		return "", nil
	}
	return utf16.WTF8(b[2 : 2+n]), b[2+n:]
}

// guid gives 16 bytes as Microsoft writes them, without braces.
func guid(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}
