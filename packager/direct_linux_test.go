package packager

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// Nothing of an archive that is being written is in the page cache, and what is
// there at each checkpoint verifies up to it.
func TestArchivesAreNotInThePageCache(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if why := w.throughCache(); why != "" {
		t.Skipf("kernel has no direct output here: %s", why)
	}
	noise := pattern(5 << 20)
	for i := range noise {
		noise[i] ^= byte(i * i >> 9)
	}
	file := filepath.Join(dir, ArchiveName(forgedID)+partialSuffix)
	for k := range 3 {
		err := w.Put(context.Background(), evidence.Item{Path: "noise"}, func(to io.Writer) error { _, err := to.Write(noise[k:]); return err })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		if n := cachedPages(t, file); n != 0 {
			t.Errorf("checkpoint %d: %d pages are in the cache", k+1, n)
		}
	}
	if r := verdict(t, readFile(t, file), trusting(t, o.Device)); r.Verdict != ValidPartial || r.Checkpoint != 3 {
		t.Errorf("%s at checkpoint %d: %q", r.Verdict, r.Checkpoint, r.Findings)
	}
}

// cachedPages asks how much of a file is in the page cache (cachestat(2), Linux 6.5).
func cachedPages(t *testing.T, file string) uint64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var stat unix.Cachestat_t
	err = unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &stat, 0)
	if errors.Is(err, unix.ENOSYS) {
		t.Skip("kernel has no cachestat")
	}
	if err != nil {
		t.Fatal(err)
	}
	return stat.Cache
}

// Where a file system refuses direct output the bytes are the same, and not in the
// cache either.
func TestRefusedDirectOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	d := &outputFile{File: f}
	d.refused(unix.EINVAL)
	b, want := newBlockFile(d, usualBlock), pattern(2*pieceSize+777)
	if _, err := b.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	if n := cachedPages(t, file); n > 1 {
		t.Errorf("%d pages are in the cache", n)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, file), want) {
		t.Error("other bytes")
	}
	if d.ThroughCache() == "" {
		t.Error("nobody says that it went through the cache")
	}
}
