// Package jsonl writes tables as JSON Lines: one row a line, fields in the
// order of the row's struct, no HTML escaping, bytes of the host kept without loss.
//
// Begin with Writer; use Text for every string that comes from the host.
package jsonl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Text is a string of the host. In JSON it is a string if it is valid UTF-8,
// else {"b64":"…"} with the bytes in standard base64, so that nothing is lost.
type Text string

// MarshalJSON implements the rule of Text.
func (t Text) MarshalJSON() ([]byte, error) { return AppendText(nil, string(t)), nil }

// UnmarshalJSON reads both forms.
func (t *Text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var v struct {
			B64 []byte `json:"b64"`
		}
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*t = Text(v.B64)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// Texts converts strings of the host.
// Not inlined, for the size of the program.
//
//go:noinline
func Texts(in []string) []Text {
	if in == nil {
		return nil
	}
	out := make([]Text, len(in))
	for i, s := range in {
		out[i] = Text(s)
	}
	return out
}

// AppendText appends s to dst as Text does in JSON: for rows that are written
// by hand because there are very many of them.
func AppendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		dst = append(dst, `{"b64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(s))
		return append(dst, `"}`...)
	}
	return appendString(dst, s)
}

func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}

// Writer writes rows. It is not safe for concurrent use.
type Writer struct {
	w    io.Writer
	buf  bytes.Buffer
	enc  *json.Encoder
	rows int
}

// NewWriter writes rows to w, in blocks; call Flush at the end.
//
//go:noinline
func NewWriter(w io.Writer) *Writer {
	t := &Writer{w: w}
	t.enc = json.NewEncoder(&t.buf)
	t.enc.SetEscapeHTML(false)
	return t
}

// Row writes one row: a struct with json tags.
func (t *Writer) Row(row any) error {
	if err := t.enc.Encode(row); err != nil {
		return fmt.Errorf("row %d: %w", t.rows+1, err)
	}
	t.rows++
	return t.flushOver(1 << 16)
}

// Line writes one row that is JSON already, without its newline.
func (t *Writer) Line(b []byte) error {
	t.buf.Write(b)
	t.buf.WriteByte('\n')
	t.rows++
	return t.flushOver(1 << 16)
}

// Rows counts the rows so far.
func (t *Writer) Rows() int { return t.rows }

// Flush writes what is buffered.
func (t *Writer) Flush() error { return t.flushOver(0) }

func (t *Writer) flushOver(n int) error {
	if t.buf.Len() <= n {
		return nil
	}
	_, err := t.w.Write(t.buf.Bytes())
	t.buf.Reset()
	return err
}

// Write writes all rows of one table: the usual body of a fill.
func Write[T any](w io.Writer, rows []T) error {
	t := NewWriter(w)
	for i := range rows {
		if err := t.Row(&rows[i]); err != nil {
			return err
		}
	}
	return t.Flush()
}

// Read reads a table back, for tests and for those who look into an archive.
func Read[T any](b []byte) ([]T, error) {
	var out []T
	for n, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		if line == "" && len(b) == 0 {
			break
		}
		var row T
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return out, fmt.Errorf("line %d: %w", n+1, err)
		}
		out = append(out, row)
	}
	return out, nil
}
