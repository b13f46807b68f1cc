package walk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// deep makes a chain of directories by handles, with a file at its end.
func deep(t testing.TB, dir, name string, levels int) {
	t.Helper()
	at, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	must(t, err)
	for range levels {
		must(t, unix.Mkdirat(at, name, 0o755))
		next, err := unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY, 0)
		must(t, err)
		unix.Close(at)
		at = next
	}
	fd, err := unix.Openat(at, "end", unix.O_CREAT|unix.O_WRONLY, 0o600)
	must(t, err)
	unix.Close(fd)
	unix.Close(at)
}

func TestWalkBelowPathMax(t *testing.T) {
	dir, name := t.TempDir(), strings.Repeat("d", 200)
	deep(t, dir, name, 100) // 20,000 bytes
	all, report := walkAll(t, thisHost(), Options{Roots: []Root{{Path: dir}}})
	if end := dir + strings.Repeat("/"+name, 100) + "/end"; !all[end].known || report.Roots[0].Errors != 0 {
		t.Errorf("the end was not found: %d entries, %+v", len(all), report)
	}
}

func TestWalkCutsEndlessDepth(t *testing.T) {
	dir, name := t.TempDir(), strings.Repeat("d", 99)
	deep(t, dir, name, maxPath/100+100)
	all, report := walkAll(t, thisHost(), Options{Roots: []Root{{Path: dir}}})
	cut := 0
	for _, v := range all {
		if v.err != nil {
			cut++
		}
	}
	if n := len(all); cut != 1 || n > maxPath/100+2 || n < maxPath/100-len(dir) || report.Roots[0].Errors != 1 {
		t.Errorf("%d entries, %d cut, %+v", n, cut, report)
	}
}

// Directories whose handles were given up are opened again by their names.
func TestWalkWithFewHandles(t *testing.T) {
	dir := t.TempDir()
	name := dir
	for range 60 {
		for _, side := range []string{"a", "b"} {
			must(t, os.Mkdir(filepath.Join(name, side), 0o755))
		}
		name = filepath.Join(name, "b")
	}
	s := newWalker(thisHost(), Options{Roots: []Root{{Path: dir}}}.orDefault(), nil)
	s.maxOpen = 0
	seen := map[string]bool{}
	s.options.Workers = 1
	s.visit = func(_ int, e *Entry) error {
		if e.Err != nil {
			t.Errorf("%s: %v", e.Path, e.Err)
		}
		seen[string(e.Path)] = true
		return nil
	}
	s.run(t.Context())
	if len(seen) != 121 {
		t.Errorf("%d entries", len(seen))
	}
	if open := s.open.Load(); open != 0 {
		t.Errorf("%d handles left open", open)
	}
}

func TestWalkTellsWhatStatTells(t *testing.T) {
	dir := t.TempDir()
	names := hostile(t, dir)
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	names = append(names, dir+"/fifo")
	all, _ := walkAll(t, thisHost(), Options{Roots: []Root{{Path: dir}}})
	for _, p := range names {
		want, err := thisHost().Lstat(p)
		must(t, err)
		v := all[p]
		e := Entry{Meta: v.meta, Known: v.known, Link: []byte(v.link)}
		got := e.FileMeta()
		want.Atime, got.Atime = want.Mtime, want.Mtime // looking at links by other means may change it
		if *got != *want {
			t.Errorf("%q:\n%+v, want\n%+v", p, *got, *want)
		}
	}
}

func TestWalkRefusedDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user: root is refused nothing")
	}
	dir := t.TempDir()
	must(t, os.MkdirAll(dir+"/locked/x", 0o755))
	must(t, os.Chmod(dir+"/locked", 0))
	t.Cleanup(func() { os.Chmod(dir+"/locked", 0o755) })
	all, report := walkAll(t, thisHost(), Options{Roots: []Root{{Path: dir}}})
	v := all[dir+"/locked"]
	if o, _, _ := evidence.Classify(v.err, 0); o != evidence.Denied || !v.known || !v.meta.Directory() || report.Roots[0].Errors != 1 {
		t.Errorf("%+v, %+v", v, report)
	}
}

func TestWalkTouchesNothing(t *testing.T) {
	dir := t.TempDir()
	names := hostile(t, dir)
	old := unix.NsecToTimespec(1577836800e9)
	for _, p := range names {
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW))
	}
	_, report := walkAll(t, thisHost(), Options{Roots: []Root{{Path: dir}}})
	for _, p := range names {
		var st unix.Stat_t
		must(t, unix.Lstat(p, &st))
		if link := st.Mode&unix.S_IFMT == unix.S_IFLNK; st.Atim != old && (!link || report.Roots[0].Private) {
			t.Errorf("%q: its access time was changed", p)
		}
	}
	if report.Roots[0].Touched != 0 {
		t.Errorf("%+v", report)
	}
}

func TestOpenAndXattr(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/f", []byte("text"), 0o600))
	must(t, os.Symlink("f", dir+"/l"))
	if err := unix.Setxattr(dir+"/f", "user.test", []byte("value"), 0); err != nil {
		t.Skipf("kernel has no user attributes on this file system: %v", err)
	}
	opened := 0
	_, err := Walk(t.Context(), thisHost(), Options{Roots: []Root{{Path: dir}}, Workers: 1}, func(_ int, e *Entry) error {
		r, err := e.Open()
		if !e.Meta.Regular() {
			if err == nil {
				t.Errorf("%s was opened", e.Path)
			}
			return nil
		}
		must(t, err)
		defer r.Close()
		b := make([]byte, 10)
		n, _ := r.Read(b)
		value, err := e.Xattr("user.test")
		if opened++; string(b[:n]) != "text" || string(value) != "value" || err != nil {
			t.Errorf("%q, %q, %v", b[:n], value, err)
		}
		none, err := e.Xattr("user.none")
		if none != nil || err != nil {
			t.Errorf("%q, %v", none, err)
		}
		return nil
	})
	if must(t, err); opened != 1 {
		t.Errorf("%d files were opened", opened)
	}
}
