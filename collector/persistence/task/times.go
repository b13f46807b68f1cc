package task

import (
	"encoding/binary"
	"fmt"
	"time"

	"hozen/collector/filetime"
)

// The forms of times: in UTC, and without a zone where only the local time is known.
const (
	inUTC   = "2006-01-02T15:04:05.000000000Z"
	inLocal = "2006-01-02T15:04:05.000000000"
)

// boundary writes the FILETIME of a trigger; "" where it is not set.
func boundary(v uint64, local bool) string {
	t := filetime.Time(v)
	switch {
	case t.IsZero():
		return ""
	case local:
		return t.Format(inLocal)
	}
	return t.Format(inUTC)
}

func stamp(v uint64) string { return boundary(v, false) }

// DynamicInfo is the value DynamicInfo of a task in TaskCache\Tasks. Times are RFC 3339
// in UTC, "" where there was none.
type DynamicInfo struct {
	Version     uint32
	Created     string // when the task was registered
	LastRun     string
	State       uint32 // 0 in recent versions of Windows
	LastResult  uint32 // an HRESULT or exit code
	LastSuccess string
}

// ParseDynamicInfo reads the value DynamicInfo: 28 bytes, 36 since Windows 8.
func ParseDynamicInfo(b []byte) (DynamicInfo, error) {
	c := &cursor{b: b}
	d := DynamicInfo{Version: c.u32("version"), Created: stamp(c.u64("creation time")), LastRun: stamp(c.u64("last run"))}
	d.State, d.LastResult = c.u32("state"), c.u32("last result")
	if c.left() {
		d.LastSuccess = stamp(c.u64("last success"))
	}
	return d, c.err
}

// systemTime writes a SYSTEMTIME ([MS-DTYP] section 2.3.13) in local time; "" where it
// is not set or none.
func systemTime(b []byte) string {
	if len(b) < 16 {
		return ""
	}
	var f [8]int
	for i := range f {
		f[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return localTime(f[0], f[1], f[3], f[4], f[5], f[6], f[7])
}

// localTime writes a date and time; "" for one that is none.
func localTime(year, month, day, hour, minute, second, milli int) string {
	t := time.Date(year, time.Month(month), day, hour, minute, second, milli*int(time.Millisecond), time.UTC)
	if year < 1601 || year > 9999 || t.Year() != year || int(t.Month()) != month || t.Day() != day || t.Hour() != hour || t.Minute() != minute || t.Second() != second {
		return ""
	}
	return t.Format(inLocal)
}

// Result writes an HRESULT or exit code as the tools of Windows do.
func Result(n uint32) string { return fmt.Sprintf("0x%08x", n) }
