package command

import (
	"strings"
	"testing"
)

// TestExpandBombs has marks by the million, and short names of long texts.
func TestExpandBombs(t *testing.T) {
	e := Env{"A": strings.Repeat("a", 1<<20), "B": "b"}
	for _, s := range []string{strings.Repeat("%x", 8<<20), strings.Repeat("%A%", 1<<20), strings.Repeat("%B%", 4<<20), strings.Repeat("x", 4<<20)} {
		if got := e.Expand(s); len(got) != maxExpanded {
			t.Errorf("%.6s…: %d bytes", s, len(got))
		}
	}
	for s, want := range map[string]string{"%x%B%y": "%xby", "%%B%%": "%b%", "%B": "%B", "a%": "a%", "%x%y%z": "%x%y%z", "%B%%B%": "bb"} {
		if got := e.Expand(s); got != want {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
}
