package hive

import (
	"unicode"
	"unicode/utf8"
)

// Fold gives a name as it is compared: Windows compares names of keys and values by
// their characters in upper case, each for itself (RtlUpcaseUnicodeChar; Unicode's own
// table stands for that of Windows here). Bytes that are not UTF-8 stay.
func Fold(name string) string {
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError && n < 2 || r > 0xffff {
			out = append(out, name[i:i+n]...)
		} else {
			out = utf8.AppendRune(out, unicode.ToUpper(r))
		}
		i += n
	}
	return string(out)
}
