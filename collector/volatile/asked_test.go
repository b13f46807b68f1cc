package volatile

import (
	"context"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// TestNobodyAsked: of a folder without anything of a running system, no table may say that
// it was taken and is empty.
func TestNobodyAsked(t *testing.T) {
	h := &collector.Host{Root: t.TempDir()}
	tables := 0
	for _, c := range []collector.Collector{Sockets(nil), Network(nil), Kernel(), Sessions(), Containers(), Temporary()} {
		sink := &hosttest.Sink{}
		if err := c.Collect(context.Background(), h, sink); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for _, r := range sink.Records() {
			if !strings.HasSuffix(r.Path, ".jsonl") || r.Size > 0 {
				continue
			}
			tables++
			if r.Outcome == evidence.Collected || strings.Contains(r.Note, "is mounted") {
				t.Errorf("%s: %s, %d bytes, %q", r.Path, r.Outcome, r.Size, r.Note)
			}
			if r.Outcome == evidence.Skipped && r.Note == "" {
				t.Errorf("%s: skipped without a reason", r.Path)
			}
		}
	}
	if tables < 8 {
		t.Errorf("%d tables", tables)
	}
}
