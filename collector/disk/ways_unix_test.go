//go:build !windows

package disk

import (
	"os"
	"path/filepath"
	"testing"

	"hozen/collector"
)

// windowsOf is a fake Windows with these files below `C:\`, of which those that are
// locked cannot be opened; refused is false where nothing is refused to us.
func windowsOf(t *testing.T, files map[string]string, locked ...string) (h *collector.Host, tree string, refused bool) {
	t.Helper()
	h = &collector.Host{Root: t.TempDir(), Drives: []string{"/C:"}}
	dir := filepath.Join(h.Root, "C:")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range locked {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	return h, `C:\`, os.Geteuid() != 0
}
