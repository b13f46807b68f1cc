package console

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible makes text harmless for eyes: control characters, what turns the direction of
// writing or joins invisibly (Unicode category Cf, UAX #9), separators, private-use and
// unassigned characters, and bytes that are not UTF-8 become visible escapes. For
// browsers html/template does what is needed; this is for people.
func visible(s string) string { return string(show([]byte(s), "")) }

// visiblePage does so for a whole page, of which lines and tabs are kept: whatever a
// template forgot.
func visiblePage(b []byte) []byte { return show(b, "\n\t") }

func show(b []byte, keep string) []byte {
	drawn := func(r rune) bool {
		return r != utf8.RuneError && (unicode.IsPrint(r) || strings.ContainsRune(keep, r))
	}
	if utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return !drawn(r) }) < 0 {
		return b
	}
	var out bytes.Buffer
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&out, `\x%02x`, b[0])
		case r == utf8.RuneError, drawn(r):
			out.Write(b[:n])
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\r':
			out.WriteString(`\r`)
		case r < 0x80:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
		b = b[n:]
	}
	return out.Bytes()
}

// fileName makes a name that is harmless in a header and on every file system.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return r
		}
		return '_'
	}, s)
	if s = strings.TrimLeft(s, ".-_"); len(s) > 120 {
		s = s[len(s)-120:]
	}
	if s == "" {
		return "file"
	}
	return s
}
