package proc

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"hozen/collector"
)

// fakeMemory is a host with a process 7 of two pages, of which one is present.
func fakeMemory(t *testing.T) *collector.Host {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "proc/7")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 3*pageStateSize)
	binary.NativeEndian.PutUint64(raw[8:], 1<<63|1<<56|1<<55|17)
	binary.NativeEndian.PutUint64(raw[16:], 1<<62|1<<61)
	for name, b := range map[string][]byte{"mem": []byte("0123456789"), "pagemap": raw} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &collector.Host{Root: filepath.Dir(filepath.Dir(dir))}
}

func TestMemoryOfAFixture(t *testing.T) {
	m, err := OpenMemory(fakeMemory(t), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b := make([]byte, 4)
	if n, err := m.ReadAt(b, 3); n != 4 || err != nil || string(b) != "3456" {
		t.Errorf("%d %v %q", n, err, b)
	}
	if n, err := m.ReadAt(b, 8); n != 2 || !errors.Is(err, ErrEnded) {
		t.Errorf("over the end: %d %v", n, err)
	}
	if n, err := m.ReadAt(b, 0xffffffffff600000); n != 0 || !errors.Is(err, ErrUnreadable) {
		t.Errorf("vsyscall: %d %v", n, err)
	}
	states := make([]PageState, 3)
	n, err := m.Pagemap(states, m.PageSize())
	if n != 2 || !errors.Is(err, ErrEnded) {
		t.Fatalf("%d pages, %v", n, err)
	}
	if s := states[0]; !s.Present() || s.Swapped() || s.Shared() {
		t.Errorf("first page %#x", uint64(s))
	}
	if s := states[1]; s.Present() || !s.Swapped() || !s.Shared() {
		t.Errorf("second page %#x", uint64(s))
	}
	if _, err := OpenMemory(fakeMemory(t), 8); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such process: %v", err)
	}
}
