package timeline

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"hozen/collector/hosttest"
)

func TestSchema(t *testing.T) {
	b, err := os.ReadFile("SCHEMA.md")
	must(t, err)
	schema := string(b)
	hosttest.Documented(t, schema, Row{}, MountRow{}, NotableRow{})
	_, list, _ := strings.Cut(schema, "| kind | technique |")
	written := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z_]+) \| (T[0-9.]+) \|`).FindAllStringSubmatch(list, -1) {
		written[m[1]] = m[2]
	}
	for _, k := range kinds() {
		if written[k.name] != k.technique || k.technique == "" || len(k.benign) == 0 {
			t.Errorf("kind %q: technique %q, in the schema %q", k.name, k.technique, written[k.name])
		}
	}
	if len(written) != kindCount {
		t.Errorf("the schema has %d kinds, the code %d", len(written), kindCount)
	}
}
