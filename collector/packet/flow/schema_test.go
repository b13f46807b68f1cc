package flow

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestSchemaHasEveryField holds SCHEMA.md against the types, both ways.
func TestSchemaHasEveryField(t *testing.T) {
	text, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]reflect.Type{"flows.jsonl": reflect.TypeFor[FlowRow](), "dns.jsonl": reflect.TypeFor[DNSRow](), "tls.jsonl": reflect.TypeFor[TLSRow](),
		"http.jsonl": reflect.TypeFor[HTTPRow](), "remotes.jsonl": reflect.TypeFor[RemoteRow]()}
	written := map[string]map[string]bool{}
	section := ""
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "## `"); ok {
			section, _, _ = strings.Cut(name, "`")
			written[section] = map[string]bool{}
		} else if strings.HasPrefix(line, "## ") {
			section = ""
		}
		if field := regexp.MustCompile("^\\| `([a-z0-9_]+)` \\|").FindStringSubmatch(line); field != nil && section != "" {
			written[section][field[1]] = true
		}
	}
	for table, row := range types {
		has := map[string]bool{}
		fieldsOf(row, has)
		for f := range has {
			if !written[table][f] {
				t.Errorf("SCHEMA.md does not say what %s is in %s", f, table)
			}
		}
		for f := range written[table] {
			if !has[f] {
				t.Errorf("SCHEMA.md tells of %s in %s, which has no such field", f, table)
			}
		}
	}
}

func fieldsOf(row reflect.Type, out map[string]bool) {
	for i := range row.NumField() {
		f := row.Field(i)
		if f.Anonymous {
			fieldsOf(f.Type, out)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out[name] = true
	}
}

// TestTimesHaveNineDigits looks at every time of the tables that were really made.
func TestTimesHaveNineDigits(t *testing.T) {
	traces, err := filepath.Glob("testdata/zeek/*")
	if err != nil {
		t.Fatal(err)
	}
	wrong := regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,8})?Z"`)
	for _, trace := range traces {
		s := tablesOf(t, trace, Options{})
		for _, r := range s.Records() {
			if at := wrong.Find(s.Body(r.Path)); at != nil {
				t.Errorf("%s: %s has the time %s", trace, r.Path, at)
			}
		}
	}
}
