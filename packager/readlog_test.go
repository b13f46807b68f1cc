package packager

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A log of any size may lie beside a stranger's archive: it is not read into memory.
func TestReadLogFileIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.custody.jsonl")
	if err := os.WriteFile(name, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadLogFile(name); err != nil || string(b) != "{}\n" {
		t.Fatalf("%q, %v", b, err)
	}
	if err := os.Truncate(name, maxLog+1); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadLogFile(name); err == nil || b != nil || !strings.Contains(err.Error(), "over 268435456 bytes") {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
