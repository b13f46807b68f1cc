package volatile

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hozen/collector"
)

func TestTemporaryIsEstimated(t *testing.T) {
	h := &collector.Host{Root: t.TempDir()}
	estimate := TemporaryWithin(TemporaryLimits{Total: 256 << 20}).Estimate
	if e := estimate(h); e != (collector.Estimate{}) {
		t.Errorf("without /proc/meminfo: %+v", e)
	}
	if err := os.Mkdir(filepath.Join(h.Root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int64{
		"MemTotal: 100 kB\nShmem:            2048 kB\n": 2 << 20,
		"Shmem: 999999999 kB\n":                         256 << 20,
	} {
		if err := os.WriteFile(filepath.Join(h.Root, "proc/meminfo"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if e := estimate(h); e.Bytes != want || e.Time != time.Duration(want)*6 {
			t.Errorf("%q: %+v", text, e)
		}
	}
}
