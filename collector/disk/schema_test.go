package disk

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// SCHEMA.md names every field of every row, and none that is not there.
func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	must(t, err)
	sections := map[string]string{}
	for _, part := range strings.Split(string(b), "\n## ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		sections[name] = text
	}
	for table, row := range map[string]any{filesTable: FileRow{}, unreadableTable: UnreadableRow{}, artifactsTable: ArtifactRow{}} {
		named := map[string]bool{}
		for line := range strings.Lines(sections[table]) {
			if cells := strings.Split(line, "|"); len(cells) > 2 {
				for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
					named[m[1]] = true
				}
			}
		}
		typ := reflect.TypeOf(row)
		for i := range typ.NumField() {
			field, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if !named[field] {
				t.Errorf("%s: SCHEMA.md does not name %s", table, field)
			}
			delete(named, field)
		}
		for field := range named {
			t.Errorf("%s: SCHEMA.md names %s, which no row has", table, field)
		}
		if !strings.Contains(string(b), "| `"+table+"` |") {
			t.Errorf("SCHEMA.md does not list %s", table)
		}
	}
	pattern := reflect.TypeOf(PatternRow{})
	for i := range pattern.NumField() {
		if field, _, _ := strings.Cut(pattern.Field(i).Tag.Get("json"), ","); !strings.Contains(sections[artifactsTable], "`"+field+"`") {
			t.Errorf("patterns: SCHEMA.md does not name %s", field)
		}
	}
}
