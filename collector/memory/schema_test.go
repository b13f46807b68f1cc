package memory_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/indicators"
)

// A schemaRow is a row of a list of tables in SCHEMA.md.
type schemaRow struct {
	table, goType, file string
	kinds               []string // none: all rows have one form
}

func readSchema(t *testing.T) (rows []schemaRow) {
	t.Helper()
	text, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	table := ""
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if strings.HasPrefix(line, "| |") {
			cells = append([]string{""}, strings.Split(strings.Trim(line, "|\n "), " | ")...)
		}
		if len(cells) != 4 || !strings.HasSuffix(cells[3], ".go") {
			continue
		}
		if name := strings.Trim(cells[0], "` "); name != "" {
			table = "memory/" + name
		}
		r := schemaRow{table: table, goType: strings.TrimSpace(cells[2]), file: cells[3]}
		if cells[1] != "-" {
			r.kinds = strings.Fields(cells[1])
		}
		rows = append(rows, r)
	}
	if len(rows) < 15 {
		t.Fatalf("SCHEMA.md has only %d rows of tables", len(rows))
	}
	return rows
}

// documented says whether a file has a type with a comment.
func documented(t *testing.T, file, name string) bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Errorf("SCHEMA.md names a file: %v", err)
		return false
	}
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return ok && g.Tok == token.TYPE && g.Doc != nil && slices.ContainsFunc(g.Specs, func(s ast.Spec) bool {
			return s.(*ast.TypeSpec).Name.Name == name
		})
	})
}

func TestSchemaNamesTheTypes(t *testing.T) {
	for _, r := range readSchema(t) {
		if name := r.goType[strings.LastIndexByte(r.goType, '.')+1:]; !documented(t, r.file, name) {
			t.Errorf("%s: %s has no type %s with a comment", r.table, r.file, name)
		}
	}
}

// TestSchemaHasEveryTable searches this machine, and holds the tables and kinds
// that come of it to SCHEMA.md.
func TestSchemaHasEveryTable(t *testing.T) {
	kinds := map[string][]string{}
	for _, r := range readSchema(t) {
		kinds[r.table] = append(kinds[r.table], r.kinds...)
	}
	var suspects memory.Suspects
	s, tables := &hosttest.Sink{}, 0
	for _, c := range []collector.Collector{indicators.Indicators(&suspects), contents.Contents(contents.Options{Suspects: &suspects, Dump: []int{os.Getpid()}})} {
		if err := c.Collect(t.Context(), collector.ThisHost(), s); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.Records() {
		if !strings.HasSuffix(r.Path, ".jsonl") {
			continue
		}
		tables++
		name := strings.Replace(r.Path, "-again.jsonl", ".jsonl", 1)
		if dir := path.Dir(name); strings.HasSuffix(dir, "/@extents") {
			name = dir + "/NAME.jsonl"
		}
		known, ok := kinds[name]
		if !ok {
			t.Errorf("%s: no such table in SCHEMA.md", name)
			continue
		}
		for line := range strings.Lines(string(s.Body(r.Path))) {
			var row struct{ Kind string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", r.Path, err)
			}
			if len(known) > 0 && !slices.Contains(known, row.Kind) {
				t.Errorf("%s: no kind %q in SCHEMA.md", name, row.Kind)
			}
		}
	}
	if tables < 2 {
		t.Errorf("only %d tables came", tables)
	}
}
