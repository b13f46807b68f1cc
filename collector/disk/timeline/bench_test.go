package timeline

import (
	"context"
	"io"
	"os"
	"sync/atomic"
	"testing"

	"hozen/collector"
	"hozen/packager/evidence"
)

// countSink throws away what it is given.
type countSink struct{ bytes atomic.Int64 }

func (s *countSink) Put(_ context.Context, _ evidence.Item, fill func(io.Writer) error) error {
	return fill(s)
}

func (s *countSink) Write(b []byte) (int, error) {
	s.bytes.Add(int64(len(b)))
	return len(b), nil
}

// BenchmarkTimeline makes the rows of /usr, or of the directory that WALK_TREE names; with
// an archive at their end it is measured by testdata/bench/compare.sh walk.
func BenchmarkTimeline(b *testing.B) {
	h := &collector.Host{Root: "/usr", Elevated: os.Geteuid() == 0}
	if dir := os.Getenv("WALK_TREE"); dir != "" {
		h.Root = dir
	}
	for _, c := range []struct {
		name string
		seen *Seen
	}{{"rows", nil}, {"and notable", &Seen{}}} {
		b.Run(c.name, func(b *testing.B) {
			var s countSink
			for b.Loop() {
				must(b, Timeline(Options{Seen: c.seen}).Collect(b.Context(), h, &s))
			}
			b.ReportMetric(float64(s.bytes.Load())/float64(b.N)/1e6, "MB")
		})
	}
}
