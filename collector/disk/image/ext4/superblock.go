package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"hozen/collector/disk/image/lru"
)

var le = binary.LittleEndian

// Bits of the superblock's features.
const (
	compatJournal       = 0x4
	compatSparse2       = 0x200
	incompatCompression = 0x1
	incompatFileType    = 0x2
	incompatRecover     = 0x4
	incompatJournalDev  = 0x8
	incompatMetaBG      = 0x10
	incompatExtents     = 0x40
	incompat64Bit       = 0x80
	incompatMMP         = 0x100
	incompatFlexBG      = 0x200
	incompatEAInode     = 0x400
	incompatDirData     = 0x1000
	incompatCsumSeed    = 0x2000
	incompatLargeDir    = 0x4000
	incompatInlineData  = 0x8000
	incompatEncrypt     = 0x10000
	incompatCaseFold    = 0x20000
	roSparse            = 0x1
	roHugeFile          = 0x8
	roBigAlloc          = 0x200
	roVerity            = 0x8000
	roOrphanPresent     = 0x10000

	incompatKnown = incompatFileType | incompatRecover | incompatMetaBG | incompatExtents | incompat64Bit | incompatMMP |
		incompatFlexBG | incompatEAInode | incompatDirData | incompatCsumSeed | incompatLargeDir | incompatInlineData |
		incompatEncrypt | incompatCaseFold
)

const (
	superOffset = 1024
	superSize   = 1024
	magic       = 0xef53
	pageSize    = 16 << 10 // what metadata is read and kept in
	pagesKept   = 16 << 20 // bytes
)

// A super is what we need of the superblock.
type super struct {
	inodes, blocks            uint64
	firstBlock, blocksPerGrp  uint64
	inodesPerGrp              uint64
	blockSize                 int64
	inodeSize                 int64
	descSize                  int64
	firstMetaBG               uint64
	compat, incompat, ro      uint32
	backup                    [2]uint32 // groups with a copy, under sparse_super2
	state                     uint16
	lastOrphan                uint32
	label                     string
	uuid                      [16]byte
	made, lastMount, lastWrit time.Time
}

// FS is an open file system. It is safe for concurrent use.
type FS struct {
	r     io.ReaderAt
	size  int64
	sb    super
	notes []string
	pages *lru.Cache[int64, []byte]
	dirs  *lru.Cache[string, *directory]

	mu     sync.Mutex
	places map[uint32]place // of every directory that was entered
}

// Open reads the superblock of a file system in the first size bytes of r. Where
// the first one is damaged, its first copy is taken, and a note says so.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	f := &FS{
		r: r, size: size,
		pages: lru.New[int64, []byte](pagesKept), dirs: lru.New[string, *directory](dirsKept),
		places: map[uint32]place{rootInode: {rootInode, "/"}},
	}
	err := f.readSuper(superOffset)
	for _, bs := range []int64{4096, 1024, 2048} { // where block group 1 begins
		if err == nil {
			break
		}
		at := bs * bs * 8
		if bs == 1024 {
			at += bs
		}
		if again := f.readSuper(at); again == nil {
			f.notes = append(f.notes, fmt.Sprintf("the superblock is damaged (%v): its copy at %d was taken", err, at))
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ext4: superblock: %w", err)
	}
	f.note()
	return f, nil
}

func (f *FS) readSuper(at int64) error {
	b := make([]byte, superSize)
	if n, err := f.r.ReadAt(b, at); n < len(b) {
		return readError(err)
	}
	s, err := parseSuper(b)
	if err != nil {
		return err
	}
	if have := uint64(f.size) / uint64(s.blockSize); s.blocks > have {
		f.notes = append(f.notes, fmt.Sprintf("the file system has %d blocks, and the disk only %d: it is cut", s.blocks, have))
	}
	f.sb = s
	return nil
}

// parseSuper reads a superblock of 1024 bytes.
func parseSuper(b []byte) (s super, err error) {
	if le.Uint16(b[0x38:]) != magic {
		return s, errors.New("the magic is missing")
	}
	s.inodes, s.blocks = uint64(le.Uint32(b)), uint64(le.Uint32(b[4:]))
	s.firstBlock, s.blocksPerGrp, s.inodesPerGrp = uint64(le.Uint32(b[0x14:])), uint64(le.Uint32(b[0x20:])), uint64(le.Uint32(b[0x28:]))
	s.compat, s.incompat, s.ro = le.Uint32(b[0x5c:]), le.Uint32(b[0x60:]), le.Uint32(b[0x64:])
	s.state, s.lastOrphan = le.Uint16(b[0x3a:]), le.Uint32(b[0xe8:])
	shift := le.Uint32(b[0x18:])
	if shift > 6 {
		return s, fmt.Errorf("blocks of 2^%d bytes", uint64(shift)+10)
	}
	s.blockSize, s.inodeSize, s.descSize = 1024<<shift, 128, 32
	if le.Uint32(b[0x4c:]) > 0 {
		s.inodeSize = int64(le.Uint16(b[0x58:]))
	} else {
		s.compat, s.incompat, s.ro = 0, 0, 0
	}
	if s.incompat&incompat64Bit != 0 {
		s.blocks |= uint64(le.Uint32(b[0x150:])) << 32
		s.descSize = int64(le.Uint16(b[0xfe:]))
	}
	if s.incompat&incompatMetaBG != 0 {
		s.firstMetaBG = uint64(le.Uint32(b[0x104:]))
	}
	s.backup = [2]uint32{le.Uint32(b[0x24c:]), le.Uint32(b[0x250:])}
	s.label, _, _ = strings.Cut(string(b[0x78:0x88]), "\x00")
	copy(s.uuid[:], b[0x68:])
	s.lastMount, s.lastWrit, s.made = seconds(b[0x2c:], b[0x274]), seconds(b[0x30:], b[0x275]), seconds(b[0x108:], b[0x276])
	return s, s.check()
}

