package onwindows

import (
	"encoding/binary"
	"fmt"
	"time"

	"hozen/collector/filetime"
)

// All structures of Windows are little-endian on the systems that are supported.

func u16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
func u64(b []byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// stamp writes a FILETIME as rows have times; "" for one that says no moment.
func stamp(v uint64) string { return stampTime(filetime.Time(v)) }

func stampTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// eachEntry calls one for each entry of fixed size in a table that begins with a count
// of 4 bytes. The entries begin at first; a table shorter than its count is an error.
func eachEntry(b []byte, first, size int, one func(e []byte)) error {
	if len(b) < 4 {
		return fmt.Errorf("table of %d bytes", len(b))
	}
	n := int64(u32(b, 0))
	for i := int64(0); i < n; i++ {
		at := int64(first) + i*int64(size)
		if at+int64(size) > int64(len(b)) {
			return fmt.Errorf("table of %d entries ends in entry %d", n, i)
		}
		one(b[at : at+int64(size)])
	}
	return nil
}

// nth names a number; the number itself where it has no name.
func nth(n uint64, names ...string) string {
	if n < uint64(len(names)) && names[n] != "" {
		return names[n]
	}
	return fmt.Sprint(n)
}
