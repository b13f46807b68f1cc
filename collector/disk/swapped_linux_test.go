package disk

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// TestSwappedForALink: a directory that was swapped for a link since its files were
// found leads to no other file, not even one with the same identity.
func TestSwappedForALink(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, os.MkdirAll(dir+"/tree/d", 0o700))
	must(t, os.WriteFile(dir+"/tree/d/f", []byte("secret"), 0o600))
	h := &collector.Host{Root: dir}
	m, err := h.Lstat("/tree/d/f")
	must(t, err)
	must(t, os.Rename(dir+"/tree/d", dir+"/elsewhere"))
	must(t, os.Symlink("../elsewhere", dir+"/tree/d"))
	var out bytes.Buffer
	rd := newReader(Options{}.Limited("standard")).read(context.Background(), h, &out, &file{path: "/tree/d/f", meta: m})
	if rd.err == nil || out.Len() > 0 {
		t.Errorf("%q was read through a link, and %v", out.Bytes(), rd.err)
	}
}

// TestTreeBehindALink: a tree whose name leads through a link is taken by its true name.
func TestTreeBehindALink(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(dir+"/usr/bin", 0o700))
	must(t, os.WriteFile(dir+"/usr/bin/f", []byte("x"), 0o600))
	must(t, os.Symlink("usr/bin", dir+"/bin"))
	must(t, os.Symlink("/bin/../bin", dir+"/again"))
	var s hosttest.Sink
	must(t, Disk(Options{Trees: []string{"/again/f"}}).Collect(context.Background(), &collector.Host{Root: dir}, &s))
	if got := s.Body("disk/files/usr/bin/f"); string(got) != "x" {
		t.Errorf("the file is %q", got)
	}
}

// TestKernelMade: a file of proc is not read under a name where one that is stored is
// expected, and it is a shortfall.
func TestKernelMade(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: needs a mount")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/history", nil, 0o600))
	mountOn(t, "/proc/version", dir+"/history", "", unix.MS_BIND, "")
	h := &collector.Host{Root: dir}
	m, err := h.Lstat("/history")
	must(t, err)
	var out bytes.Buffer
	rd := newReader(Options{}.Limited("standard")).read(context.Background(), h, &out, &file{path: "/history", meta: m})
	if _, _, short := evidence.Classify(rd.err, 0); !short || out.Len() > 0 {
		t.Errorf("%q was read, and %v", out.Bytes(), rd.err)
	}
}
