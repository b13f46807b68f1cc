package ioc

import (
	"errors"
	"fmt"
	"strings"
)

// A byteString is bytes with wildcards: b fits at a place where b&mask == value,
// byte for byte. A mask of 0 fits anything, 0xf0 and 0x0f are one nibble, 0xff is
// the byte itself, and 0xdf with a letter is that letter in either case.
type byteString struct{ value, mask []byte }

const (
	minLiteral = 4       // bytes in a row without wildcard that a search in memory needs
	maxPattern = 4 << 10 // bytes of one pattern
)

// parseHex reads "4D 5A ?? 0?": two digits a byte, ? for a nibble that may be
// anything; spaces and commas between bytes, 0x or \x before them, braces around all.
func parseHex(text string) (byteString, error) {
	var out byteString
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		if text, ok = strings.CutSuffix(inner, "}"); !ok {
			return out, errors.New("{ without }")
		}
	}
	text = strings.NewReplacer(" ", "", "\t", "", ",", "", "0x", "", "0X", "", `\x`, "", "-", "").Replace(text)
	if len(text)%2 != 0 {
		return out, errors.New("not two hex digits for each byte")
	}
	for i := 0; i < len(text); i += 2 {
		hv, hm, ok1 := nibble(text[i])
		lv, lm, ok2 := nibble(text[i+1])
		if !ok1 || !ok2 {
			return out, fmt.Errorf("%q is no byte in hex", text[i:i+2])
		}
		out.value, out.mask = append(out.value, hv<<4|lv), append(out.mask, hm<<4|lm)
	}
	return out.trimmed()
}

func nibble(c byte) (value, mask byte, ok bool) {
	switch {
	case c == '?':
		return 0, 0, true
	case c >= '0' && c <= '9':
		return c - '0', 0xf, true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, 0xf, true
	}
	return 0, 0, false
}

// trimmed takes away wildcards at both ends, which say nothing, and checks what is left.
func (s byteString) trimmed() (byteString, error) {
	for len(s.mask) > 0 && s.mask[0] == 0 {
		s.value, s.mask = s.value[1:], s.mask[1:]
	}
	for len(s.mask) > 0 && s.mask[len(s.mask)-1] == 0 {
		s.value, s.mask = s.value[:len(s.value)-1], s.mask[:len(s.mask)-1]
	}
	if s.literal() < minLiteral {
		return s, fmt.Errorf("fewer than %d bytes in a row without a wildcard: too short to search for", minLiteral)
	}
	if len(s.value) > maxPattern {
		return s, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	return s, nil
}

// literal gives the longest run of bytes without a wildcard.
func (s byteString) literal() int {
	longest, run := 0, 0
	for i := range s.mask {
		if run++; !s.fixed(i) {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// fixed says whether byte i is one byte, or one letter in either case.
func (s byteString) fixed(i int) bool {
	return s.mask[i] == 0xff || s.mask[i] == 0xdf && s.value[i] >= 'A' && s.value[i] <= 'Z'
}

// fits says whether b begins with it; b is long enough.
func (s byteString) fits(b []byte) bool {
	b = b[:len(s.value)]
	mask := s.mask[:len(b)]
	for i, v := range s.value {
		if b[i]&mask[i] != v {
			return false
		}
	}
	return true
}

// String writes it as parseHex reads it.
func (s byteString) String() string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i, v := range s.value {
		for _, shift := range []int{4, 0} {
			if s.mask[i]>>shift&0xf == 0 {
				b.WriteByte('?')
			} else {
				b.WriteByte(digits[v>>shift&0xf])
			}
		}
	}
	return b.String()
}

// exactly makes a byteString of text as it is; fold, one with ASCII letters in
// either case.
func exactly(text string, fold bool) byteString {
	s := byteString{value: []byte(text), mask: make([]byte, len(text))}
	for i, c := range s.value {
		s.mask[i] = 0xff
		if fold && (c|0x20 >= 'a' && c|0x20 <= 'z') {
			s.value[i], s.mask[i] = c&0xdf, 0xdf
		}
	}
	return s
}
