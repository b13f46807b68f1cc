// Package text reads the text files that people make: with Windows' editors and shells these
// begin with a byte order mark, and are UTF-16 where PowerShell wrote them (UTF8). And it puts
// what others wrote into a sentence so that it cannot be taken for part of that (Name).
package text

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// UTF8 gives the text of a file without its byte order mark; what is UTF-16 by that mark
// is written anew as UTF-8, lone surrogates as U+FFFD. What has no mark is given back as it is.
// The result may be a part of b.
func UTF8(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return b
	}
	out := make([]byte, 0, len(b)/2*3) // never grown: it may hold a secret, which the caller clears
	for b = b[2:]; len(b) > 0; b = b[min(2, len(b)):] {
		unit := func(at int) rune {
			if len(b) < at+2 {
				return utf8.RuneError
			}
			return rune(order.Uint16(b[at:]))
		}
		r := unit(0)
		if pair := utf16.DecodeRune(r, unit(2)); pair != utf8.RuneError {
			r, b = pair, b[2:]
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

const (
	small = "abcdefghijklmnopqrstuvwxyz_"
	signs = "0123456789:/.@+=\\"
)

// Name gives a name that comes from the data (of a host, of an archive, of a log) as a
// sentence can hold it: as it is where nobody can take it for words, which is a principal, a
// path, a hash, a time (letters, digits and few signs, with one at least that no word has);
// any other in quotes, as %q writes it. What is in quotes nobody translates or divides.
//
//go:noinline
func Name(s string) string {
	if len(s) < 300 && strings.ContainsAny(s, signs) && strings.Trim(s, small+"ABCDEFGHIJKLMNOPQRSTUVWXYZ-"+signs) == "" && !strings.HasSuffix(s, ":") {
		return s
	}
	return strconv.Quote(s)
}

// Word gives a word of the format, such as that of an event, as it is: small letters and
// underscores, at most 32. Whatever is none in quotes, as %q writes it.
//
//go:noinline
func Word(s string) string {
	if s != "" && len(s) <= 32 && strings.Trim(s, small) == "" {
		return s
	}
	return strconv.Quote(s)
}

// Path gives what has blanks of its own (a path of a host, words of ours for what was read,
// the name of an authority that is trusted) as it is where it has none of the signs by which a
// sentence is divided; any other in quotes, as %q writes it.
func Path(s string) string {
	odd := func(r rune) bool { return strings.ContainsRune(`"();`, r) || !unicode.IsPrint(r) }
	if s != "" && utf8.ValidString(s) && strings.IndexFunc(s, odd) < 0 && !strings.Contains(s, ": ") {
		return s
	}
	return strconv.Quote(s)
}
