package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// verbs gives the verbs of a format in the order of their arguments: "s", "d".
func verbs(format string) []string {
	byArgument := map[int]string{}
	next := 1
	for _, m := range regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0]*[\d.]*([a-zA-Z%])`).FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		byArgument[next] = m[2]
		next++
	}
	out := make([]string, len(byArgument))
	for i := range out {
		out[i] = byArgument[i+1]
	}
	return out
}

// messages reads all messages out of the source: each is a variable that is made by
// message{English, Japanese}.
func messages(t *testing.T) map[string]message {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]message{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.ValueSpec); ok && len(s.Values) == 1 {
				if m, ok := messageOf(t, s.Values[0]); ok {
					all[s.Names[0].Name] = m
				}
			}
			return true
		})
	}
	if len(all) < 200 {
		t.Fatalf("only %d messages found", len(all))
	}
	return all
}

// messageOf reads message{"…", "…"}.
func messageOf(t *testing.T, e ast.Expr) (m message, ok bool) {
	lit, _ := e.(*ast.CompositeLit)
	if lit == nil {
		return m, false
	}
	if id, _ := lit.Type.(*ast.Ident); id == nil || id.Name != "message" {
		return m, false
	}
	for i, text := range lit.Elts {
		b, isText := text.(*ast.BasicLit)
		if !isText || i > 1 {
			t.Fatalf("a message is not made of two texts: %v", lit.Elts)
		}
		s, err := strconv.Unquote(b.Value)
		if err != nil {
			t.Fatal(err)
		}
		m[i] = s
	}
	return m, true
}

func TestEveryMessageIsSaidInBothLanguages(t *testing.T) {
	for name, m := range messages(t) {
		for _, wrong := range faults(m) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
}

// faults says what is wrong with a message.
func faults(s message) (out []string) {
	en, ja := s[english], s[japanese]
	if en == "" || ja == "" {
		return []string{"not in both languages"}
	}
	if !slices.Equal(verbs(en), verbs(ja)) {
		out = append(out, "arguments differ: "+strings.Join(verbs(en), " ")+" / "+strings.Join(verbs(ja), " "))
	}
	if strings.IndexFunc(en, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }) >= 0 {
		out = append(out, "Japanese in the English text")
	}
	if letters := strings.IndexFunc(ja, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }); letters < 0 && en == ja && len(regexp.MustCompile(`[a-z]{5}`).FindString(regexp.MustCompile(`%\S+`).ReplaceAllString(en, ""))) > 0 {
		out = append(out, "not translated")
	}
	return out
}

func TestFaultsOfMessagesAreFound(t *testing.T) {
	for _, s := range []message{
		{"only English", ""}, {"%d of %s", "%s のうち %d"}, {"%d items", "項目"}, {"日本語", "日本語"}, {"untranslated", "untranslated"},
	} {
		if len(faults(s)) == 0 {
			t.Errorf("%q: passes", s)
		}
	}
	if f := faults(message{"%d of %s", "%[2]s のうち %[1]d"}); len(f) > 0 {
		t.Errorf("numbered arguments: %v", f)
	}
}

// TestMessagesGetTheirArguments reads every call of text and say, because
// nobody else checks that a message gets as many arguments as it asks for.
func TestMessagesGetTheirArguments(t *testing.T) {
	all := messages(t)
	used := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				if _, defined := messageOf(t, v.Values[0]); defined {
					return false
				}
			}
			if id, ok := n.(*ast.Ident); ok {
				used[id.Name] = true
			}
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) == 0 || !calledText(c) {
				return true
			}
			id, ok := c.Args[0].(*ast.Ident)
			if m, known := all[idName(id)]; ok && known && !c.Ellipsis.IsValid() {
				calls++
				if want := len(verbs(m[english])); want != len(c.Args)-1 {
					t.Errorf("%s: %s wants %d arguments, gets %d", name, id.Name, want, len(c.Args)-1)
				}
			}
			return true
		})
	}
	if calls < 100 {
		t.Errorf("only %d calls were seen", calls)
	}
	for n := range all {
		if !used[n] {
			t.Errorf("%s: said nowhere", n)
		}
	}
}

func idName(id *ast.Ident) string {
	if id == nil {
		return ""
	}
	return id.Name
}

func calledText(c *ast.CallExpr) bool {
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name == "text"
	case *ast.Ident:
		return f.Name == "say"
	}
	return false
}

func TestEveryCollectorIsDescribedInJapanese(t *testing.T) {
	for _, c := range collectors(request{}) {
		if doc, ok := docsJapanese(c.Name); !ok || doc == "" {
			t.Errorf("%s: no Japanese description", c.Name)
		}
	}
}

func TestChooseLanguage(t *testing.T) {
	for _, c := range []struct {
		args   []string
		env    map[string]string
		system string
		want   language
	}{
		{nil, nil, "", english},
		{nil, nil, "ja-JP", japanese},
		{nil, nil, "en-US", english},
		{nil, map[string]string{"LANG": "C"}, "ja-JP", english},
		{[]string{"--lang", "en"}, nil, "ja-JP", english},
		{nil, map[string]string{"LANG": "ja_JP.UTF-8"}, "", japanese},
		{nil, map[string]string{"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "", english},
		{nil, map[string]string{"LANG": "C", "LC_MESSAGES": "ja_JP"}, "", japanese},
		{nil, map[string]string{"LANG": "jam_JM"}, "", english},
		{[]string{"collect", "--lang", "ja"}, nil, "", japanese},
		{[]string{"collect", "--lang=en"}, map[string]string{"LANG": "ja_JP"}, "", english},
		{[]string{"collect", "--", "--lang=ja"}, nil, "", english},
	} {
		if got := chooseLanguage(c.args, func(n string) string { return c.env[n] }, func() string { return c.system }); got != c.want {
			t.Errorf("%v %v: %v, want %v", c.args, c.env, got, c.want)
		}
	}
}
