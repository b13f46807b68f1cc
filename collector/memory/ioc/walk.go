package ioc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
)

var errJSON = errors.New("not the JSON of a row")

// A walker goes through the values of rows. It keeps its buffers from row to row.
type walker struct {
	b     []byte
	i     int
	path  []byte
	visit func(path, value []byte, text bool)
}

// deepest is how deep values may be in each other.
const deepest = 32

// walk calls visit for every string, decoded, and every number in a row, with
// their names in the row; both are valid until visit returns. Text that was not
// UTF-8 comes as the bytes that it was (see package jsonl).
func (w *walker) walk(row []byte) error {
	w.b, w.i, w.path = row, 0, w.path[:0]
	if err := w.value(0); err != nil {
		return err
	}
	if w.space(); w.i != len(w.b) {
		return errJSON
	}
	return nil
}

func (w *walker) space() byte {
	for w.i < len(w.b) {
		switch c := w.b[w.i]; c {
		case ' ', '\t', '\r', '\n':
			w.i++
		default:
			return c
		}
	}
	return 0
}

func (w *walker) value(depth int) error {
	if depth > deepest {
		return errJSON
	}
	switch c := w.space(); {
	case c == '{':
		return w.list('}', func() error { return w.member(depth) })
	case c == '[':
		return w.list(']', func() error { return w.value(depth + 1) })
	case c == '"':
		s, err := w.text()
		if err == nil {
			w.visit(w.path, s, true)
		}
		return err
	case c == 0:
		return errJSON
	}
	from := w.i
	for w.i < len(w.b) && bytes.IndexByte([]byte(",]} \t\r\n"), w.b[w.i]) < 0 {
		w.i++
	}
	if w.i == from {
		return errJSON
	}
	w.visit(w.path, w.b[from:w.i], false)
	return nil
}

// list takes what is between brackets, with commas between.
func (w *walker) list(end byte, each func() error) error {
	w.i++
	if w.space() == end {
		w.i++
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		c := w.space()
		w.i++
		if c == end {
			return nil
		}
		if c != ',' {
			return errJSON
		}
	}
}

// member takes one name and its value.
func (w *walker) member(depth int) error {
	if w.space() != '"' {
		return errJSON
	}
	name, err := w.text()
	if err != nil {
		return err
	}
	if w.space() != ':' {
		return errJSON
	}
	w.i++
	if string(name) == "b64" && w.space() == '"' {
		s, err := w.text()
		if err != nil {
			return err
		}
		if raw, err := base64.StdEncoding.DecodeString(string(s)); err == nil {
			s = raw
		}
		w.visit(w.path, s, true)
		return nil
	}
	before := len(w.path)
	if before > 0 {
		w.path = append(w.path, '.')
	}
	w.path = append(w.path, name...)
	err = w.value(depth + 1)
	w.path = w.path[:before]
	return err
}

// text takes one string, w.i being at its quote.
func (w *walker) text() ([]byte, error) {
	from := w.i
	escaped := false
	for w.i++; w.i < len(w.b); w.i++ {
		switch w.b[w.i] {
		case '\\':
			escaped = true
			w.i++
		case '"':
			w.i++
			if !escaped {
				return w.b[from+1 : w.i-1], nil
			}
			var s string
			if err := json.Unmarshal(w.b[from:w.i], &s); err != nil {
				return nil, errJSON
			}
			return []byte(s), nil
		}
	}
	return nil, errJSON
}
