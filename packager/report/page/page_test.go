package page

import (
	"bytes"
	"strings"
	"testing"
)

func written(n Node) string {
	var b bytes.Buffer
	w := &Writer{to: &b}
	n(w)
	w.flush()
	return b.String()
}

func TestHost(t *testing.T) {
	for in, want := range map[string]string{
		"a b":                 "a b",
		"<script>&\"'":        "&lt;script&gt;&amp;&#34;&#39;",
		"\u202egnp.exe":       `<i class="x">U+202E</i>gnp.exe`,
		"a\u200bb":            `a<i class="x">U+200B</i>b`,
		"\x1b[31m\n":          `<i class="x">␛</i>[31m<i class="x">␊</i>`,
		"\x00\x7f":            `<i class="x">␀</i><i class="x">␡</i>`,
		"\xff\xed\xa0\x80":    `<i class="x">\xff</i><i class="x">\xed</i><i class="x">\xa0</i><i class="x">\x80</i>`,
		"\ufffd":              "\ufffd",
		"日本 語\u3000が":         "日本 語\u3000が",
		"\u3164\u2800\ufe0f":  `<i class="x">U+3164</i><i class="x">U+2800</i><i class="x">U+FE0F</i>`,
		"e\u0301\u0301\u0301": "e\u0301\u0301" + `<i class="x">U+0301</i>`,
		"\u00a0":              `<i class="x">U+00A0</i>`,
	} {
		if got := written(Host(in, 100)); got != "<bdi>"+want+"</bdi>" {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := written(Host("abcdef", 3)); got != `<bdi>abc<i class="x">… +3 B</i></bdi>` {
		t.Error(got)
	}
	if got := written(Host("", 3)); got != "" {
		t.Errorf("nothing is %q", got)
	}
}

func TestElements(t *testing.T) {
	n := With("p", `class="a"`, []Attr{Int("id", "s", 3), Float("y", 1.23456), Percent("x", -2.5)}, Text("<"), nil, El("b", ""), Void("br", ""), All(nil, Each([]string{"x", "y"}, Text)))
	if got := written(n); got != `<p class="a" id="s3" y="1.234" x="-2.5%">&lt;<b></b><br>xy</p>` {
		t.Error(got)
	}
	if got := written(Squares(`class="q"`, 3, func(x, y int) bool { return x != 1 || y == 0 })); got != `<svg class="q" viewBox="0 0 3 3"><path d="M0 0h3v1h-3zM0 1h1v1h-1zM2 1h1v1h-1zM0 2h1v1h-1zM2 2h1v1h-1z"/></svg>` {
		t.Error(got)
	}
	if Pick(9, "a", "b") != "b" || Pick(-1, "a", "b") != "b" || Pick(0, "a", "b") != "a" {
		t.Error("pick")
	}
}

// TestDocument is of the policy: it names what is in the page, and nothing else.
func TestDocument(t *testing.T) {
	var b bytes.Buffer
	n, err := Document(&b, "ja", "<t>", "p{}", "1", Text("x"))
	if err != nil || n != int64(b.Len()) {
		t.Fatal(n, b.Len(), err)
	}
	// printf 'p{}' | openssl dgst -sha256 -binary | base64
	for _, want := range []string{"<html lang=\"ja\">", "<title>&lt;t&gt;</title>", "default-src 'none'", "style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
}
