package onwindows

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestSchemaListsTheKinds holds the list in SCHEMA.md against the kinds. What it says
// is missing can be put there as it stands.
func TestSchemaListsTheKinds(t *testing.T) {
	text, err := os.ReadFile("SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, all := 0, ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") && strings.Contains(line, "` | T1") {
			rows++
		}
	}
	for _, k := range Kinds() {
		benign := strings.Join(k.Benign, "; ")
		if benign == "" {
			benign = "nothing is known"
		}
		row := fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", k.ID, k.Technique, k.Level, k.Doc, benign)
		if !strings.Contains(string(text), row) {
			t.Errorf("SCHEMA.md lacks\n%s", row)
		}
		all += row
	}
	if rows != len(Kinds()) {
		t.Errorf("SCHEMA.md lists %d kinds, there are %d; all:\n%s", rows, len(Kinds()), all)
	}
}
