package packager

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestFormatNamesTheEventsOfPeople holds the table of FORMAT.md against EventKinds.
func TestFormatNamesTheEventsOfPeople(t *testing.T) {
	var want strings.Builder
	for _, k := range EventKinds() {
		needs := make([]string, len(k.Needs))
		for i, n := range k.Needs {
			needs[i] = "`" + n + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", k.Name, strings.Join(needs, ", "), k.Means)
	}
	_, after, _ := strings.Cut(string(readFile(t, "FORMAT.md")), "| event of people | needs | meaning |\n|---|---|---|\n")
	got := regexp.MustCompile(`^(\|[^\n]*\n)*`).FindString(after)
	if got != want.String() {
		t.Errorf("FORMAT.md has:\n%s\nwant:\n%s", got, want.String())
	}
}

// TestPrincipals: who can sign an event.
func TestPrincipals(t *testing.T) {
	for s, want := range map[string]bool{
		"operator:sato": true, "lab:acme-1": true, "approver:x": true, "": false, "sato": false, "operator:": false, "king:x": false,
		"operator:a b": false, "operator:a\n": false, "operator:" + strings.Repeat("x", 64): false, "operator:-x": false,
	} {
		if ValidPrincipal(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
