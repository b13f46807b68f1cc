package hive

import (
	"encoding/binary"
	"time"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
)

const (
	baseSize = 4096 // of the base block in a primary file; cells' offsets count from behind it
	sector   = 512  // of the base block in a log, and the unit of its pages
)

// Types of files, the field "File type" of the base block.
const (
	TypePrimary = 0 // a hive
	TypeOldLog  = 1 // a log with one bitmap of dirty pages
	TypeOldLog2 = 2 // the same, as old systems numbered it
	TypeNewLog  = 6 // a log of entries, since Windows 8.1
)

// Head is what the base block of a hive or of a log says (specification, "Base block").
type Head struct {
	Primary, Secondary uint32 // sequence numbers: they differ where a write was not finished
	Written            uint64 // FILETIME
	Major, Minor       uint32
	Type               uint32
	Root               uint32 // offset of the root key's cell
	Length             uint32 // bytes of the hive bins
	Name               string // the end of the file's name, as the system wrote it; WTF-8
	Flags              uint32
	Reorganized        uint64 // FILETIME
	// Whole says that the signature and the checksum are right.
	Whole bool
}

// Dirty says whether the last write was not finished: the file alone is not what the
// registry was.
func (h Head) Dirty() bool { return !h.Whole || h.Primary != h.Secondary }

// Time is when the base block was written; since Windows 8.1 that is not kept up to date.
func (h Head) Time() time.Time { return filetime.Time(h.Written) }

// parseHead reads the first 512 bytes of a file. ok is false where there is no signature.
func parseHead(b []byte) (h Head, ok bool) {
	if len(b) < sector {
		return h, false
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	h = Head{
		Primary: u32(4), Secondary: u32(8), Written: binary.LittleEndian.Uint64(b[12:]),
		Major: u32(20), Minor: u32(24), Type: u32(28), Root: u32(36), Length: u32(40),
		Name: utf16.ToNUL(b[48:112]), Flags: u32(144), Reorganized: binary.LittleEndian.Uint64(b[168:]),
	}
	ok = string(b[:4]) == "regf"
	h.Whole = ok && u32(508) == checksum(b)
	return h, ok
}

// checksum is the exclusive or of the first 508 bytes, of which 0 and -1 are said as 1
// and -2 (specification, "Base block", note on the checksum).
func checksum(b []byte) (sum uint32) {
	for at := 0; at < 508; at += 4 {
		sum ^= binary.LittleEndian.Uint32(b[at:])
	}
	switch sum {
	case 0:
		return 1
	case 0xffffffff:
		return 0xfffffffe
	}
	return sum
}
