package walk

import (
	"context"
	"os"
	"testing"
)

// BenchmarkWalk walks the tree that WALK_TREE names, or /usr, and does nothing
// with what it sees.
func BenchmarkWalk(b *testing.B) {
	dir := os.Getenv("WALK_TREE")
	if dir == "" {
		dir = "/usr"
	}
	var entries int64
	for b.Loop() {
		report, err := Walk(context.Background(), thisHost(), Options{Roots: []Root{{Path: dir}}}, func(int, *Entry) error { return nil })
		must(b, err)
		entries += report.Roots[0].Entries
	}
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(entries)/float64(b.N), "entries")
}