// seconds is a time of the superblock: 40 bits, 0 if it is not set.
func seconds(b []byte, high byte) time.Time {
	s := int64(le.Uint32(b)) | int64(high)<<32
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func (s *super) check() error {
	switch {
	case s.incompat&incompatJournalDev != 0:
		return errors.New("it is the journal of another file system")
	case s.incompat&incompatCompression != 0:
		return errors.New("it uses e2compr, which is not read here")
	case s.incompat&^incompatKnown != 0:
		return fmt.Errorf("unknown features %#x", s.incompat&^incompatKnown)
	case s.inodeSize < 128 || s.inodeSize > s.blockSize || s.inodeSize&(s.inodeSize-1) != 0:
		return fmt.Errorf("inodes of %d bytes", s.inodeSize)
	case s.descSize < 32 || s.descSize > 1024 || s.descSize&(s.descSize-1) != 0:
		return fmt.Errorf("group descriptors of %d bytes", s.descSize)
	case s.blocksPerGrp == 0 || s.inodesPerGrp == 0 || s.inodes == 0:
		return errors.New("no blocks or inodes in a group")
	case s.blocks > 1<<62/uint64(s.blockSize):
		return fmt.Errorf("%d blocks", s.blocks)
	}
	return nil
}

// features that a reader should know of, and that the kernel would not mount or
// would change before it did.
func (f *FS) note() {
	add := func(is bool, text string) {
		if is {
			f.notes = append(f.notes, text)
		}
	}
	s := &f.sb
	add(s.incompat&incompatRecover != 0, "its journal was not replayed: what the journal holds is not in the files")
	add(s.state&1 == 0, "it was not unmounted cleanly")
	add(s.state&2 != 0, "the kernel had found errors in it")
	add(s.lastOrphan != 0 || s.ro&roOrphanPresent != 0, "it has files that were deleted while open (orphans): they have no names and are not shown")
	add(s.incompat&incompatEncrypt != 0, "fscrypt is in use: files that it encrypted cannot be read, their names are base64url of the encrypted bytes")
	add(s.incompat&incompatCaseFold != 0, "directories may ignore case: names are looked up here exactly as they lie")
	add(s.ro&roVerity != 0, "fs-verity is in use: its hashes are not checked")
}

// Notes says what a reader must know of the file system.
func (f *FS) Notes() []string { return f.notes }

// Kind is "ext2", "ext3" or "ext4", as its features say.
func (f *FS) Kind() string { return kind(f.sb.compat, f.sb.incompat, f.sb.ro) }

// Label is the name of the file system; "" if it has none. It may hold any byte.
func (f *FS) Label() string { return f.sb.label }

// UUID is the file system's, in the usual form.
func (f *FS) UUID() string {
	u := f.sb.uuid
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Times are when it was made, mounted and written last; zero if unknown.
func (f *FS) Times() (made, mounted, written time.Time) {
	return f.sb.made, f.sb.lastMount, f.sb.lastWrit
}

// Kind names what a superblock of 1024 bytes describes: "ext2", "ext3", "ext4", or
// "" if it is none. The journal of another file system is "ext journal".
func Kind(b []byte) string {
	if len(b) < superSize || le.Uint16(b[0x38:]) != magic {
		return ""
	}
	return kind(le.Uint32(b[0x5c:]), le.Uint32(b[0x60:]), le.Uint32(b[0x64:]))
}

func kind(compat, incompat, ro uint32) string {
	const ext3Incompat = incompatFileType | incompatRecover | incompatMetaBG
	const ext3RO = 0x7 // sparse_super, large_file, btree_dir
	switch {
	case incompat&incompatJournalDev != 0:
		return "ext journal"
	case incompat&^uint32(ext3Incompat) != 0 || ro&^uint32(ext3RO) != 0:
		return "ext4"
	case compat&compatJournal != 0:
		return "ext3"
	}
	return "ext2"
}

func readError(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// read fills b with metadata, through pages that are kept.
func (f *FS) read(b []byte, at int64) error {
	if at < 0 || at > f.size-int64(len(b)) {
		return fmt.Errorf("offset %d lies beyond the end of the disk", at)
	}
	for len(b) > 0 {
		page := f.page(at / pageSize)
		in := at % pageSize
		if in >= int64(len(page)) { // a bad sector before it, in the same page
			if n, err := f.r.ReadAt(b, at); n < len(b) {
				return fmt.Errorf("offset %d: %w", at, readError(err))
			}
			return nil
		}
		n := copy(b, page[in:])
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// page gives what can be read of a page in one go.
func (f *FS) page(n int64) []byte {
	if p, ok := f.pages.Get(n); ok {
		return p
	}
	p := make([]byte, min(pageSize, f.size-n*pageSize))
	if got, _ := f.r.ReadAt(p, n*pageSize); got < len(p) {
		return p[:got] // what asks for the rest says why it is not there
	}
	f.pages.Put(n, p, int64(len(p)))
	return p
}

func (f *FS) readBlock(block uint64) ([]byte, error) {
	if block >= f.sb.blocks {
		return nil, fmt.Errorf("block %d lies beyond the end of the file system", block)
	}
	b := make([]byte, f.sb.blockSize)
	return b, f.read(b, int64(block)*f.sb.blockSize)
}
