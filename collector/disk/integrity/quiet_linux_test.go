package integrity

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hozen/collector"
)

// Reading changes no access time, though a mount with relatime would change one that is
// older than the last write.
func TestNoAccessTimeChanges(t *testing.T) {
	d := &dpkgRoot{t: t, root: t.TempDir()}
	d.file("/usr/bin/owned", "body", 0o755)
	d.owns("/usr/bin/owned", "other")
	d.file("/usr/bin/unowned", "#!/bin/sh\n", 0o755)
	h := d.finish("")
	old := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	names := []string{"/usr/bin/owned", "/usr/bin/unowned", "/var/lib/dpkg/status", "/var/lib/dpkg/info/pkg.list"}
	for _, name := range names {
		if err := os.Chtimes(filepath.Join(d.root, name), old, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, rows := integrityRows(t, h, Options{}); len(rows) < 2 {
		t.Fatalf("%+v", rows)
	}
	if rows, _ := hashRows(t, &collector.Host{Root: d.root}, HashOptions{Paths: []string{"/"}}); rows["/usr/bin/owned"].SHA256 == "" {
		t.Fatalf("%+v", rows)
	}
	for _, name := range names {
		if m, err := h.Lstat(name); err != nil || !m.Atime.Equal(old) {
			t.Errorf("%s: read at %v, %v; want %v", name, m.Atime, err, old)
		}
	}
}
