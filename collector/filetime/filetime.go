// Package filetime reads the time of Windows: FILETIME, the number of 100 ns since
// 1601-01-01 00:00 UTC (https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-filetime).
//
// Begin with Time.
package filetime

import (
	"encoding/binary"
	"time"
)

const (
	epoch  = 11644473600         // seconds from 1601 to 1970
	second = 10_000_000          // in units of 100 ns
	last   = 2650467743999999999 // the end of the year 9999, the last that RFC 3339 can say
)

// Time gives the moment in UTC. 0 means "not set", and numbers behind the year 9999
// (0x7fffffffffffffff, "never", is one) are no moments that RFC 3339 could say: both
// give the zero time. Who needs to tell these apart keeps the number.
func Time(v uint64) time.Time {
	if v == 0 || v > last {
		return time.Time{}
	}
	return time.Unix(int64(v/second)-epoch, int64(v%second)*100).UTC()
}

// Bytes is Time of the first 8 bytes, little-endian; the zero time if there are fewer.
func Bytes(b []byte) time.Time {
	if len(b) < 8 {
		return time.Time{}
	}
	return Time(binary.LittleEndian.Uint64(b))
}

// Of gives the number for a moment, cut to 100 ns; 0 for the zero time and for moments
// that a FILETIME of the years 1601 to 9999 cannot say.
func Of(t time.Time) uint64 {
	seconds := t.Unix() + epoch
	if t.IsZero() || seconds < 0 || t.UTC().Year() > 9999 {
		return 0
	}
	return uint64(seconds)*second + uint64(t.Nanosecond()/100)
}

// Duration gives a span of units of 100 ns: the processor times of a process, an
// uptime. One that a time.Duration cannot hold (over 292 years) is its greatest.
func Duration(v uint64) time.Duration {
	if v > (1<<63-1)/100 {
		return 1<<63 - 1
	}
	return time.Duration(v * 100)
}
