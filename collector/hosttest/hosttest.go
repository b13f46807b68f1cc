// Package hosttest gives collectors' tests a machine and a place to put what
// they find: a Host from one txtar fixture, a Sink that remembers, and Conform,
// the suite that every collector passes.
package hosttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"hozen/collector"
)

// Epoch is the time that a fake host's clock shows.
var Epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// FromTxtar makes a host from a text fixture such as testdata/hosts/*.txtar.
// Each file of the fixture becomes a file below the root. A name that ends in
// " -> TARGET" is a symbolic link, one that ends in / an empty directory. In
// contents, NUL bytes are written \0 where a file's name
// ends in " (nul)"; there the final newline goes too.
func FromTxtar(t testing.TB, file string) *collector.Host {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, f := range a.Files {
		if err := plant(root, f); err != nil {
			t.Fatalf("%s: %s: %v", file, f.Name, err)
		}
	}
	return &collector.Host{Root: root, Now: func() time.Time { return Epoch }}
}

func plant(root string, f txtar.File) error {
	name, target, link := strings.Cut(f.Name, " -> ")
	bare, nul := strings.CutSuffix(name, " (nul)")
	at := filepath.Join(root, bare)
	if strings.HasSuffix(bare, "/") {
		return os.MkdirAll(at, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if link {
		return os.Symlink(target, at)
	}
	data := string(f.Data)
	if nul {
		data = strings.ReplaceAll(strings.TrimSuffix(data, "\n"), `\0`, "\x00")
	}
	return os.WriteFile(at, []byte(data), 0o644)
}
