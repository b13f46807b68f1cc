package volatile

import (
	"bufio"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
)

// A schemaRow is a row of the table in SCHEMA.md.
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
	if len(rows) < 50 {
		t.Fatalf("SCHEMA.md has only %d rows", len(rows))
	}
	return rows
}

// documentedTypes gives the file of every struct of the package that has a comment.
func documentedTypes(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, "../sparse/sparse.go")
	out := map[string]string{}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE || g.Doc == nil {
				continue
			}
			for _, s := range g.Specs {
				if spec := s.(*ast.TypeSpec); spec.Name.IsExported() {
					full := spec.Name.Name
					if f.Name.Name != "volatile" {
						full = f.Name.Name + "." + full
					}
					out[full] = name
				}
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
		if strings.HasSuffix(name, "Row") && !named[name] {
			t.Errorf("%s: %s is in no table of SCHEMA.md", file, name)
		}
	}
}

// TestSchemaHasEveryKind makes the tables of fixtures and of this host, and
// looks for a row in SCHEMA.md for each kind that is in them, and for times that
// are not as it says.
func TestSchemaHasEveryKind(t *testing.T) {
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
	check := func(c collector.Collector, h *collector.Host) {
		s := collectTest(t, c, h)
		for _, r := range s.Records() {
			if !strings.HasSuffix(r.Path, ".jsonl") {
				continue
			}
			known, ok := kinds[schemaTable(r.Path)]
			if !ok {
				t.Errorf("%s: no such table in SCHEMA.md", r.Path)
				continue
			}
			for line := range strings.Lines(string(s.Body(r.Path))) {
				var row struct{ Kind string }
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					t.Fatalf("%s: %v", r.Path, err)
				}
				if at := notNine.FindString(line); at != "" && c.Name != "containers" { // whose files have times as text
					t.Errorf("%s: time %s has not nine digits of nanoseconds", r.Path, at)
				}
				if len(known) > 0 && !known[row.Kind] {
					t.Fatalf("%s: no kind %q in SCHEMA.md", r.Path, row.Kind)
				}
			}
		}
	}
	for _, c := range []collector.Collector{HostIdentity(testTool()), Sockets(nil), Network(nil), Kernel(), Sessions(), Containers()} {
		check(c, collector.ThisHost())
	}
	fixture := func(name string) *collector.Host { return hosttest.FromTxtar(t, name) }
	check(Kernel(), fixture(debianKernel))
	check(Network(nil), fixture(debianNetwork))
	check(Sessions(), fixture("testdata/hosts/sessions.txtar"))
	check(Containers(), fixture("testdata/hosts/containers.txtar"))
	check(Processes(), fixture(procsFixture))
	check(Temporary(), fixture("testdata/hosts/temporary.txtar"))
}

// schemaTable gives the table's name as SCHEMA.md has it.
func schemaTable(path string) string {
	for _, dir := range []string{"volatile/sessions/extents/", "volatile/temporary/@extents/"} {
		if strings.HasPrefix(path, dir) {
			return dir + "PATH.jsonl"
		}
	}
	return path
}
