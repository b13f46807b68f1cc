package volatile

import (
	"testing"
	"time"
)

func TestStamp(t *testing.T) {
	east := time.FixedZone("JST", 9*3600)
	for want, at := range map[string]time.Time{
		"":                               {},
		"2026-11-21T00:00:00.000000000Z": time.Date(2026, 11, 21, 9, 0, 0, 0, east),
		"2026-11-21T01:02:03.120000000Z": time.Date(2026, 11, 21, 1, 2, 3, 120_000_000, time.UTC),
		"1970-01-01T00:00:00.000000001Z": time.Unix(0, 1),
	} {
		if got := stamp(at); got != want {
			t.Errorf("%v: %q, want %q", at, got, want)
		}
	}
}

func TestTextEndsAtNUL(t *testing.T) {
	for in, want := range map[string]string{"": "", "\x00": "", "eth0\x00\x00": "eth0", "a\x00b": "a", "full": "full"} {
		if got := cString([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
