package integrity

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/packager/evidence"
)

// A disk whose end cannot be read any more gives the hashes of what lies before it, and
// says of the rest that it could not be read.
func TestDamagedDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not as root")
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	dir := t.TempDir()
	tree, image, at := filepath.Join(dir, "tree"), filepath.Join(dir, "image"), filepath.Join(dir, "at")
	write(t, tree, "/a-small", "small")
	write(t, tree, "/large", strings.Repeat("0123456789abcdef", 2<<20))
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	run("mkfs.ext4", "-q", "-O", "^has_journal", "-d", tree, image, "64M")
	if out, err := exec.Command("mount", "-o", "loop,ro", image, at).CombinedOutput(); err != nil {
		t.Skipf("kernel has no loop device for us: %v %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", at).Run() })
	if err := os.Truncate(image, 24<<20); err != nil {
		t.Fatal(err)
	}
	rows, r := hashRows(t, &collector.Host{Root: at}, HashOptions{Paths: []string{"/"}})
	if row := rows["/a-small"]; row.SHA256 == "" || row.Note != "" {
		t.Errorf("%+v", row)
	}
	if row := rows["/large"]; row.SHA256 != "" || !strings.Contains(row.Note, "input/output error") {
		t.Errorf("%+v", row)
	}
	if r.Outcome != evidence.Partial || !r.Shortfall || !strings.Contains(r.Note, "/large") {
		t.Errorf("%s %v: %s", r.Outcome, r.Shortfall, r.Note)
	}
}
