package utf16

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"hozen/collector/jsonl"
)

func TestWTF8(t *testing.T) {
	for _, c := range []struct {
		units []uint16
		want  string
	}{
		{nil, ""},
		{[]uint16{'a', 0, 'b'}, "a\x00b"},
		{[]uint16{0x4fdd, 0x5168}, "保全"},
		{[]uint16{0xd83d, 0xde00}, "😀"},
		{[]uint16{0xd83d}, "\xed\xa0\xbd"},
		{[]uint16{0xde00, 0xd83d}, "\xed\xb8\x80\xed\xa0\xbd"},
		{[]uint16{0xd83d, 0xd83d, 0xde00}, "\xed\xa0\xbd😀"},
		{[]uint16{0xdfff, 'x', 0xd800}, "\xed\xbf\xbfx\xed\xa0\x80"},
		{[]uint16{0xfffd, 0xffff, 0xfeff}, "\ufffd\uffff\ufeff"},
	} {
		if got := WTF8(c.units); got != c.want {
			t.Errorf("%x became %q, not %q", c.units, got, c.want)
		}
		b, err := Bytes(c.want)
		if err != nil || WTF8(b) != c.want || WTF8(append(b, 7)) != c.want {
			t.Errorf("%q: bytes %x (%v) became %q", c.want, b, err, WTF8(b))
		}
	}
	if got := ToNUL([]uint16{'a', 0, 'b'}) + ToNUL([]byte{'c', 0, 0, 0, 'd', 0}) + ToNUL([]byte{0, 'e', 'f', 0}); got != "ac攀f" {
		t.Errorf("up to NUL: %q", got)
	}
}

func TestUnitsRefuses(t *testing.T) {
	for _, s := range []string{"\xff", "a\x80", "\xed\xa0", "\xed\xa0\xbd\xed\xb8\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xed\xff\xff"} {
		if u, err := Units(s); err == nil {
			t.Errorf("%q gave %x", s, u)
		}
	}
}

// FuzzUTF16 holds that no unit is lost: not by WTF8, and not in JSON.
func FuzzUTF16(f *testing.F) {
	for _, s := range []string{"", "a", "\x3d\xd8\x00\xde", "\x00\xde\x3d\xd8", "\x3d\xd8", "\x00\xd8\x00\xd8\x00\xdc", "\xfd\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := WTF8(in)
		whole := in[:len(in)/2*2]
		back, err := Bytes(s)
		if err != nil || !bytes.Equal(back, whole) {
			t.Fatalf("% x became %q, then % x (%v)", in, s, back, err)
		}
		if len(s) > 3*len(whole)/2 {
			t.Fatalf("%d units became %d bytes", len(whole)/2, len(s))
		}
		line := jsonl.AppendText(nil, s)
		if !utf8.Valid(line) {
			t.Fatalf("%q is written as %q, which is not UTF-8", s, line)
		}
		var text jsonl.Text
		if err := json.Unmarshal(line, &text); err != nil || string(text) != s {
			t.Fatalf("%q became %q by way of %s (%v)", s, text, line, err)
		}
	})
}

// FuzzUnits holds that a string is either refused or comes back as it was.
func FuzzUnits(f *testing.F) {
	for _, s := range []string{"", "a", "保全😀", "\xed\xa0\xbd", "\xed\xa0\xbd\xed\xb8\x80", "\xff", "\xed\xb8\x80\xed\xa0\xbd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		units, err := Units(s)
		if err == nil && WTF8(units) != s {
			t.Fatalf("%q became %x, then %q", s, units, WTF8(units))
		}
		if err != nil && utf8.ValidString(s) {
			t.Fatalf("%q is UTF-8, and refused: %v", s, err)
		}
	})
}
