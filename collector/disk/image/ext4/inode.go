package ext4

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"time"

	"hozen/packager/evidence"
)

const rootInode = 2

// Flags of inodes.
const (
	flagEncrypt  = 0x800
	flagHugeFile = 0x40000
	flagExtents  = 0x80000
	flagInline   = 0x10000000
)

const maxLink = 64 << 10 // bytes of a symbolic link's target; the kernel's is one block

// An inode, decoded. The numbers are as they lie.
type inode struct {
	number uint32
	meta   evidence.FileMeta
	flags  uint32
	block  [60]byte // i_block: the map, the root of extents, a short link, inline data
	body   []byte   // what follows the fixed fields: extended attributes in the inode
}

func (n *inode) kind() uint32 { return n.meta.Mode & evidence.ModeType }

// inode reads an inode by its number.
func (f *FS) inode(number uint32) (*inode, error) {
	if number == 0 || uint64(number) > f.sb.inodes {
		return nil, fmt.Errorf("inode %d: there are only %d", number, f.sb.inodes)
	}
	group, in := uint64(number-1)/f.sb.inodesPerGrp, uint64(number-1)%f.sb.inodesPerGrp
	table, err := f.inodeTable(group)
	if err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	if table >= f.sb.blocks {
		return nil, fmt.Errorf("inode %d: its table at block %d lies beyond the end of the file system", number, table)
	}
	b := make([]byte, f.sb.inodeSize)
	if err := f.read(b, int64(table)*f.sb.blockSize+int64(in)*f.sb.inodeSize); err != nil {
		return nil, fmt.Errorf("inode %d: %w", number, err)
	}
	n := parseInode(b, f.sb.ro&roHugeFile != 0, f.sb.blockSize)
	n.number, n.meta.Inode = number, uint64(number)
	return n, nil
}

// inodeTable gives the first block of a group's table of inodes.
func (f *FS) inodeTable(group uint64) (uint64, error) {
	perBlock := uint64(f.sb.blockSize / f.sb.descSize)
	b := make([]byte, f.sb.descSize)
	block := f.descBlock(group/perBlock, perBlock)
	if block >= f.sb.blocks {
		return 0, fmt.Errorf("the descriptor of group %d lies beyond the end of the file system", group)
	}
	if err := f.read(b, int64(block)*f.sb.blockSize+int64(group%perBlock)*f.sb.descSize); err != nil {
		return 0, fmt.Errorf("descriptor of group %d: %w", group, err)
	}
	table := uint64(le.Uint32(b[8:]))
	if f.sb.descSize >= 64 {
		table |= uint64(le.Uint32(b[0x28:])) << 32
	}
	return table, nil
}

// descBlock gives block n of the group descriptors: behind the superblock, or, with
// meta_bg, in the groups that they describe (descriptor_loc of the kernel).
func (f *FS) descBlock(n, perBlock uint64) uint64 {
	s := &f.sb
	if s.incompat&incompatMetaBG == 0 || n < s.firstMetaBG {
		return uint64(superOffset/s.blockSize) + n + 1
	}
	group := n * perBlock
	at := group*s.blocksPerGrp + s.firstBlock
	if s.hasSuper(group) {
		at++
	}
	if s.blockSize == 1024 && n == 0 && s.firstBlock == 0 {
		at++
	}
	return at
}

// hasSuper says whether a group begins with a copy of the superblock.
func (s *super) hasSuper(group uint64) bool {
	switch {
	case group == 0:
		return true
	case s.compat&compatSparse2 != 0:
		return group == uint64(s.backup[0]) || group == uint64(s.backup[1])
	case group == 1 || s.ro&roSparse == 0:
		return true
	}
	for _, base := range []uint64{3, 5, 7} {
		for p := base; p <= group; p *= base {
			if p == group {
				return true
			}
		}
	}
	return false
}

