package text

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"\xef":                                 "\xef",
		"plain 証拠\r\n":                         "plain 証拠\r\n",
		"\xef\xbb\xbfA4: 松本":                   "A4: 松本",
		"\xef\xbb\xbf\xef\xbb\xbf":             "\ufeff", // one mark is one too many only once
		"\xff\xfeA\x00\x7e\x67":                "A松",
		"\xfe\xff\x00A\x67\x7e":                "A松",
		"\xff\xfe\x3d\xd8\x00\xde!\x00":        "😀!",
		"\xff\xfe\x3d\xd8!\x00":                "\uFFFD!",
		"\xff\xfe\x00\xde":                     "\uFFFD",
		"\xff\xfe\x3d\xd8":                     "\uFFFD",
		"\xff\xfeA\x00\x7e":                    "A\uFFFD",
		"\xff\xfe":                             "",
		"\x8f\xbc\x96\x7b":                     "\x8f\xbc\x96\x7b", // cp932 has no mark
		"ssh-ed25519 AAAA\xff\xfe in the text": "ssh-ed25519 AAAA\xff\xfe in the text",
	} {
		if got := string(UTF8([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzUTF8 holds it to the standard library's decoder.
func FuzzUTF8(f *testing.F) {
	f.Add([]byte("A\x00"))
	f.Add([]byte("\x3d\xd8\x00\xde"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for mark, order := range map[string]binary.ByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
			var units []uint16
			for i := 0; i+1 < len(b); i += 2 {
				units = append(units, order.Uint16(b[i:]))
			}
			want := string(utf16.Decode(units))
			if len(b)%2 == 1 {
				want += string(utf8.RuneError)
			}
			if got := string(UTF8(append([]byte(mark), b...))); got != want {
				t.Fatalf("%x: %q, want %q", b, got, want)
			}
		}
	})
}

// TestName: only what cannot be taken for words stands without quotes.
func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"operator:sato": "operator:sato", "/media/usb/a.jsonl": "/media/usb/a.jsonl", `C:\x`: `C:\x`, "2026-11-22T13:26:03.000000000Z": "2026-11-22T13:26:03.000000000Z",
		"SHA256:a+b/c=": "SHA256:a+b/c=", "verified": `"verified"`, "": `""`, "key:": `"key:"`, "a: b": `"a: b"`, "佐藤": `"佐藤"`, "a\nb:": `"a\nb:"`, `a"1`: `"a\"1"`, "INVALID": `"INVALID"`, "a,b1": `"a,b1"`,
	} {
		if got := Name(in); got != want {
			t.Errorf("name %q: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"checked_out": "checked_out", "": `""`, "x): gap": `"x): gap"`, "Released": `"Released"`} {
		if got := Word(in); got != want {
			t.Errorf("word %q: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"/home/a b/佐藤": "/home/a b/佐藤", "a: b": `"a: b"`, "": `""`, "a);": `"a);"`, "a\x1b": `"a\x1b"`, "a\xff": `"a\xff"`} {
		if got := Path(in); got != want {
			t.Errorf("path %q: %s, want %s", in, got, want)
		}
	}
}
