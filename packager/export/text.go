package export

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// text reads a string of the host in both its forms (collector/jsonl): a JSON string, or
// {"b64":"…"} where it is not UTF-8.
func text(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch raw[0] {
	case '"':
		ok = json.Unmarshal(raw, &s) == nil
	case '{':
		var v struct {
			B64 *[]byte `json:"b64"`
		}
		if json.Unmarshal(raw, &v) == nil && v.B64 != nil {
			return string(*v.B64), true
		}
	}
	return s, ok
}

// appendSafe appends text so that it stays within a field and a line, does not command a
// terminal, and can be read back: each byte of a control character, of what is not UTF-8,
// of characters that turn the direction of text or end a line, of \ and of those in also
// becomes \xHH.
func appendSafe(b []byte, s string, also string) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || unsafeRune(r) || r < utf8.RuneSelf && contains(also, byte(r)) {
			for _, c := range []byte(s[i : i+n]) {
				const digits = "0123456789abcdef"
				b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
			}
		} else {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return b
}

func contains(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// unsafeRune says whether a character commands a terminal, ends a line, or changes how
// what follows is shown (Unicode, Bidi_Control).
func unsafeRune(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f, r == '\\', r == 0x2028, r == 0x2029:
		return true
	}
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// safe is appendSafe for what people read.
func safe(s string) string { return string(appendSafe(nil, s, "")) }

func base64Text(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// inert makes characters that command a terminal or turn text into escapes of JSON, which
// mean the same. b is JSON.
func inert(b []byte) []byte {
	if !bytes.ContainsFunc(b, func(r rune) bool { return r >= 0x7f && unsafeRune(r) }) {
		return b
	}
	var out []byte
	for _, r := range string(b) {
		if r >= 0x7f && unsafeRune(r) {
			out = fmt.Appendf(out, "\\u%04x", r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
