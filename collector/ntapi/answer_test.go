package ntapi

import (
	"errors"
	"testing"
)

func TestUnicodeStringStaysInside(t *testing.T) {
	at := func(length, buffer uint64) Answer {
		b := make([]byte, 24)
		b[0], b[2], b[8] = byte(length), byte(length), byte(buffer)
		copy(b[16:], "a\x00b\x00\x00\xd8c\x00")
		return Answer{Base: 0x10, Data: b}
	}
	for _, c := range []struct {
		name           string
		length, buffer uint64
		want           string
		short          bool
	}{
		{"plain", 4, 0x20, "ab", false},
		{"a lone surrogate", 8, 0x20, "ab\xed\xa0\x80c", false},
		{"an odd length", 5, 0x20, "ab", false},
		{"no buffer", 4, 0, "", false},
		{"before the answer", 4, 0x0f, "", true},
		{"behind the answer", 4, 0x29, "", true},
		{"over the end", 12, 0x22, "b\xed\xa0\x80c", true},
	} {
		got, err := UnicodeString(at(c.length, c.buffer))
		if got != c.want || errors.Is(err, ErrShort) != c.short {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}
