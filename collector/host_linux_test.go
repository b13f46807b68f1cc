package collector

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// fakeRoot is a host's root with one of each kind of file.
func fakeRoot(t *testing.T) *Host {
	t.Helper()
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	must(os.WriteFile(filepath.Join(root, "etc/real"), []byte("inside"), 0o644))
	must(os.Symlink("/etc/real", filepath.Join(root, "etc/absolute")))
	must(os.Symlink("../../../../../../etc/passwd", filepath.Join(root, "etc/out")))
	must(os.Symlink("/etc", filepath.Join(root, "dir")))
	must(os.Symlink("loop", filepath.Join(root, "loop")))
	must(unix.Mkfifo(filepath.Join(root, "fifo"), 0o644))
	must(os.WriteFile(filepath.Join(root, "new\nline \xff\x1b[31m"), []byte("odd"), 0o644))
	l, err := net.Listen("unix", filepath.Join(root, "socket"))
	must(err)
	t.Cleanup(func() { l.Close() })
	return &Host{Root: root}
}

func TestHostReadsInsideItsRoot(t *testing.T) {
	h := fakeRoot(t)
	for name, want := range map[string]string{"/etc/real": "inside", "/dir/real": "inside", "/new\nline \xff\x1b[31m": "odd"} {
		if b, err := h.ReadFile(name, 100); err != nil || string(b) != want {
			t.Errorf("%q: %q, %v", name, b, err)
		}
	}
	f, err := h.OpenFollow("/etc/absolute")
	if err != nil {
		t.Fatalf("an absolute link leads inside the root: %v", err)
	}
	defer f.Close()
	if b, _ := io.ReadAll(f); string(b) != "inside" {
		t.Errorf("absolute link: %q", b)
	}
	if f, err := h.OpenFollow("/etc/out"); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			f.Close()
		}
		t.Errorf("a link out of the root: %v, want not there", err)
	}
	if m, err := h.Stat("/dir"); err != nil || m.Mode&evidence.ModeType != evidence.ModeDir {
		t.Errorf("stat through a link: %+v, %v", m, err)
	}
}

// What is no regular file is never opened, and never waited for.
func TestHostOpensOnlyFilesAndDirectories(t *testing.T) {
	h := fakeRoot(t)
	for _, name := range []string{"/fifo", "/socket", "/etc/absolute", "/loop"} {
		done := make(chan error, 1)
		go func() {
			f, err := h.Open(name)
			if err == nil {
				f.Close()
			}
			done <- err
		}()
		select {
		case err := <-done:
			var not *NotRegularError
			if !errors.As(err, &not) && !errors.Is(err, unix.ELOOP) {
				t.Errorf("%s: %v", name, err)
			}
			if o, _, short := evidence.Classify(err, 0); errors.As(err, &not) && (o != evidence.Skipped || short) {
				t.Errorf("%s: outcome %s", name, o)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: open hangs", name)
		}
	}
	if _, err := ThisHost().Open("/dev/null"); err == nil || !strings.Contains(err.Error(), "character device") {
		t.Errorf("/dev/null: %v", err)
	}
	if _, err := ThisHost().ReadFile("/dev/null", 10); err == nil {
		t.Error("ReadFile read a device")
	}
}

func TestHostLimits(t *testing.T) {
	h := fakeRoot(t)
	b, err := h.ReadFile("/etc/real", 3)
	if string(b) != "ins" || !errors.Is(err, ErrTooLong) {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := h.AppendFile([]byte("x"), "/etc/real", 6); string(b) != "xinside" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	var w bytes.Buffer
	err = h.Copy(&w, "/etc/real", 3)
	if o, _, short := evidence.Classify(err, 3); w.String() != "ins" || o != evidence.Partial || !short {
		t.Errorf("copy gave %q, %v", w.String(), err)
	}
	w.Reset()
	if err := h.Copy(&w, "/etc/real", 6); err != nil || w.String() != "inside" {
		t.Errorf("copy to the brim gave %q, %v", w.String(), err)
	}
}

func TestHostNamesAndLinks(t *testing.T) {
	h := fakeRoot(t)
	names, err := h.Names("/")
	if want := "dir etc fifo loop new\nline \xff\x1b[31m socket"; err != nil || strings.Join(names, " ") != want {
		t.Errorf("%q, %v", names, err)
	}
	if to, err := h.Readlink("/etc/out"); err != nil || to != "../../../../../../etc/passwd" {
		t.Errorf("%q, %v", to, err)
	}
	m, err := h.Lstat("/etc/absolute")
	if err != nil || m.LinkTarget != "/etc/real" || m.Mode&evidence.ModeType != evidence.ModeSymlink {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err = h.Lstat("/etc/real"); err != nil || m.Size != 6 || m.Inode == 0 || m.Mtime.IsZero() || !m.Regular() {
		t.Errorf("%+v, %v", m, err)
	}
}

// Reading leaves the access time alone where the system lets us ask for that.
func TestHostKeepsAccessTimes(t *testing.T) {
	h := fakeRoot(t)
	name := filepath.Join(h.Root, "etc/real")
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(name, old, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ReadFile("/etc/real", 10); err != nil {
		t.Fatal(err)
	}
	if err := h.Copy(io.Discard, "/etc/real", 10); err != nil {
		t.Fatal(err)
	}
	if m, err := h.Lstat("/etc/real"); err != nil || !m.Atime.Equal(old) {
		t.Errorf("access time is %v, was %v (%v)", m.Atime, old, err)
	}
}

func TestHostAvoidsMountsThatMayHang(t *testing.T) {
	h := fakeRoot(t)
	h.Avoid = []string{"/etc"}
	_, openErr := h.Open("/etc/real")
	_, readErr := h.ReadFile("/etc/real", 10)
	_, namesErr := h.Names("/etc")
	_, linkErr := h.Readlink("/etc/out")
	_, statErr := h.Lstat("/etc/real")
	for what, err := range map[string]error{"open": openErr, "read": readErr, "list": namesErr, "readlink": linkErr, "stat": statErr} {
		if o, _, short := evidence.Classify(err, 0); o != evidence.Skipped || !short {
			t.Errorf("%s on a mount to be avoided: %v (%s)", what, err, o)
		}
	}
	if _, err := h.Lstat("/etcetera"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a name that only begins like it: %v", err)
	}
}
