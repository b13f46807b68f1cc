package model

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Types of fields that never refuse what a row has there: rows are written by whoever
// held the key, and may lie in their types, too. What does not fit is left out, or shown
// as it is written.

// text is a string, {"b64":"…"} with its bytes (tables' way for what is not UTF-8), or
// anything else as it is written.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case len(b) > 0 && b[0] == '"' && json.Unmarshal(b, &s) == nil:
		*t = text(clip(s))
	case len(b) > 0 && b[0] == '{':
		var v struct {
			B64 []byte `json:"b64"`
		}
		if json.Unmarshal(b, &v) == nil && v.B64 != nil {
			*t = text(clip(string(v.B64)))
		} else {
			*t = text(clip(string(b)))
		}
	case string(b) != "null":
		*t = text(clip(string(b)))
	}
	return nil
}

// texts is a list of them, or one.
type texts []text

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	var list []text
	if len(b) > 0 && b[0] == '[' && json.Unmarshal(b, &list) == nil {
		*t = list
		return nil
	}
	var one text
	_ = one.UnmarshalJSON(b)
	if one != "" {
		*t = texts{one}
	}
	return nil
}

// join writes a list as a command line: words with blanks in quotes.
func (t texts) join() string {
	var b strings.Builder
	for i, w := range t {
		if i > 0 {
			b.WriteByte(' ')
		}
		if s := string(w); s == "" || strings.ContainsAny(s, " \t\"") {
			b.WriteString(strconv.Quote(s))
		} else {
			b.WriteString(s)
		}
		if b.Len() > maxText {
			break
		}
	}
	return clip(b.String())
}

func (t texts) comma() string {
	list := make([]string, 0, len(t))
	for _, s := range t[:min(len(t), 64)] {
		list = append(list, string(s))
	}
	return clip(strings.Join(list, ", "))
}

// number is a whole number, also one in quotes.
type number struct {
	n  int64
	ok bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	s := string(bytes.Trim(b, `"`))
	if len(s) > 32 {
		return nil
	}
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		n.n, n.ok = v, true
	} else if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		n.n, n.ok = int64(u), true // inode numbers and such, which are only compared
	}
	return nil
}

// flag is true or it is not.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	*f = string(b) == "true"
	return nil
}

// decode reads a row into a struct of these types. That a field is of another kind
// (an object where a list should be) leaves it out and is no error.
func decode(b []byte, to any) bool {
	err := json.Unmarshal(b, to)
	if _, wrongType := err.(*json.UnmarshalTypeError); wrongType {
		return true
	}
	return err == nil
}

func clip(s string) string {
	if len(s) > maxText {
		return strings.Clone(s[:maxText]) + "…"
	}
	return s
}

func index(b []byte) int { return bytes.IndexByte(b, '\n') }

// When reads a time of a row; the zero time for anything else.
func When(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}
