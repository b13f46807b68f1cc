package ioc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
)

func TestCollectorConforms(t *testing.T) {
	h := hosttest.FromTxtar(t, "../../../testdata/hosts/debian-procs.txtar")
	for name, s := range map[string]*Search{
		"without lists": nil,
		"with a list":   searchFor(t, "evil.example\nd41d8cd98f00b204e9800998ecf8427e\n"),
	} {
		t.Run(name, func(t *testing.T) { hosttest.Conform(t, Collector(s), h) })
	}
}

// TestMappedFilesAreHashedOnce has two processes with one library, one of them
// with an image that is gone.
func TestMappedFilesAreHashedOnce(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("lib/evil.so", "library")
	for _, pid := range []string{"7", "8"} {
		write("proc/"+pid+"/maps", "1000-2000 r-xp 00000000 fe:00 11 /lib/evil.so\n2000-3000 r-xp 00000000 fe:00 1"+pid+" /bin/gone (deleted)\n3000-4000 rw-s 00000000 00:05 9 /dev/mem\n")
	}
	sum := sha256.Sum256([]byte("library"))
	s := searchFor(t, strings.ToUpper(hex.EncodeToString(sum[:]))+"\n")
	var sink hosttest.Sink
	if err := Collector(s).Collect(context.Background(), &collector.Host{Root: root}, &sink); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[FileRow](sink.Body("memory/ioc/files.jsonl"))
	if err != nil || len(rows) != 3 || rows[0].Path != "/lib/evil.so" || rows[0].SHA256 != hex.EncodeToString(sum[:]) || rows[1].Error == "" || rows[0].MD5 != "" {
		t.Errorf("%+v %v", rows, err)
	}
	hits := hitsOf(t, s)
	if len(hits) != 1 || hits[0].In != "file" || hits[0].File != "/lib/evil.so" || hits[0].Process.PID != 7 {
		t.Errorf("%+v", hits)
	}
}

func TestTheEstimateIsOfWhatIsInRAM(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "MemTotal:       9000000 kB\nAnonPages:      1000000 kB\nMapped:          953125 kB\nAnonHugePages: 1 kB\n"
	if err := os.WriteFile(filepath.Join(root, "proc/meminfo"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	h := &collector.Host{Root: root}
	if e := Collector(searchFor(t, "evil.example\n")).Estimate(h); e.Time != 4*time.Second || e.Bytes != 0 {
		t.Errorf("%+v, want 4 s: 2 GB, none of which goes into the archive", e)
	}
	if e := Collector(nil).Estimate(h); e != (collector.Estimate{}) {
		t.Errorf("without lists %+v", e)
	}
}
