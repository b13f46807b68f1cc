package main

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":               "plain text",
		"日本語 ümlaut":               "日本語 ümlaut",
		"\x1b[2J\x1b]0;title\a":    `\x1b[2J\x1b]0;title\x07`,
		"a\nb\tc\rd":               `a\nb\tc\rd`,
		"\x9b31m":                  `\x9b31m`,   // a C1 byte, as 8-bit terminals read it
		"\u009b31m":                `\u009b31m`, // the same as a character
		"cod\u202egpj.exe":         `cod\u202egpj.exe`,
		"\u2066\u2069\u200b\ufeff": `\u2066\u2069\u200b\ufeff`,
		"\u2028\u00a0":             `\u2028\u00a0`,
		"\xff\xfe":                 `\xff\xfe`,
		`C:\x1b`:                   `C:\\x1b`,
		"\x7f\x00":                 `\x7f\x00`,
		"\U000e0041":               `\U000e0041`, // an invisible tag
	} {
		if got := escape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestEscapeOnWindows: there a backslash is part of every path.
func TestEscapeOnWindows(t *testing.T) {
	for in, want := range map[string]string{
		`C:\new\日本語 <b>.txt`: `C:\new\日本語 <b>.txt`,
		"a\nb\x1b[2J":        "a<U+000A>b<U+001B>[2J",
		"cod\u202egpj.exe":   "cod<U+202E>gpj.exe",
		"\xff<":              `<\xff><`,
		"<U+000A>":           "<U+003C>U+000A>",
		`<\xff>`:             `<U+003C>\xff>`,
		"\U000e0041":         "<U+E0041>",
	} {
		if got := escapeWith(in, '<', escapeAngled); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b[31m\xff\u202e\n日本")
	f.Fuzz(func(t *testing.T, s string) {
		got := escape(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q: not UTF-8", got)
		}
		for _, r := range got + escapeWith(s, '<', escapeAngled) {
			if !unicode.IsPrint(r) {
				t.Errorf("%q: holds %U", got, r)
			}
		}
		if n := strings.Count(s, "\n"); strings.Count(escapeLines([]byte(s)), "\n") != n {
			t.Errorf("%q: lines lost", s)
		}
		var b strings.Builder
		e := escaper{w: &b}
		for i := range len(s) {
			e.Write([]byte{s[i]})
		}
		e.flush()
		if want := escapeLines([]byte(s)); b.String() != want {
			t.Errorf("byte by byte %q, at once %q", b.String(), want)
		}
	})
}

func TestPlainKeepsWhatCanBeShown(t *testing.T) {
	for in, want := range map[string]string{
		`C:\case "7"`: `C:\case "7"`, "佐藤": "佐藤", "a\nb": `a\nb`, "\xff": `\xff`, "\u202e": `\u202e`,
	} {
		if got := plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
