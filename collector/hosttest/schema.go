package hosttest

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// schemaField is a row of a table of fields in a SCHEMA.md: "| `path`, `other` | meaning |".
var schemaField = regexp.MustCompile("(?m)^\\| ((?:`[a-z0-9_]+`(?:, )?)+) \\|")

// Documented holds the tables of fields in a schema against the rows' types: each field
// of one of the types stands in the schema, and each that stands there is one of theirs.
func Documented(t testing.TB, schema string, rows ...any) {
	t.Helper()
	written, made := map[string]bool{}, map[string]bool{}
	for _, m := range schemaField.FindAllStringSubmatch(schema, -1) {
		for _, name := range strings.Split(m[1], ", ") {
			written[strings.Trim(name, "`")] = true
		}
	}
	for _, row := range rows {
		fieldsOf(reflect.TypeOf(row), made)
	}
	for name := range made {
		if !written[name] {
			t.Errorf("the schema has no field %q", name)
		}
	}
	for name := range written {
		if !made[name] {
			t.Errorf("the schema has a field %q, which no row has", name)
		}
	}
}

func fieldsOf(row reflect.Type, to map[string]bool) {
	for _, f := range reflect.VisibleFields(row) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			to[name] = true
		}
	}
}
