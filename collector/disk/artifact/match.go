package artifact

import (
	"unicode"
	"unicode/utf8"
)

// A char is one character of a name or pattern: a rune, or, for a byte that is not
// UTF-8, notUTF8 plus that byte. So no byte of a name is mistaken for another.
type char int32

const notUTF8 char = utf8.MaxRune + 1

// next takes the first character of a name that is not empty.
func next(s string) (char, string) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return notUTF8 + char(s[0]), s[1:]
	}
	return char(r), s[n:]
}

func chars(s string) (all []char) {
	for s != "" {
		var c char
		c, s = next(s)
		all = append(all, c)
	}
	return all
}

// fold gives the same for characters that differ in case only, one by one
// (unicode.SimpleFold), as the file systems of Windows do. Their table of capitals
// is not quite Unicode's: of no account for the names that definitions have.
func fold(c char) char {
	if c >= utf8.RuneSelf && c < notUTF8 {
		r := rune(c)
		next := unicode.SimpleFold(r)
		for ; next > r; next = unicode.SimpleFold(r) {
			r = next
		}
		c = char(next) // the first of those that are the same but for case
	}
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// A token of a pattern takes one character of a name, or, if it is a star, any number.
type token struct {
	kind   tokenKind
	char   char      // of a one
	not    bool      // of a class: all but these
	ranges [][2]char // of a class: from and to, both included
}

type tokenKind uint8

const (
	one   tokenKind = iota // this very character
	any1                   // any one character: ?
	class                  // one of a class: [a-z]
	star                   // any number of characters: *
)

// A glob is what one component of a path must look like. Nothing in it crosses a
// separator, because it is only ever held against one component.
type glob struct {
	tokens []token
	folded bool // case does not matter
}

// match says whether a name is of the glob's form. It goes back to the last star
// only, which is enough for globs, so that no name costs more than its length
// times that of the glob.
func (g *glob) match(name string) bool {
	t, starAt, rest := 0, -1, ""
	for name != "" {
		if t < len(g.tokens) && g.tokens[t].kind == star {
			starAt, rest = t, name
			t++
			continue
		}
		c, after := next(name)
		if t < len(g.tokens) && g.tokens[t].takes(c, g.folded) {
			t, name = t+1, after
			continue
		}
		if starAt < 0 {
			return false
		}
		_, rest = next(rest)
		t, name = starAt+1, rest
	}
	for t < len(g.tokens) && g.tokens[t].kind == star {
		t++
	}
	return t == len(g.tokens)
}

func (t *token) takes(c char, folded bool) bool {
	switch t.kind {
	case one:
		return c == t.char || folded && fold(c) == fold(t.char)
	case any1:
		return true
	case class:
		in := t.within(c)
		if !in && folded && c < notUTF8 {
			in = t.within(char(unicode.ToLower(rune(c)))) || t.within(char(unicode.ToUpper(rune(c))))
		}
		return in != t.not
	}
	return false
}

func (t *token) within(c char) bool {
	for _, r := range t.ranges {
		if r[0] <= c && c <= r[1] {
			return true
		}
	}
	return false
}

// newGlob reads the globs of one component: * ? [a-z] [!a-z]. quoted[i] says that
// text[i] stands for itself, because it came from a variable.
func newGlob(text []char, quoted []bool, folded bool) *glob {
	g := &glob{folded: folded}
	for i := 0; i < len(text); i++ {
		t := token{char: text[i]}
		if !quoted[i] {
			switch text[i] {
			case '*':
				t.kind = star
			case '?':
				t.kind = any1
			case '[':
				if n := t.readClass(text[i:], quoted[i:]); n > 0 {
					i += n - 1
				}
			}
		}
		if n := len(g.tokens); t.kind == star && n > 0 && g.tokens[n-1].kind == star {
			continue
		}
		g.tokens = append(g.tokens, t)
	}
	return g
}

// readClass reads "[…]" and gives how many characters it has; 0 if it does not end,
// and the bracket stands for itself.
func (t *token) readClass(text []char, quoted []bool) int {
	end := 1
	not := end < len(text) && (text[end] == '!' || text[end] == '^')
	if not {
		end++
	}
	first := end
	for end < len(text) && (text[end] != ']' || end == first) {
		if quoted[end] {
			return 0
		}
		end++
	}
	if end >= len(text) || quoted[end] {
		return 0
	}
	t.kind, t.not = class, not
	for i := first; i < end; i++ {
		r := [2]char{text[i], text[i]}
		if i+2 < end && text[i+1] == '-' {
			r[1] = text[i+2]
			i += 2
		}
		t.ranges = append(t.ranges, r)
	}
	return end + 1
}
