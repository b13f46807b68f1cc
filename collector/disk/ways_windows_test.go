package disk

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"

	"hozen/collector"
)

// windowsOf is this machine with these files below a folder, of which those that are
// locked are open and shared with nobody.
func windowsOf(t *testing.T, files map[string]string, locked ...string) (h *collector.Host, tree string, refused bool) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hozen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(at) })
	}
	for _, name := range locked {
		p, err := windows.UTF16PtrFromString(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := windows.CreateFile(p, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { windows.CloseHandle(f) })
	}
	return collector.ThisHost(), dir, true
}
