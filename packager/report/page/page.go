// Package page writes HTML in which no text of a host can be anything but text.
//
// A page is made of nodes: El for elements, Text for words of our own, Host for
// words of anybody else (visible.go), Document for the whole. Names of elements and
// attributes are constants of the program: their type has no name outside of this
// package, so a variable cannot be given where one is asked for. What varies in an
// attribute is a number.
package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strconv"
)

// literal is a constant of the program.
type literal string

// A Node writes a part of a page.
type Node func(*Writer)

// A Writer takes what nodes write.
type Writer struct {
	buf bytes.Buffer
	to  io.Writer
	n   int64
	err error
}

const flushAt = 64 << 10

func (w *Writer) put(s string) {
	w.buf.WriteString(s)
	if w.buf.Len() >= flushAt {
		w.flush()
	}
}

func (w *Writer) flush() {
	w.n += int64(w.buf.Len())
	if w.err == nil {
		_, w.err = w.to.Write(w.buf.Bytes())
	}
	w.buf.Reset()
}

// An Attr is an attribute with a value that varies: a number, alone or behind a constant.
type Attr struct {
	name, prefix literal
	value        string
}

// Int is name="prefix12".
//
//go:noinline
func Int(name, prefix literal, n int64) Attr { return Attr{name, prefix, strconv.FormatInt(n, 10)} }

// Float is name="1.25", with at most three digits behind the point.
//
//go:noinline
func Float(name literal, v float64) Attr {
	return Attr{name: name, value: strconv.FormatFloat(float64(int64(v*1000))/1000, 'f', -1, 64)}
}

// Percent is name="1.25%".
//
//go:noinline
func Percent(name literal, v float64) Attr {
	a := Float(name, v)
	a.value += "%"
	return a
}

// El is an element. attrs are written as they are: `class="x"`.
//
//go:noinline
func El(tag, attrs literal, kids ...Node) Node { return With(tag, attrs, nil, kids...) }

// With is an element with attributes that vary.
//
//go:noinline
func With(tag, attrs literal, more []Attr, kids ...Node) Node {
	return func(w *Writer) {
		open(w, tag, attrs, more)
		for _, k := range kids {
			if k != nil {
				k(w)
			}
		}
		w.put("</" + string(tag) + ">")
	}
}

// Void is an element that has no end: input, br, col.
//
//go:noinline
func Void(tag, attrs literal, more ...Attr) Node {
	return func(w *Writer) { open(w, tag, attrs, more) }
}

func open(w *Writer, tag, attrs literal, more []Attr) {
	w.put("<" + string(tag))
	if attrs != "" {
		w.put(" " + string(attrs))
	}
	for _, a := range more {
		w.put(" " + string(a.name) + `="` + string(a.prefix) + a.value + `"`)
	}
	w.put(">")
}

// Pick gives one of constants by number: the last for one that is out of range.
func Pick(i int, of ...literal) literal {
	if i < 0 || i >= len(of) {
		i = len(of) - 1
	}
	return of[i]
}

// All is several nodes, one after another.
//
//go:noinline
func All(kids ...Node) Node {
	return func(w *Writer) {
		for _, k := range kids {
			if k != nil {
				k(w)
			}
		}
	}
}

// Each makes a node of each of a list, when the page is written.
func Each[T any](list []T, f func(T) Node) Node {
	return func(w *Writer) {
		for _, v := range list {
			if n := f(v); n != nil {
				n(w)
			}
		}
	}
}

// Squares is a picture of dark squares on light ground, as wide and high as there are.
func Squares(attrs literal, size int, dark func(x, y int) bool) Node {
	return func(w *Writer) {
		n := strconv.Itoa(size)
		w.put("<svg " + string(attrs) + ` viewBox="0 0 ` + n + " " + n + `"><path d="`)
		for y := range size {
			for x := 0; x < size; x++ {
				from := x
				for x < size && dark(x, y) {
					x++
				}
				if run := strconv.Itoa(x - from); x > from {
					w.put("M" + strconv.Itoa(from) + " " + strconv.Itoa(y) + "h" + run + "v1h-" + run + "z")
				}
			}
		}
		w.put(`"/></svg>`)
	}
}

// Document writes a whole page, and gives its size. Its policy lets nothing run but script,
// nothing be styled but by style, and nothing be fetched: both are named by their hashes.
func Document(to io.Writer, lang literal, title string, style, script literal, body ...Node) (int64, error) {
	w := &Writer{to: to}
	w.put("<!doctype html>\n<html lang=\"" + string(lang) + "\"><head><meta charset=\"utf-8\">\n")
	w.put(`<meta http-equiv="Content-Security-Policy" content="` + Policy(style, script) + `">` + "\n")
	w.put(`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">` + "\n<title>")
	Text(harmless(title))(w)
	w.put("</title>\n<style>" + string(style) + "</style></head>\n<body>")
	All(body...)(w)
	w.put("\n<script>" + string(script) + "</script></body></html>\n")
	w.flush()
	return w.n, w.err
}

// Policy is the Content-Security-Policy of a page with this style and script.
func Policy(style, script literal) string {
	return "default-src 'none'; style-src '" + hash(style) + "'; script-src '" + hash(script) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}

func hash(s literal) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
