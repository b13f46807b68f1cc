package integrity

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
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

// What the kernel makes is not read for a database that names it: that might never end,
// and takes from the kernel what others wait for.
func TestKernelMade(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: needs a mount")
	}
	d := &dpkgRoot{t: t, root: t.TempDir()}
	d.file("/usr/bin/made", "", 0o755)
	d.owns("/usr/bin/made", "other")
	at := filepath.Join(d.root, "/usr/bin/made")
	if err := unix.Mount("/proc/version", at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(at, unix.MNT_DETACH) })
	sink, rows := integrityRows(t, d.finish(""), Options{})
	rec, _ := sink.Record("disk/integrity.jsonl")
	if len(rows) != 1 || rows[0].Kind != "unreadable" || rec.Outcome != evidence.Partial {
		t.Errorf("%v: %+v: want one row that says unreadable", rec.Outcome, rows)
	}
}
