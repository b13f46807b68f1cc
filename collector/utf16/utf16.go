// Package utf16 turns the text of Windows, 16-bit units in little-endian order, into
// strings and back without loss. Windows lets any sequence of units be a name: a half
// of a surrogate pair without the other half, too, which UTF-8 cannot say. Such a half
// becomes the three bytes of its number (WTF-8, https://simonsapin.github.io/wtf-8/),
// so that what is well-formed is plain UTF-8 and what is not has bytes that are not
// UTF-8: jsonl.Text and the archive's records then write it in base64.
//
// Begin with WTF8; Units and Bytes lead back.
package utf16

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// The range of the surrogates (Unicode, section 3.8).
const (
	firstHigh = 0xd800
	firstLow  = 0xdc00
	lastLow   = 0xdfff
)

// WTF8 decodes UTF-16: units, or bytes in little-endian order, of which an odd last one
// is no text and left out. The result has at most 3 bytes for each unit; nothing is cut,
// replaced or ended at a NUL (see ToNUL).
func WTF8[In []uint16 | []byte](in In) string {
	switch in := any(in).(type) {
	case []uint16:
		return string(appendUnits(make([]byte, 0, len(in)), len(in), func(i int) uint16 { return in[i] }))
	case []byte:
		unit := func(i int) uint16 { return binary.LittleEndian.Uint16(in[2*i:]) }
		return string(appendUnits(make([]byte, 0, len(in)/2), len(in)/2, unit))
	}
	return "" // not reached: In has no other types
}

func appendUnits(out []byte, n int, unit func(int) uint16) []byte {
	for i := 0; i < n; i++ {
		u := rune(unit(i))
		if !utf16.IsSurrogate(u) {
			out = utf8.AppendRune(out, u)
			continue
		}
		if i+1 < n {
			if r := utf16.DecodeRune(u, rune(unit(i+1))); r != utf8.RuneError {
				out = utf8.AppendRune(out, r)
				i++
				continue
			}
		}
		out = append(out, 0xe0|byte(u>>12), 0x80|byte(u>>6&0x3f), 0x80|byte(u&0x3f))
	}
	return out
}

// ToNUL is WTF8 of what comes before the first NUL, or of all if there is none.
func ToNUL[In []uint16 | []byte](in In) string {
	switch in := any(in).(type) {
	case []uint16:
		for i, u := range in {
			if u == 0 {
				return WTF8(in[:i])
			}
		}
	case []byte:
		for i := 0; i+1 < len(in); i += 2 {
			if in[i] == 0 && in[i+1] == 0 {
				return WTF8(in[:i])
			}
		}
	}
	return WTF8(in)
}

// Units gives the units of which WTF8 makes s, and an error for a string that WTF8
// never gives: other bytes that are not UTF-8, or both halves of a pair on their own.
func Units(s string) ([]uint16, error) {
	out := make([]uint16, 0, len(s))
	lastHigh := false // the unit before is a high half that stands alone
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n < 2 {
			half, ok := surrogate(s[i:])
			if !ok || lastHigh && half >= firstLow {
				return nil, fmt.Errorf("byte %d: not WTF-8", i)
			}
			out, lastHigh = append(out, half), half < firstLow
			i += 3
			continue
		}
		out, lastHigh = utf16.AppendRune(out, r), false
		i += n
	}
	return out, nil
}

// surrogate reads three bytes that stand for a half of a pair.
func surrogate(s string) (uint16, bool) {
	if len(s) < 3 || s[0] != 0xed || s[1]&0xc0 != 0x80 || s[2]&0xc0 != 0x80 {
		return 0, false
	}
	u := 0xd000 | uint16(s[1]&0x3f)<<6 | uint16(s[2]&0x3f)
	return u, u >= firstHigh && u <= lastLow
}

// Bytes is Units as bytes in little-endian order.
func Bytes(s string) ([]byte, error) {
	units, err := Units(s)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out, nil
}
