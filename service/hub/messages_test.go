package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

func TestMessagesAreInBothLanguages(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "messages.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	verbs := regexp.MustCompile(`%(\[\d\])?[a-z]`)
	japanese := regexp.MustCompile(`\p{Han}|\p{Hiragana}|\p{Katakana}`)
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		lit, ok := node.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 2 {
			return true
		}
		var m message
		for i, e := range lit.Elts {
			m[i], err = strconv.Unquote(e.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
		}
		n++
		if !slices.Equal(verbs.FindAllString(m[0], -1), verbs.FindAllString(m[1], -1)) {
			t.Errorf("arguments differ: %q %q", m[0], m[1])
		}
		if japanese.MatchString(m[0]) || !japanese.MatchString(m[1]) {
			t.Errorf("not in both languages: %q %q", m[0], m[1])
		}
		return true
	})
	if n < 40 {
		t.Errorf("only %d messages", n)
	}
}

func TestLanguageOf(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want language
	}{
		{nil, 0}, {map[string]string{"LANG": "ja_JP.UTF-8"}, 1}, {map[string]string{"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, 0}, {map[string]string{"LC_ALL": "ja"}, 1},
	} {
		if got := languageOf(func(n string) string { return c.env[n] }); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}
