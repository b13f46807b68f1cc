package packet

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// Every field of the tables is in SCHEMA.md, below its table, and no other is.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	_, fields, _ := strings.Cut(string(text), "### capture.jsonl")
	whole, each, ok := strings.Cut(fields, "Then a row for each interface")
	if !ok {
		t.Fatal("SCHEMA.md has not the two tables")
	}
	for _, c := range []struct {
		row  any
		text string
	}{{CaptureRow{}, whole}, {InterfaceRow{}, each}} {
		typ := reflect.TypeOf(c.row)
		if !strings.Contains(string(text), "| "+typ.Name()+" | rows.go |") {
			t.Errorf("%s is in no table", typ.Name())
		}
		named := map[string]bool{}
		for _, line := range strings.Split(c.text, "\n") {
			if cells := strings.Split(line, "|"); len(cells) == 4 {
				for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
					named[m[1]] = true
				}
			}
		}
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if !named[name] {
				t.Errorf("%s: %s is not in SCHEMA.md", typ.Name(), name)
			}
			delete(named, name)
		}
		for name := range named {
			t.Errorf("%s has no %s, but SCHEMA.md says so", typ.Name(), name)
		}
	}
}
