package collector

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// Through the quiet view of a host nothing changes, not even where the mount asks for
// every access time: neither of a file, nor of a directory, nor of a link.
func TestQuiet(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: mounts and private views of them")
	}
	dir := t.TempDir()
	if err := unix.Mount("hozen-test", dir, "tmpfs", unix.MS_STRICTATIME, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.MkdirAll(dir+"/d", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/d/file", []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("d", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	old := unix.NsecToTimespec(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	names := []string{dir, dir + "/d", dir + "/d/file", dir + "/link"}
	for _, p := range names {
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Fatal(err)
		}
	}
	h, done := ThisHost().Quiet()
	if h.View == nil {
		t.Fatal("no quiet view, though we are root")
	}
	if b, err := h.ReadFile(dir+"/link/file", 100); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if got, err := h.Names(dir); err != nil || len(got) != 2 {
		t.Errorf("%q, %v", got, err)
	}
	if m, err := h.Lstat(dir + "/link"); err != nil || m.LinkTarget != "d" || m.Mode&evidence.ModeType != evidence.ModeSymlink {
		t.Errorf("%+v, %v", m, err)
	}
	if got, err := h.Readlink(dir + "/link"); err != nil || got != "d" {
		t.Errorf("%q, %v", got, err)
	}
	for _, p := range names {
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil || st.Atim != old {
			t.Errorf("%s: access time %v, %v", filepath.Base(p), st.Atim, err)
		}
	}
	done()
	if _, err := h.Lstat(dir); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the view was let go: %v", err)
	}
}

func TestPulse(t *testing.T) {
	var p Pulse
	if _, since := p.Waiting(); since != 0 {
		t.Errorf("waits for %v before anything was asked", since)
	}
	p.Ask("/a")
	if name, since := p.Waiting(); name != "/a" || since <= 0 {
		t.Errorf("waits for %q for %v", name, since)
	}
	h := &Host{Root: t.TempDir(), Pulse: &p}
	if _, err := h.Names("/"); err != nil {
		t.Fatal(err)
	}
	if _, since := p.Waiting(); since != 0 {
		t.Errorf("waits for %v after the answer", since)
	}
}
