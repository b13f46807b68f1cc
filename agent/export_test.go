package main

import (
	"slices"
	"strings"
	"testing"

	"hozen/packager/export"
)

// What the command says is lost is what the exported file itself says, and the Japanese
// has a line for each.
func TestLostIsSaidAlike(t *testing.T) {
	for _, f := range export.Formats() {
		en, ja := &app{lang: english}, &app{lang: japanese}
		if got := en.lost(f); !slices.Equal(got, export.Lost(f)) {
			t.Errorf("%s: %q, want %q", f, got, export.Lost(f))
		}
		if got := ja.lost(f); len(got) != len(export.Lost(f)) || strings.Join(got, "") == strings.Join(en.lost(f), "") {
			t.Errorf("%s: %q", f, got)
		}
	}
}
