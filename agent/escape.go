package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape makes text from a host harmless on a terminal and in a log: control
// characters (ESC, newline and C1 among them), what turns the direction of
// writing or joins invisibly (Unicode category Cf, UAX #9), line and paragraph
// separators, private-use and unassigned characters, and bytes that are not UTF-8
// become visible escapes. A backslash is doubled, so that nothing is ambiguous.
func escape(s string) string {
	clean := true
	for _, r := range s {
		if r == '\\' || !shown(r) {
			clean = false
			break
		}
	}
	if clean && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1, r < 0x20, r == 0x7f:
			b.WriteString(escapeByte(s[0]))
		case r == '\\':
			b.WriteString(`\\`)
		case shown(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

func escapeByte(c byte) string {
	switch c {
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	case '\r':
		return `\r`
	}
	return fmt.Sprintf(`\x%02x`, c)
}

// shown says whether a character is drawn as itself: letters, marks, numbers,
// punctuation, symbols and the plain space (unicode.IsPrint).
func shown(r rune) bool { return unicode.IsPrint(r) }

// escapeLines is escape for a text of many lines, which are kept as lines, as
// tabs are.
func escapeLines(b []byte) string {
	lines := strings.SplitAfter(string(b), "\n")
	var out strings.Builder
	for _, line := range lines {
		body, nl := strings.CutSuffix(line, "\n")
		for i, field := range strings.Split(body, "\t") {
			if i > 0 {
				out.WriteByte('\t')
			}
			out.WriteString(escape(field))
		}
		if nl {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
