package main

import (
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape makes text from a host harmless on a terminal and in a log: control
// characters (ESC, newline and C1 among them), what turns the direction of
// writing or joins invisibly (Unicode category Cf, UAX #9), line and paragraph
// separators, private-use and unassigned characters, and bytes that are not UTF-8
// become visible escapes: \n, \x1b, \u202e, with a backslash doubled, so that nothing
// is ambiguous. On Windows, where a backslash stands in every path, they are
// <U+001B> and <\xff> instead, and the < of a text that has "<U+" or "<\x" is one itself.
//
//go:noinline
func escape(s string) string {
	if runtime.GOOS == "windows" {
		return escapeWith(s, '<', escapeAngled)
	}
	return escapeWith(s, '\\', escapeSlashed)
}

// escapeWith writes what is not shown as itself, and mark, as an escape says.
func escapeWith(s string, mark rune, written func(r rune, s string) string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r == mark || !shown(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = -1
		}
		if r >= 0 && r != mark && shown(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(written(r, s))
		}
		s = s[n:]
	}
	return b.String()
}

// escapeSlashed writes the character r that s begins with; -1 is a byte that is not UTF-8.
func escapeSlashed(r rune, s string) string {
	switch {
	case r < 0x20, r == 0x7f:
		return escapeByte(s[0])
	case r == '\\':
		return `\\`
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// escapeAngled is escapeSlashed for Windows.
func escapeAngled(r rune, s string) string {
	switch {
	case r < 0:
		return fmt.Sprintf(`<\x%02x>`, s[0])
	case r == '<' && !strings.HasPrefix(s, "<U+") && !strings.HasPrefix(s, `<\x`):
		return "<"
	}
	return fmt.Sprintf("<U+%04X>", r)
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
