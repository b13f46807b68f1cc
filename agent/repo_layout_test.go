package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// topLevel are the visible names at the top of the module: these and no other.
func topLevel() []string {
	return []string{"agent", "collector", "packager", "service", "testdata", "go.mod", "go.sum", "README.md", "LICENSE"}
}

func TestTopLevelNames(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, bad := range strangers(names) {
		t.Errorf("%s: not one of %v", bad, topLevel())
	}
}

// strangers are visible names that do not belong at the top; what the command
// itself writes there is not of the house.
func strangers(names []string) (bad []string) {
	for _, n := range names {
		if strings.HasPrefix(n, ".") || slices.Contains(topLevel(), n) || n == "hozen" || n == "hozen.exe" ||
			regexp.MustCompile(`\.(tar\.zst|tar\.zst\.partial|custody\.jsonl)$`).MatchString(n) {
			continue
		}
		bad = append(bad, n)
	}
	return bad
}

// TestReadmeCommandsAreRun holds every command line of README to a script: what
// is shown to people is what is tested.
func TestReadmeCommandsAreRun(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if os.IsNotExist(err) {
		t.Skip("there is no README.md yet")
	}
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(filepath.Join("..", "testdata", "scripts", "*.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var tested strings.Builder
	for _, s := range scripts {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		tested.Write(b)
	}
	for _, c := range untested(string(readme), tested.String()) {
		t.Errorf("README says %q: no script runs it", c)
	}
}

// untested gives the uses of the command in a text (command and flags, without
// their values) that no script has.
func untested(readme, scripts string) (out []string) {
	known := map[string]bool{}
	use := regexp.MustCompile(`(?:go run \./agent|hozen) ([a-z]+)([^\n|>&;` + "`" + `]*)`)
	flag := regexp.MustCompile(`--[a-z][a-z-]*`)
	for line := range strings.Lines(scripts) {
		for _, m := range use.FindAllStringSubmatch(line, -1) {
			known[m[1]] = true
			for _, f := range flag.FindAllString(m[2], -1) {
				known[m[1]+" "+f] = true
			}
		}
	}
	for _, block := range regexp.MustCompile("(?s)```[a-z]*\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		for line := range strings.Lines(block[1]) {
			m := use.FindStringSubmatch(line)
			if m == nil || !regexp.MustCompile(`^(\$ |# )?(sudo )?(go run \./agent|(\./)?hozen) `).MatchString(line) {
				continue
			}
			for _, f := range append([]string{""}, flag.FindAllString(m[2], -1)...) {
				if c := strings.TrimSpace(m[1] + " " + f); !known[c] && !slices.Contains(out, c) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// TestHouseRulesFire breaks each rule once.
func TestHouseRulesFire(t *testing.T) {
	const doc = "// Package x is one.\npackage x\n\n"
	for _, c := range []struct{ rule, path, text string }{
		{"packages have a comment", "x/x.go", "package x\n"},
		{"package comments name files that are there", "x/x.go", "// Package x is one: x.go begins it, y.go ends it.\npackage x\n"},
		{"exported names have a comment", "x/x.go", doc + "func F() {}\n"},
		{"exported names have a comment", "x/x.go", doc + "// T is one.\ntype T int\n\nfunc (t T) M() {}\n"},
		{"exported names have a comment", "x/x.go", doc + "type T int\n"},
		{"exported names have a comment", "x/x.go", doc + "const C = 1\n"},
		{"files have at most 500 lines", "x/x.go", doc + strings.Repeat("\n", 500)},
		{"no init", "x/x.go", doc + "func init() {}\n"},
		{"no package variable is changed", "x/x.go", doc + "var v = 1\n\nfunc f() { v = 2 }\n"},
		{"no package variable is changed", "x/x.go", doc + "var v = 1\n\nfunc f() { v++ }\n"},
		{"no package variable is changed", "x/x.go", doc + "var v = map[int]int{}\n\nfunc f() { v[1] = 2 }\n"},
		{"no package variable is changed", "x/x.go", doc + "var v = []int{1}\n\nfunc f() *int { return &v[0] }\n"},
		{"no package variable is changed", "x/x.go", doc + "var v int\n"},
		{"no package variable is changed", "x/x.go", doc + "var v = make(map[int]int)\n"},
		{"no package variable is changed", "x/x.go", doc + "import \"sync\"\n\nvar mu sync.Mutex\n"},
		{"no program is started", "collector/x.go", doc + "import _ \"os/exec\"\n"},
		{"no program is started", "agent/x.go", doc + "import \"os\"\n\nvar f = os.StartProcess\n"},
		{"os.Exit only in main", "agent/x.go", doc + "import \"os\"\n\nfunc f() { os.Exit(1) }\n"},
		{"os.Exit only in main", "packager/x.go", doc + "import \"log\"\n\nfunc f() { log.Fatal(1) }\n"},
		{"nothing under collector and packager prints", "packager/x.go", doc + "import \"fmt\"\n\nfunc f() { fmt.Println() }\n"},
		{"nothing under collector and packager prints", "collector/x.go", doc + "import \"os\"\n\nvar w = os.Stderr\n"},
		{"no package is called util", "collector/util/x.go", doc},
		{"no package is called util", "x/x.go", "// Package helpers is one.\npackage helpers\n"},
		{"nothing is left to do", "x/x.go", doc + "// TO" + "DO: more\n"},
		{"imports keep to their side", "packager/x.go", doc + "import _ \"hozen/collector\"\n"},
		{"imports keep to their side", "packager/x.go", doc + "import _ \"net/http\"\n"},
		{"imports keep to their side", "collector/volatile/x.go", doc + "import _ \"hozen/packager\"\n"},
		{"imports keep to their side", "collector/x.go", doc + "import _ \"hozen/service\"\n"},
		{"imports keep to their side", "agent/x.go", doc + "import _ \"hozen/service/hub\"\n"},
		{"imports keep to their side", "packager/evidence/x.go", doc + "import _ \"golang.org/x/sys/unix\"\n"},
	} {
		s, err := parseSource(c.path, c.text)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rules(), func(r rule) bool { return r.name == c.rule })
		if i < 0 || len(rules()[i].check([]*source{s})) != 1 {
			t.Errorf("%s: not found once in %q", c.rule, c.text)
		}
	}
	good, err := parseSource("collector/x.go", doc+"import (\n\t\"errors\"\n\t\"hozen/packager/evidence\"\n)\n\n// ErrX is one.\nvar ErrX = errors.New(\"x\")\n\n// F is one.\nfunc F(v int) evidence.Outcome { v = 2; ErrX := v; ErrX++; return 0 }\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules() {
		for _, bad := range r.check([]*source{good}) {
			t.Errorf("%s: fires on what is right: %s", r.name, bad)
		}
	}
	if got := strangers([]string{"agent", ".git", "util", "a.tar.zst"}); !slices.Equal(got, []string{"util"}) {
		t.Errorf("strangers: %v", got)
	}
	if got := untested("```\ngo run ./agent collect --fast\nhozen fly\n```\n", "exec hozen collect --slow\n"); !slices.Equal(got, []string{"collect --fast", "fly"}) {
		t.Errorf("untested: %v", got)
	}
}
