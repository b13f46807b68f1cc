package filetime

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	for _, c := range []struct {
		v    uint64
		want string
	}{
		{116444736000000000, "1970-01-01T00:00:00Z"},
		{1, "1601-01-01T00:00:00.0000001Z"},
		{133485408001234567, "2024-01-01T00:00:00.1234567Z"},
		{last, "9999-12-31T23:59:59.9999999Z"},
		{0, "0001-01-01T00:00:00Z"},
		{last + 1, "0001-01-01T00:00:00Z"},
		{1<<63 - 1, "0001-01-01T00:00:00Z"},
		{1<<64 - 1, "0001-01-01T00:00:00Z"},
	} {
		got := Time(c.v)
		if got.Format(time.RFC3339Nano) != c.want {
			t.Errorf("%d is %s, not %s", c.v, got.Format(time.RFC3339Nano), c.want)
		}
		if !got.IsZero() && Of(got) != c.v {
			t.Errorf("%d came back as %d", c.v, Of(got))
		}
	}
	if !Bytes([]byte{1, 2, 3}).IsZero() || Bytes([]byte{0, 0x80, 0x3e, 0xd5, 0xde, 0xb1, 0x9d, 1, 9}).Unix() != 0 {
		t.Error("bytes are read wrongly")
	}
	for _, out := range []time.Time{{}, time.Date(1600, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if Of(out) != 0 {
			t.Errorf("%v became %d", out, Of(out))
		}
	}
	if Duration(15) != 1500*time.Nanosecond || Duration(1<<63) <= 0 {
		t.Error("a span is read wrongly")
	}
}

// FuzzTime holds that every number can be written as JSON, and that none but those
// that say no moment is lost.
func FuzzTime(f *testing.F) {
	for _, v := range []uint64{0, 1, last, last + 1, 1<<63 - 1, 1<<64 - 1, 133485408001234567} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v uint64) {
		got := Time(v)
		if _, err := json.Marshal(got); err != nil {
			t.Fatal(err)
		}
		if v != 0 && v <= last && Of(got) != v || (v == 0 || v > last) && !got.IsZero() {
			t.Fatalf("%d became %v", v, got)
		}
	})
}
