package main

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSelfTestIsTheTable: what --self-test asks on Windows is what testdata/README.md lists
// under "What Wine cannot show", and the other way round.
func TestSelfTestIsTheTable(t *testing.T) {
	b, err := os.ReadFile("../testdata/README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed, bad := tableProbes(string(b))
	var asked []string
	for _, s := range readModule(t) {
		if strings.HasPrefix(s.path, "agent/selftest") && strings.HasSuffix(s.path, "_windows.go") {
			asked = append(asked, probesIn(t, s)...)
		}
	}
	if len(asked) < 60 || len(listed) < len(asked) {
		t.Fatalf("%d probes, %d lines of the table", len(asked), len(listed))
	}
	for _, p := range bad {
		t.Errorf("neither a probe nor \"by eye: …\": %s", p)
	}
	for _, p := range asked {
		if !slices.Contains(listed, p) {
			t.Errorf("probe %q is not in the table", p)
		}
	}
	for _, p := range listed {
		if !slices.Contains(asked, p) {
			t.Errorf("the table's probe %q is none of --self-test", p)
		}
	}
	slices.Sort(asked)
	if n := len(slices.Compact(slices.Clone(asked))); n != len(asked) {
		t.Errorf("%d probes have only %d names", len(asked), n)
	}
}

// tableProbes gives the probes ("collector: name", in backticks) of the table's last
// column, and the lines that have neither one nor a way to look.
func tableProbes(text string) (probes, bad []string) {
	_, rest, _ := strings.Cut(text, "\n## What Wine cannot show\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	name := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "|") || len(cells) != 5 || strings.HasPrefix(line, "| Part |") {
			if strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "|---") && !strings.HasPrefix(line, "| Part |") {
				bad = append(bad, line)
			}
			continue
		}
		last := cells[4]
		found := name.FindAllStringSubmatch(last, -1)
		if len(found) == 0 && !strings.Contains(last, "by eye: ") {
			bad = append(bad, line)
		}
		before, _, _ := strings.Cut(last, "by eye: ")
		for _, m := range name.FindAllStringSubmatch(before, -1) {
			probes = append(probes, m[1])
		}
	}
	return probes, bad
}

// probesIn gives what asking is called with.
func probesIn(t *testing.T, s *source) (out []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := c.Fun.(*ast.Ident); !ok || f.Name != "asking" {
			return true
		}
		var words []string
		for _, a := range c.Args[:3] {
			l, ok := a.(*ast.BasicLit)
			if !ok {
				t.Error(s.at(a, "asking wants texts, which can be read here"))
				return true
			}
			word, err := strconv.Unquote(l.Value)
			if err != nil || word == "" {
				t.Error(s.at(a, "%q, %v", word, err))
			}
			words = append(words, word)
		}
		out = append(out, words[0]+": "+words[1])
		return true
	})
	return out
}

// TestTableProbes: the table is read as it is meant.
func TestTableProbes(t *testing.T) {
	const text = "x\n\n## What Wine cannot show\n\n| Part | Windows call | gives | instead | probe |\n|---|---|---|---|---|\n" +
		"| a | b | c | d | `disk: $MFT`, `disk: x` |\n| a | b | c | d | by eye: run `x` |\n| a | b | c | d | nothing |\n| a | b |\n\n## Next\n| a | b | c | d | `no: no` |\n"
	probes, bad := tableProbes(text)
	if !slices.Equal(probes, []string{"disk: $MFT", "disk: x"}) || len(bad) != 2 {
		t.Errorf("%q, %q", probes, bad)
	}
}
