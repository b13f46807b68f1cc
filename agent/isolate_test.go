package main

import (
	"testing"
	"time"
)

func TestTheEndOfIsolationIsReadAsOnTheWall(t *testing.T) {
	tokyo := time.FixedZone("", 9*60*60)
	for _, c := range []struct {
		wall  string
		place *time.Location
		want  string
	}{
		{"2026-11-22T21:00:05.5Z", tokyo, "2026-11-23 06:00:05 +09:00 (2026-11-22 21:00:05 UTC)"},
		{"2026-11-22T21:00:05.5Z", time.UTC, "2026-11-22 21:00:05 UTC"},
		{"no\x1btime", tokyo, `no\x1btime`},
	} {
		if got := shortTime(c.wall, c.place); got != c.want {
			t.Errorf("shortTime(%q) = %q, want %q", c.wall, got, c.want)
		}
	}
}
