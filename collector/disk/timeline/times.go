package timeline

import (
	"strconv"
	"time"

	"hozen/collector/disk/walk"
)

// timeText writes times as RFC 3339 in UTC with nine digits of nanoseconds. It keeps the
// day that it wrote last, for to find a date costs more than all the rest.
type timeText struct {
	day  int64 // since 1970, and one more; 0 if there is none
	text [11]byte
}

// The first and the last second that RFC 3339 can tell: the years 0 and 9999.
const (
	firstSecond = -62167219200
	lastSecond  = 253402300799
	daySeconds  = 24 * 60 * 60
)

// append appends a field: its name with a quote before it, and its value.
func (t *timeText) append(b []byte, name string, at walk.Time) []byte {
	if !at.Set {
		return b
	}
	b = append(b, name...)
	if at.Sec < firstSecond || at.Sec > lastSecond {
		b = append(b, `_unix":`...)
		return strconv.AppendInt(b, at.Sec, 10)
	}
	b = append(b, `":"`...)
	b = t.stamp(b, at)
	return append(b, '"')
}

func (t *timeText) stamp(b []byte, at walk.Time) []byte {
	day, second := at.Sec/daySeconds, at.Sec%daySeconds
	if second < 0 {
		day, second = day-1, second+daySeconds
	}
	if t.day != day+1 {
		t.day = day + 1
		time.Unix(at.Sec, 0).UTC().AppendFormat(t.text[:0], "2006-01-02T")
	}
	b = append(b, t.text[:]...)
	b = append(two(append(two(append(two(b, second/3600), ':'), second/60%60), ':'), second%60), '.')
	n := at.Nsec
	for place := uint32(100_000_000); place > 0; place /= 10 {
		b = append(b, '0'+byte(n/place%10))
	}
	return append(b, 'Z')
}

func two(b []byte, n int64) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }
