package collector

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// TestStored: what the kernel makes is not read by a host that wants what is stored,
// whatever leads there; what is stored is.
func TestStored(t *testing.T) {
	h := ThisHost()
	h.Stored = true
	_, err := h.Reader("/proc/version")
	if _, _, short := evidence.Classify(err, 0); err == nil || !short {
		t.Errorf("Reader: %v, want a shortfall", err)
	}
	if b, err := h.ReadFile("/proc/version", 100); err == nil || len(b) > 0 {
		t.Errorf("ReadFile: %d bytes and %v, want none and an error", len(b), err)
	}
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := h.ReadFile(name, 100); err != nil || string(b) != "x" {
		t.Errorf("ReadFile of what is stored: %q, %v", b, err)
	}
	if _, err := h.Names("/proc/self/task"); err != nil {
		t.Errorf("Names: %v", err)
	}
}

// TestNoLinks: no name leads through a link, in a root of its own or not.
func TestNoLinks(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(dir, "true"), 0o700))
	must(os.WriteFile(filepath.Join(dir, "true", "f"), []byte("x"), 0o600))
	must(os.Symlink("true", filepath.Join(dir, "link")))
	for _, root := range []string{"/", dir} {
		h := &Host{Root: root, NoLinks: true}
		at := ""
		if root == "/" {
			at = dir
		}
		if b, err := h.ReadFile(at+"/true/f", 10); err != nil || string(b) != "x" {
			t.Errorf("%s: the true name gives %q, %v", root, b, err)
		}
		if m, err := h.Lstat(at + "/link"); err != nil || m.LinkTarget != "true" {
			t.Errorf("%s: the link itself gives %+v, %v", root, m, err)
		}
		for what, f := range map[string]func(string) error{
			"ReadFile": func(s string) error { _, err := h.ReadFile(s, 10); return err },
			"Reader":   func(s string) error { _, err := h.Reader(s); return err },
			"Lstat":    func(s string) error { _, err := h.Lstat(s); return err },
			"Readlink": func(s string) error { _, err := h.Readlink(s); return err },
		} {
			if err := f(at + "/link/f"); !errors.Is(err, unix.ELOOP) {
				t.Errorf("%s: %s through a link: %v, want ELOOP", root, what, err)
			}
		}
	}
}
