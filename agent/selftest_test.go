package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// TestSelfTestRows: each probe has a row, whatever it does, and what went wrong is counted.
func TestSelfTestRows(t *testing.T) {
	probes := []probe{
		{"a", "fine", "fine", func(context.Context, *collector.Host) (string, error) { return "seen\n", nil }},
		{"b", "refused", "fine", func(context.Context, *collector.Host) (string, error) { return "", errors.New("refused") }},
		{"c", "not here", "fine", func(context.Context, *collector.Host) (string, error) { return "", evidence.NotHere("none") }},
		{"d", "panics", "fine", func(context.Context, *collector.Host) (string, error) { panic("nil") }},
	}
	var b bytes.Buffer
	err := trySelf(t.Context(), &collector.Host{}, &b, probes)
	rows, readErr := jsonl.Read[selfTestRow](b.Bytes())
	if readErr != nil || len(rows) != len(probes) {
		t.Fatalf("%v: %s", readErr, b.Bytes())
	}
	for i, want := range []evidence.Outcome{evidence.Collected, evidence.Failed, evidence.Absent, evidence.Failed} {
		if rows[i].Outcome != want || rows[i].Expects != "fine" {
			t.Errorf("%+v, want %v", rows[i], want)
		}
	}
	if _, note, short := evidence.Classify(err, int64(b.Len())); !short || !strings.Contains(note, "2 failed") {
		t.Errorf("%v", err)
	}
}

// TestProbeThatHangs is left behind when the run ends.
func TestProbeThatHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	p := probe{"a", "hangs", "fine", func(context.Context, *collector.Host) (string, error) { cancel(); <-release; return "", nil }}
	if _, err := p.run(ctx, &collector.Host{}); err == nil {
		t.Error("no error")
	}
}
