package artifact

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func globOf(pattern string, folded bool) *glob {
	text := chars(pattern)
	return newGlob(text, make([]bool, len(text)), folded)
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		folded, want  bool
	}{
		{"*", "", false, true},
		{"*", ".hidden", false, true},
		{"?", "ä", false, true},
		{"?", "\xff", false, true},
		{"?", "\xff\xfe", false, false},
		{"a?c", "abc", false, true},
		{"*.log", "x.log", false, true},
		{"*.log", "x.log\n", false, false},
		{"*\n*", "a\nb", false, true},
		{"syslog*", "syslog.1", false, true},
		{"[a-c]x", "bx", false, true},
		{"[a-c]x", "dx", false, false},
		{"[!a-c]x", "dx", false, true},
		{"[^a-c]x", "bx", false, false},
		{"[]a]", "]", false, true},
		{"[a-]", "-", false, true},
		{"[a", "[a", false, true},
		{"[]", "[]", false, true},
		{"[*]", "*", false, true},
		{"[*]", "x", false, false},
		{"NTUSER.DAT", "ntuser.dat", true, true},
		{"NTUSER.DAT", "ntuser.dat", false, false},
		{"[A-Z]x", "Qx", true, true},
		{"[A-Z]x", "qx", true, true},
		{"Ärger", "äRGER", true, true},
		{"\u212a\u01c5", "k\u01c4", true, true},
		{"\xff*", "\xffx", true, true},
		{"\xff*", "\xfex", true, false},
		{"\ufffd", "\xff", false, false}, // a byte is not the sign that stands for bad bytes
		{"a*b*c", "aXbYc", false, true},
		{"a*b*c", "aXbY", false, false},
	} {
		if got := globOf(c.pattern, c.folded).match(c.name); got != c.want {
			t.Errorf("%q matches %q (folded %v): %v", c.pattern, c.name, c.folded, got)
		}
	}
}

// A value of a variable stands for itself, whatever is in it.
func TestQuotedGlobs(t *testing.T) {
	p := compile(File, "", Linux, []piece{{"/home/", false}, {"[a-z]*?", true}, {"*", false}})
	g := p.parts[1].glob
	for name, want := range map[string]bool{"[a-z]*?": true, "[a-z]*?x": true, "bxx": false} {
		if g.match(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	p = compile(File, "", Linux, []piece{{"/home/", false}, {"**", true}})
	if len(p.parts) != 2 || p.parts[1].literal != "**" {
		t.Errorf("a user named ** became %+v", p.parts)
	}
}

// slowMatch is the obvious way: every way that a star can be taken is tried.
func slowMatch(pattern, name string, folded bool) bool {
	p, n := []rune(pattern), []rune(name)
	if len(p) == 0 {
		return len(n) == 0
	}
	if p[0] == '*' {
		return slowMatch(string(p[1:]), name, folded) || len(n) > 0 && slowMatch(pattern, string(n[1:]), folded)
	}
	if len(n) == 0 {
		return false
	}
	width, in := 1, p[0] == '?' || slowSame(p[0], n[0], folded)
	if p[0] == '[' {
		if w, i, ok := slowClass(p, n[0], folded); ok {
			width, in = w, i
		}
	}
	return in && slowMatch(string(p[width:]), string(n[1:]), folded)
}

func slowSame(a, b rune, folded bool) bool {
	return a == b || folded && strings.EqualFold(string(a), string(b))
}

// slowClass reads a class by cutting strings, and tries each of its characters.
func slowClass(p []rune, c rune, folded bool) (width int, in, ok bool) {
	body := string(p[1:])
	negation := ""
	if strings.HasPrefix(body, "!") || strings.HasPrefix(body, "^") {
		negation, body = body[:1], body[1:]
	}
	if body == "" {
		return 0, false, false
	}
	first := []rune(body)[0]
	inner, _, found := strings.Cut(body[len(string(first)):], "]")
	if !found {
		return 0, false, false
	}
	set := append([]rune{first}, []rune(inner)...)
	options := []rune{c}
	if folded {
		options = append(options, unicode.ToLower(c), unicode.ToUpper(c))
	}
	for i := 0; i < len(set); i++ {
		from, to := set[i], set[i]
		if i+2 < len(set) && set[i+1] == '-' {
			to = set[i+2]
			i += 2
		}
		for _, o := range options {
			in = in || from <= o && o <= to
		}
	}
	return 2 + len(negation) + len(set), in != (negation != ""), true
}

func FuzzGlob(f *testing.F) {
	for _, s := range []string{"*", "a*b?c", "[a-z]*", "[!]x]", "[]-a]", "[^", "**a**b", "[a-", "Ä*ß", "[A-Z][0-9]"} {
		f.Add(s, "abc", true)
		f.Add(s, "ÄxSS", false)
		f.Add(s, "[a-", false)
	}
	f.Fuzz(func(t *testing.T, pattern, name string, folded bool) {
		// The slow way is for few characters, and for text.
		if len(pattern) > 12 || len(name) > 12 || !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			globOf(pattern, folded).match(name)
			return
		}
		if got, want := globOf(pattern, folded).match(name), slowMatch(pattern, name, folded); got != want {
			t.Errorf("%q matches %q (folded %v): %v, but %v the slow way", pattern, name, folded, got, want)
		}
	})
}

func BenchmarkHostileGlob(b *testing.B) {
	g, name := globOf(strings.Repeat("*a", 64)+"b", false), strings.Repeat("a", 255)
	for b.Loop() {
		g.match(name)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Microsecond), "µs/name")
}
