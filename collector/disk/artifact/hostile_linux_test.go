package artifact

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

func TestWhatIsNoFile(t *testing.T) {
	h := hosts(t, "d/file", "d/sub/")["folder"]
	if err := unix.Mkfifo(filepath.Join(h.Root, "d/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	modes := map[string]uint32{}
	f := NewFinder(h, Linux)
	err := f.Find(t.Context(), f.Expand(Source{Type: File, Paths: []string{"/d/*"}})[0], func(m Match) bool {
		modes[m.Path] = m.Meta.Mode & evidence.ModeType
		return true
	})
	if err != nil || len(modes) != 2 || modes["/d/fifo"] != evidence.ModeFIFO || modes["/d/file"] != evidence.ModeRegular {
		t.Errorf("%v %v", modes, err)
	}
}

func TestDeepTree(t *testing.T) {
	h := hosts(t, "d/")["folder"]
	at := filepath.Join(h.Root, "d")
	for range 200 {
		at = filepath.Join(at, "x")
		if err := os.Mkdir(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f := NewFinder(h, Linux)
	got, errs := find(t, f, Source{Type: Path, Paths: []string{"/d/**32"}})
	if len(got) != 32 || errs != nil {
		t.Errorf("%d found, %q", len(got), errs)
	}
	got, errs = find(t, f, Source{Type: Path, Paths: []string{"/d/**32/**32/**32/x"}})
	if len(got) != 97 || errs != nil {
		t.Errorf("%d found, %q", len(got), errs)
	}
}

func TestMountsThatAreAvoided(t *testing.T) {
	h := hosts(t, "d/hung/f", "d/fine/f", "d/link -> hung")["folder"]
	h.Avoid = []string{"/d/hung"}
	f := NewFinder(h, Linux)
	for path, want := range map[string]string{"/d/*/f": "/d/fine/f", "/d/hung/f": "", "/d/**": "/d/fine/f /d/link", "/d/link/f": ""} {
		got, errs := find(t, f, Source{Type: File, Paths: []string{path}})
		if strings.Join(got, " ") != want || len(errs) != 1 || !strings.Contains(errs[0], "may never answer") {
			t.Errorf("%s: %q %q", path, got, errs)
		}
	}
}

func TestDirectoriesThatAreClosed(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs an ordinary user")
	}
	h := hosts(t, "d/closed/f", "d/open/f")["folder"]
	closed := filepath.Join(h.Root, "d/closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(closed, 0o755) })
	got, errs := find(t, NewFinder(h, Linux), Source{Type: File, Paths: []string{"/d/*/*"}})
	if !slices.Equal(got, []string{"/d/open/f"}) || len(errs) != 1 || !strings.Contains(errs[0], "1 denied") {
		t.Errorf("%q %q", got, errs)
	}
}
