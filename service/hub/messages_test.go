package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// TestHelpAndErrorsAreInTheLanguage: what cobra says of its own, too.
func TestHelpAndErrorsAreInTheLanguage(t *testing.T) {
	for _, c := range []struct {
		lang language
		args []string
		want []string
	}{
		{0, []string{"--help"}, []string{"Usage:\n", "Available Commands:\n", "(default \"hozen-hub\")", "say what a command does"}},
		{1, []string{"--help"}, []string{"使い方:\n", "コマンド:\n", "指定:\n", "(既定: \"hozen-hub\")", "コマンドの説明を表示する", "`hub [command] --help` で"}},
		{1, []string{"fly"}, []string{`エラー: "hub" に命令 "fly" はありません`}},
		{1, []string{"user", "add"}, []string{"エラー: 引数は 1 個必要です（0 個でした）"}},
	} {
		var out bytes.Buffer
		a := &app{out: &out, err: &out, in: strings.NewReader(""), lang: c.lang}
		a.run(t.Context(), c.args)
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: no %q in\n%s", c.args, want, out.String())
			}
		}
	}
}
