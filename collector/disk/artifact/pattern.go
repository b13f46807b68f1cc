package artifact

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"hozen/packager/evidence"
)

// A Pattern is one thing to look for on one host: a path without variables.
type Pattern struct {
	// Text is the path with the values of its variables and with / between components,
	// for people. For a command, a query or a key without a file, what the definition names.
	Text string
	Type Type
	// Err, if not nil, says why it cannot be looked for: a variable without a value
	// on this host, a command. Find returns it.
	Err   error
	parts []part
}

const (
	maxPattern   = 32 << 10 // bytes of a path, its variables' values included
	defaultDepth = 3        // of ** without a number
	maxRecursion = 32       // of **N; Parse refuses more
)

// A part is one component of a pattern.
type part struct {
	literal string // the name, if no globs are in it
	colon   int    // where in the glob a stream's name begins, behind the colon; 0 if none is meant
	glob    *glob  // else its form; for systems where case does not matter, always
	depth   int    // of **N: how many directories deep; 0 for all others
}

// A piece is text of a definition, or a variable's value in the midst of it.
type piece struct {
	text  string
	value bool // stands for itself: no globs, only / separates
}

// compile makes a pattern of pieces. Besides the source's separator, / always
// separates, because no name can hold it; and so does \ on Windows.
func compile(kind Type, separator string, system System, pieces []piece) Pattern {
	p := Pattern{Type: kind}
	backslash := separator == `\` || system == Windows
	var text []char
	var quoted []bool
	end := func() {
		if p.Err == nil {
			p.add(text, quoted, system)
		}
		text, quoted = text[:0], quoted[:0]
	}
	var shown strings.Builder
	for _, piece := range pieces {
		shown.WriteString(piece.text)
		if shown.Len() > maxPattern {
			return Pattern{Type: kind, Text: clip(shown.String()), Err: evidence.Skip("longer than %d bytes", maxPattern)}
		}
		for _, c := range chars(piece.text) {
			if c == '/' || c == '\\' && backslash && !piece.value {
				end()
				continue
			}
			text, quoted = append(text, c), append(quoted, piece.value)
		}
	}
	end()
	p.Text = shown.String()
	if backslash {
		p.Text = slashed(pieces)
	}
	if p.Err == nil && system != Windows && !strings.HasPrefix(p.Text, "/") {
		p.Err = evidence.Skip("not an absolute path")
	}
	return p
}

func slashed(pieces []piece) string {
	var b strings.Builder
	for _, piece := range pieces {
		if !piece.value {
			piece.text = strings.ReplaceAll(piece.text, `\`, "/")
		}
		b.WriteString(piece.text)
	}
	return b.String()
}

// add takes one component into the pattern.
func (p *Pattern) add(text []char, quoted []bool, system System) {
	s := unquoted(text)
	switch {
	case s == "" || s == ".":
		return
	case s == "..":
		p.Err = evidence.Skip("a path with .. in it is not followed")
		return
	case system == Windows && len(p.parts) == 0 && len(s) == 2 && s[1] == ':' && !quoted[0]:
		if s[0] != 'c' && s[0] != 'C' {
			p.Err = evidence.Skip("drive %s is another volume than that of the system", s)
		}
		return
	}
	if depth, ok := recursion(s); ok && !quoted[0] {
		p.parts = append(p.parts, part{depth: min(depth, maxRecursion)})
		return
	}
	g := newGlob(text, quoted, system == Windows)
	if literal(g) {
		if system != Windows {
			g = nil
		}
		p.parts = append(p.parts, part{literal: s, glob: g})
		return
	}
	p.parts = append(p.parts, part{glob: g, colon: g.colon()})
}

// colon says behind which token the name of a stream begins, as of "*:Zone.Identifier".
func (g *glob) colon() int {
	for i := range g.tokens {
		if t := &g.tokens[i]; t.kind == one && t.char == ':' {
			return i + 1
		}
	}
	return 0
}

func literal(g *glob) bool {
	for i := range g.tokens {
		if g.tokens[i].kind != one {
			return false
		}
	}
	return true
}

// unquoted gives the bytes that characters were made of.
func unquoted(text []char) string {
	var b strings.Builder
	for _, c := range text {
		if c >= notUTF8 {
			b.WriteByte(byte(c - notUTF8))
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// recursion reads "**" and "**N".
func recursion(s string) (depth int, ok bool) {
	digits, ok := strings.CutPrefix(s, "**")
	if !ok || digits == "" {
		return defaultDepth, ok
	}
	n, err := strconv.Atoi(digits)
	if errors.Is(err, strconv.ErrRange) {
		n, err = math.MaxInt, nil
	}
	if err != nil || n < 1 || digits[0] < '0' || digits[0] > '9' {
		return 0, false
	}
	return n, true
}
