package onwindows

import (
	"bufio"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
)

// A schemaRow is a row of a table in SCHEMA.md.
type schemaRow struct {
	table, goType, file string
	kinds               []string
}

func readSchema(t *testing.T) (rows []schemaRow) {
	t.Helper()
	f, err := os.Open("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := ""
	for sc := bufio.NewScanner(f); sc.Scan(); {
		cells := strings.Split(sc.Text(), " | ")
		if len(cells) != 4 || strings.HasPrefix(cells[0], "| table") {
			continue
		}
		if name := strings.Trim(cells[0], "|` "); name != "" {
			table = "volatile/" + name
		}
		r := schemaRow{table: table, goType: cells[2], file: strings.TrimSuffix(cells[3], " |")}
		if cells[1] != "-" {
			r.kinds = strings.Fields(cells[1])
		}
		rows = append(rows, r)
	}
	return rows
}

// documentedTypes gives the file of every exported struct with a comment, of package
// volatile, too, whose rows are the same on Windows ("volatile.ToolRow").
func documentedTypes(t *testing.T) map[string]string {
	t.Helper()
	here, _ := filepath.Glob("*.go")
	above, _ := filepath.Glob("../*.go")
	beside, _ := filepath.Glob("../winsys/*.go")
	out := map[string]string{}
	for _, name := range slices.Concat(here, above, beside) {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				spec := s.(*ast.TypeSpec)
				if !spec.Name.IsExported() || g.Doc == nil && spec.Doc == nil {
					continue
				}
				full := spec.Name.Name
				if f.Name.Name != "onwindows" {
					full = f.Name.Name + "." + full
				}
				out[full] = filepath.ToSlash(name)
			}
		}
	}
	return out
}

func TestSchemaNamesTheTypes(t *testing.T) {
	types, named := documentedTypes(t), map[string]bool{}
	for _, r := range readSchema(t) {
		if named[r.goType] = true; types[r.goType] != r.file {
			t.Errorf("%s: SCHEMA.md says that %s documents %s; it is in %q", r.table, r.file, r.goType, types[r.goType])
		}
	}
	for name, file := range types {
		if strings.HasSuffix(name, "Row") && !named[name] && !strings.Contains(name, ".") {
			t.Errorf("%s: %s is in no table of SCHEMA.md", file, name)
		}
	}
}

// checkTables holds the tables in a sink against SCHEMA.md: each is listed, each kind in
// it, and times have nine digits.
func checkTables(t *testing.T, s *hosttest.Sink) {
	t.Helper()
	kinds := map[string]map[string]bool{}
	for _, r := range readSchema(t) {
		if kinds[r.table] == nil {
			kinds[r.table] = map[string]bool{}
		}
		for _, k := range r.kinds {
			kinds[r.table][k] = true
		}
	}
	notNine := regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,8})?Z"`)
	for _, r := range s.Records() {
		if !strings.HasSuffix(r.Path, ".jsonl") {
			continue
		}
		known, ok := kinds[r.Path]
		if !ok {
			t.Errorf("%s: no such table in SCHEMA.md", r.Path)
			continue
		}
		for line := range strings.Lines(string(s.Body(r.Path))) {
			var row struct{ Kind string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", r.Path, err)
			}
			if at := notNine.FindString(line); at != "" {
				t.Errorf("%s: time %s has not nine digits of nanoseconds", r.Path, at)
			}
			if len(known) > 0 && !known[row.Kind] {
				t.Errorf("%s: no kind %q in SCHEMA.md", r.Path, row.Kind)
			}
		}
	}
}

// live makes the tables of this machine; elsewhere than on Windows every answer says so.
func TestThisHost(t *testing.T) {
	for _, c := range all() {
		t.Run(c.Name, func(t *testing.T) {
			var s hosttest.Sink
			if err := c.Collect(t.Context(), liveHost(), &s); err != nil {
				t.Fatal(err)
			}
			checkTables(t, &s)
			for _, r := range s.Records() {
				if r.Outcome.String() != "collected" {
					t.Logf("%s: %s: %s", r.Path, r.Outcome, r.Note)
				}
			}
		})
	}
}

func TestConform(t *testing.T) {
	for _, c := range all() {
		t.Run(c.Name, func(t *testing.T) { hosttest.Conform(t, c, liveHost()) })
	}
}

func liveHost() *collector.Host { return collector.ThisHost() }

// all is every collector of this package.
func all() []collector.Collector {
	return []collector.Collector{Sockets(), Network(), Kernel(), Sessions(), Processes()}
}
