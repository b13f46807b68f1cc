package page

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is words of our own: escaped, otherwise as they are.
//
//go:noinline
func Text(s string) Node { return func(w *Writer) { escape(w, s) } }

// Host is text of anybody else: of the host, of an archive, of a person. It cannot turn
// the writing around it (bdi), and what would not be seen is: control characters,
// what turns the direction of writing, what has no width, blanks that are none, heaps of
// accents, bytes that are not UTF-8. most is how many characters are shown; how many bytes
// more there are stands behind them.
//
//go:noinline
func Host(s string, most int) Node {
	return func(w *Writer) {
		if s == "" {
			return
		}
		w.put("<bdi>")
		visible(w, s, most)
		w.put("</bdi>")
	}
}

// harmless is text where there can be no elements, as in a title: signs stand in angles.
func harmless(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if sign := signOf(r, n, s[i], 0); sign != "" {
			b.WriteString("‹" + sign + "›")
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

func visible(w *Writer, s string, most int) {
	plain, accents := 0, 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if most--; most < 0 {
			escape(w, s[plain:i])
			mark(w, "… +"+strconv.Itoa(len(s)-i)+" B")
			return
		}
		if unicode.In(r, unicode.Mn, unicode.Me) {
			accents++
		} else {
			accents = 0
		}
		if sign := signOf(r, n, s[i], accents); sign != "" {
			escape(w, s[plain:i])
			mark(w, sign)
			plain = i + n
		}
		i += n
	}
	escape(w, s[plain:])
}

// signOf gives what is shown in place of a character; "" if it can be shown itself.
func signOf(r rune, n int, first byte, accents int) string {
	switch {
	case r == utf8.RuneError && n == 1:
		return `\x` + hex.EncodeToString([]byte{first})
	case r < ' ':
		return string('␀' + r)
	case r == 0x7f:
		return "␡"
	case r == ' ', r == '\u3000':
		return ""
	case !unicode.IsGraphic(r), unicode.Is(unicode.Zs, r), accents > 2, blank(r):
		return fmt.Sprintf("U+%04X", r)
	}
	return ""
}

// blank are characters that Unicode calls letters, marks or symbols, and that show nothing.
//
//go:noinline
func blank(r rune) bool {
	switch r {
	case 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0, 0xfffc, 0x034f:
		return true
	}
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180f
}

func mark(w *Writer, sign string) {
	w.put(`<i class="x">`)
	escape(w, sign)
	w.put("</i>")
}

// escape writes text that is UTF-8; what is not is U+FFFD.
func escape(w *Writer, s string) {
	from := 0
	for i := 0; i < len(s); i++ {
		var e string
		switch s[i] {
		case '&':
			e = "&amp;"
		case '<':
			e = "&lt;"
		case '>':
			e = "&gt;"
		case '"':
			e = "&#34;"
		case '\'':
			e = "&#39;"
		case 0:
			e = "\uFFFD"
		default:
			continue
		}
		w.put(strings.ToValidUTF8(s[from:i], "\uFFFD"))
		w.put(e)
		from = i + 1
	}
	w.put(strings.ToValidUTF8(s[from:], "\uFFFD"))
}