// parseInode decodes an inode of at least 128 bytes.
func parseInode(b []byte, huge bool, blockSize int64) *inode {
	n := &inode{flags: le.Uint32(b[0x20:])}
	m := &n.meta
	m.Mode = uint32(le.Uint16(b))
	m.UID = uint32(le.Uint16(b[2:])) | uint32(le.Uint16(b[0x78:]))<<16
	m.GID = uint32(le.Uint16(b[0x18:])) | uint32(le.Uint16(b[0x7a:]))<<16
	m.Size = int64(le.Uint32(b[4:]))
	if kind := n.kind(); kind == evidence.ModeRegular || kind == evidence.ModeDir {
		m.Size |= int64(le.Uint32(b[0x6c:])) << 32
	}
	m.Nlink = uint64(le.Uint16(b[0x1a:]))
	m.Blocks = int64(le.Uint32(b[0x1c:]))
	if huge {
		m.Blocks |= int64(le.Uint16(b[0x74:])) << 32
		if n.flags&flagHugeFile != 0 {
			m.Blocks *= blockSize / 512
		}
	}
	if n.flags&flagInline != 0 && m.Regular() { // as the kernel says, lest the file seem to be a hole
		m.Blocks += (min(max(m.Size, 0), 1<<40) + 511) / 512
	}
	copy(n.block[:], b[0x28:])
	if kind := n.kind(); kind == evidence.ModeBlock || kind == evidence.ModeChar {
		m.Rdev = deviceNumber(le.Uint32(n.block[:]), le.Uint32(n.block[4:]))
	}
	extra := 0
	if len(b) > 130 {
		extra = min(int(le.Uint16(b[0x80:])), len(b)-128)
		n.body = b[128+extra:]
	}
	at := func(field, more int) time.Time {
		e := uint32(0)
		if more+4 <= 128+extra {
			e = le.Uint32(b[more:])
		}
		return inodeTime(le.Uint32(b[field:]), e)
	}
	m.Atime, m.Ctime, m.Mtime = at(0x08, 0x8c), at(0x0c, 0x84), at(0x10, 0x88)
	if 0x94 <= 128+extra && (le.Uint32(b[0x90:]) != 0) {
		m.Btime = at(0x90, 0x94)
	}
	return n
}

// inodeTime joins signed seconds with two more bits of them and nanoseconds.
func inodeTime(sec, extra uint32) time.Time {
	return time.Unix(int64(int32(sec))+int64(extra&3)<<32, int64(extra>>2)).UTC()
}

// deviceNumber turns the old (16 bits) or new encoding of a device into the number
// that stat(2) gives (makedev(3)).
func deviceNumber(old, now uint32) uint64 {
	major, minor := uint64(old>>8&0xff), uint64(old&0xff)
	if old == 0 {
		major, minor = uint64(now&0xfff00>>8), uint64(now&0xff|now>>12&0xfff00)
	}
	return minor&0xff | major&0xfff<<8 | minor&^0xff<<12 | major&^0xfff<<32
}

// link gives the target of a symbolic link.
func (f *FS) link(n *inode) (string, error) {
	size := n.meta.Size
	if size < 0 || size > maxLink {
		return "", fmt.Errorf("inode %d: a symbolic link of %d bytes", n.number, size)
	}
	var b []byte
	elsewhere := n.flags&flagInline != 0 || n.flags&flagExtents != 0 && le.Uint16(n.block[:]) == extentMagic
	if size < int64(len(n.block)) && !elsewhere {
		b = n.block[:size]
	} else {
		c, err := f.contents(n)
		if err != nil {
			return "", err
		}
		b = make([]byte, size)
		if k, err := c.ReadAt(b, 0); k < len(b) {
			return "", readError(err)
		}
	}
	if n.flags&flagEncrypt != 0 {
		return base64.RawURLEncoding.EncodeToString(b), nil
	}
	return string(b), nil
}

// inline gives the contents that lie in the inode: in place of the block map, and
// what has no room there in the attribute system.data.
func (n *inode) inline() ([]byte, error) {
	out := append([]byte(nil), n.block[:]...)
	if n.meta.Size < 0 || n.meta.Size > int64(len(out)+len(n.body)) {
		return nil, fmt.Errorf("inode %d: inline data of %d bytes", n.number, n.meta.Size)
	}
	out = append(out, n.systemData()...)
	if n.meta.Size > int64(len(out)) {
		return nil, fmt.Errorf("inode %d: only %d of %d bytes of its inline data are there", n.number, len(out), n.meta.Size)
	}
	return out[:n.meta.Size], nil
}

// systemData finds the attribute system.data in the inode (ext4_xattr_ibody_header).
func (n *inode) systemData() []byte {
	const header, entry, indexSystem = 4, 16, 7
	if len(n.body) < header || le.Uint32(n.body) != 0xea020000 {
		return nil
	}
	values := n.body[header:]
	for at := 0; at+entry <= len(values); {
		e := values[at:]
		length := int(e[0])
		if le.Uint32(e) == 0 || at+entry+length > len(values) {
			return nil
		}
		if e[1] == indexSystem && string(e[entry:entry+length]) == "data" {
			from, size := int64(le.Uint16(e[2:])), int64(le.Uint32(e[8:]))
			if from+size > int64(len(values)) {
				return nil
			}
			return values[from : from+size]
		}
		at += (entry + length + 3) &^ 3
	}
	return nil
}

// notExist is the error of a name that is not there.
func notExist(name string) error {
	return &fs.PathError{Op: "lookup", Path: name, Err: fs.ErrNotExist}
}
