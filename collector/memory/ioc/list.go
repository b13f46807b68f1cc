package ioc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const (
	// MaxList is how many bytes a list may have.
	MaxList       = 64 << 20
	maxIndicators = 1 << 20 // of one list
	maxBad        = 10_000  // lines that are named; the others are counted
	maxBadText    = 200     // bytes of a line that is named
	maxLine       = 16 << 10
)

// Parse reads a list: CSV if its first line is a header with a column for the
// type and one for the value, else one indicator a line. Empty lines and those
// that begin with # are passed over. What is not understood is in Bad; it is an
// error only if nothing is left.
//
// The indicators' List is n.
func Parse(file string, raw []byte, n int) (*List, error) {
	l := &List{File: file, Raw: raw}
	switch {
	case len(raw) > MaxList:
		return nil, fmt.Errorf("%s: more than %d bytes", file, MaxList)
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		return nil, fmt.Errorf("%s: it is in UTF-16: save it as UTF-8", file)
	}
	p := &parser{list: l, n: n, seen: map[string]bool{}}
	p.lines(string(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	if len(l.Indicators) == 0 {
		if len(l.Bad) > 0 {
			return nil, fmt.Errorf("%s: no line of it can be used; line %d: %s", file, l.Bad[0].Line, l.Bad[0].Reason)
		}
		return nil, fmt.Errorf("%s: no indicator in it", file)
	}
	return l, nil
}

// A parser fills one list.
type parser struct {
	list *List
	n    int
	seen map[string]bool // kind and value of what is in the list already
	csv  *columns        // nil: plain text
}

func (p *parser) lines(text string) {
	number, first := 0, true
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		number++
		line = strings.TrimSuffix(line, "\r")
		if blank := strings.TrimSpace(line); blank == "" || blank[0] == '#' {
			continue
		}
		if len(line) > maxLine {
			p.bad(number, line, fmt.Errorf("longer than %d bytes", maxLine))
			continue
		}
		if first {
			if p.csv, first = header(line), false; p.csv != nil {
				continue
			}
		}
		if p.csv == nil {
			p.plain(number, line)
			continue
		}
		joined, used := joinQuoted(line, text)
		p.record(number, joined)
		for range used {
			_, text, _ = strings.Cut(text, "\n")
			number++
		}
	}
}

// plain takes one line. A comment may follow the indicator after a space and #,
// where the indicator is not a text.
func (p *parser) plain(number int, line string) {
	text := strings.TrimSpace(line)
	name, _, _ := strings.Cut(text, ":")
	if kind := kindNamed(name); kind == Text || kind == UTF16 {
		text = strings.TrimLeft(line, " \t")
	} else if i := strings.Index(text, " #"); i > 0 {
		text = strings.TrimSpace(text[:i])
	}
	found, err := recognise(text)
	p.add(number, line, found, err)
}

func (p *parser) add(number int, line string, found []Indicator, err error) {
	if err == nil && len(p.list.Indicators)+len(found) > maxIndicators {
		err = fmt.Errorf("more than %d indicators in one list", maxIndicators)
	}
	if err != nil {
		p.bad(number, line, err)
		return
	}
	for _, in := range found {
		key := string(in.Kind) + " " + in.Value
		if p.seen[key] {
			continue // the same again: the first line stands for it
		}
		p.seen[key] = true
		in.List, in.Line = p.n, number
		p.list.Indicators = append(p.list.Indicators, in)
	}
}

func (p *parser) bad(number int, line string, why error) {
	if len(p.list.Bad) >= maxBad {
		p.list.BadMore++
		return
	}
	p.list.Bad = append(p.list.Bad, BadLine{Line: number, Text: strings.Clone(line[:min(len(line), maxBadText)]), Reason: why.Error()})
}

var errEmpty = errors.New("no value")
