package layout

import (
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/collector/utf16"
)

// Types of attributes (Microsoft, "ATTRIBUTE_TYPE_CODE").
const (
	TypeStandard   = 0x10
	TypeList       = 0x20
	TypeFileName   = 0x30
	TypeObjectID   = 0x40
	TypeData       = 0x80
	TypeIndexRoot  = 0x90
	TypeIndexAlloc = 0xA0
	TypeBitmap     = 0xB0
	TypeReparse    = 0xC0
)

// Flags of a record and of an attribute.
const (
	InUse      = 1
	IsDir      = 2
	Compressed = 0x0001
	Encrypted  = 0x4000
	Sparse     = 0x8000
)

// A Ref names a record: its number, and how often that was used when the name was given.
type Ref uint64

const refMask = 1<<48 - 1

// Number is that of the record.
func (r Ref) Number() uint64 { return uint64(r) & refMask }

// Sequence is its count of uses.
func (r Ref) Sequence() uint16 { return uint16(r >> 48) }

// A Record is one entry of the MFT.
type Record struct {
	Number     uint64 // as its reader counts
	Own        uint32 // its number, as it says itself, if HasOwn; before Windows XP it does not
	HasOwn     bool
	LSN        uint64 // of the last change in $LogFile
	Sequence   uint16
	Links      uint16
	Flags      uint16
	Used       uint32 // bytes of the record
	Allocated  uint32 // bytes
	Base       Ref    // the record that this one is an extension of; 0 if of none
	Attributes []Attribute
}

// Runs counts the runs of all its attributes.
func (r *Record) Runs() (n int) {
	for i := range r.Attributes {
		n += len(r.Attributes[i].Runs)
	}
	return n
}

// An Attribute is one of a record, or a part of one that is spread over several.
type Attribute struct {
	Kind  uint32
	Name  string // WTF-8
	ID    uint16
	Flags uint16
	// Value is what lies in the record, where Resident is true.
	Value    []byte
	Resident bool
	// Of one that does not: where its clusters are, and its sizes (of the first part only).
	First       int64 // VCN
	Runs        []Run
	Unit        uint16 // log2 of the clusters of a compression unit
	Actual      int64  // bytes; of the value, if it is resident
	Allocated   int64  // bytes
	Initialized int64  // bytes
}

// The magic of records.
const (
	MagicFile  = "FILE"
	MagicIndex = "INDX"
	MagicBad   = "BAAD" // what chkdsk makes of a torn record
)

// sectorStride is how far apart the update sequence guards a record, whatever the sector.
const sectorStride = 512

// Restore puts back the last two bytes of each 512 bytes of a record that was written in
// one go (multi-sector header: MagicFile, MagicIndex). With an error the record is torn:
// sectors that are of another write stay as they are, others are put right.
func Restore(b []byte, magic string) error {
	if len(b) < 48 || string(b[:4]) != magic {
		return fmt.Errorf("not %q but %q", magic, b[:min(4, len(b))])
	}
	at, n := int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	if n == 0 || at+2*n > len(b) || (n-1)*sectorStride > len(b) {
		return errors.New("its update sequence lies outside")
	}
	var torn error
	for i := 1; i < n; i++ {
		end := b[i*sectorStride-2 : i*sectorStride]
		if end[0] == b[at] && end[1] == b[at+1] {
			end[0], end[1] = b[at+2*i], b[at+2*i+1]
		} else if torn == nil {
			torn = fmt.Errorf("torn: sector %d is of another write", i)
		}
	}
	return torn
}

// headerSize is that of a record without its update sequence.
const headerSize = 48

// ParseRecord reads an entry of the MFT whose update sequence was put back. What was read
// before an error is given with it; nil only where there is no room for a record.
func ParseRecord(number uint64, b []byte) (*Record, error) {
	if len(b) < headerSize {
		return nil, fmt.Errorf("a record of %d bytes", len(b))
	}
	r := &Record{
		Number: number, LSN: binary.LittleEndian.Uint64(b[8:]),
		Sequence: binary.LittleEndian.Uint16(b[16:]), Links: binary.LittleEndian.Uint16(b[18:]), Flags: binary.LittleEndian.Uint16(b[22:]),
		Used: binary.LittleEndian.Uint32(b[24:]), Allocated: binary.LittleEndian.Uint32(b[28:]), Base: Ref(binary.LittleEndian.Uint64(b[32:])),
	}
	if binary.LittleEndian.Uint16(b[4:]) >= headerSize { // where the update sequence does not lie there
		r.Own, r.HasOwn = binary.LittleEndian.Uint32(b[44:]), true
	}
	at, used := int(binary.LittleEndian.Uint16(b[20:])), int(min(int64(r.Used), int64(len(b))))
	for at+8 <= used && binary.LittleEndian.Uint32(b[at:]) != 0xffffffff {
		n := int64(binary.LittleEndian.Uint32(b[at+4:]))
		if n < 24 || int64(at)+n > int64(used) {
			return r, fmt.Errorf("an attribute of %d bytes at %d of %d", n, at, used)
		}
		a, err := ParseAttribute(b[at : at+int(n)])
		if err != nil {
			return r, fmt.Errorf("attribute %#x at %d: %w", a.Kind, at, err)
		}
		r.Attributes = append(r.Attributes, a)
		at += int(n)
	}
	return r, nil
}

// ParseAttribute reads one attribute of a record, its header and all. With an error,
// what was read of it is given.
func ParseAttribute(b []byte) (Attribute, error) {
	if len(b) < 24 {
		return Attribute{}, fmt.Errorf("%d bytes", len(b))
	}
	a := Attribute{Kind: binary.LittleEndian.Uint32(b), Flags: binary.LittleEndian.Uint16(b[12:]), ID: binary.LittleEndian.Uint16(b[14:])}
	if n, at := 2*int(b[9]), int(binary.LittleEndian.Uint16(b[10:])); n > 0 {
		if at+n > len(b) {
			return a, errors.New("its name lies outside")
		}
		a.Name = utf16.WTF8(b[at : at+n])
	}
	if b[8] == 0 {
		n, at := int64(binary.LittleEndian.Uint32(b[16:])), int64(binary.LittleEndian.Uint16(b[20:]))
		if at+n > int64(len(b)) {
			return a, errors.New("its value lies outside")
		}
		a.Value, a.Resident = b[at:at+n], true
		a.Actual, a.Initialized = n, n
		return a, nil
	}
	if len(b) < 64 {
		return a, fmt.Errorf("%d bytes", len(b))
	}
	a.First, a.Unit = int64(binary.LittleEndian.Uint64(b[16:])), binary.LittleEndian.Uint16(b[34:])
	a.Allocated, a.Actual = int64(binary.LittleEndian.Uint64(b[40:])), int64(binary.LittleEndian.Uint64(b[48:]))
	a.Initialized = int64(binary.LittleEndian.Uint64(b[56:]))
	at := int(binary.LittleEndian.Uint16(b[32:]))
	if at > len(b) || a.First < 0 || a.First > MaxCluster {
		return a, errors.New("its runs lie outside")
	}
	var err error
	a.Runs, err = ParseRuns(b[at:], a.First)
	return a, err
}
