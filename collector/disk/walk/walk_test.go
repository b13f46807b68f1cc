package walk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"hozen/collector"
	"hozen/packager/evidence"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A visited is what a test keeps of an entry.
type visited struct {
	meta    Meta
	known   bool
	link    string
	again   bool
	covered bool
	err     error
}

// walkAll walks below some directories of this machine, and gives the entries by path.
// No path may come twice without an error.
func walkAll(t testing.TB, h *collector.Host, o Options) (map[string]visited, Report) {
	t.Helper()
	var mu sync.Mutex
	all := map[string]visited{}
	report, err := Walk(context.Background(), h, o, func(_ int, e *Entry) error {
		mu.Lock()
		defer mu.Unlock()
		p := string(e.Path)
		if old, twice := all[p]; twice && old.err == nil && e.Err == nil && old.covered == e.Covered {
			t.Errorf("%q came twice", p)
		}
		all[p] = visited{e.Meta, e.Known, string(e.Link), e.Again, e.Covered, e.Err}
		return nil
	})
	must(t, err)
	return all, report
}

func thisHost() *collector.Host { return &collector.Host{Root: "/", Live: true} }

// hostile makes a tree whose names are hard to bear, and gives all its paths.
func hostile(t testing.TB, dir string) (names []string) {
	t.Helper()
	files := []string{"a\nb", "x|y", "\x1b[31mred", "k=v%41", "..x", "...", " ", "-> b", `back\slash`, "d/e/f/deep", ".hidden/file"}
	if runtime.GOOS == "linux" {
		files = append(files, "\xff\xfe", strings.Repeat("n", 255), ".hidden/"+strings.Repeat("\xfe", 255))
	}
	for _, f := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, f), []byte(f), 0o640))
	}
	must(t, os.Symlink("../outside", filepath.Join(dir, "link")))
	must(t, os.Symlink(".", filepath.Join(dir, "loop")))
	must(t, os.Link(filepath.Join(dir, "d/e/f/deep"), filepath.Join(dir, "second")))
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o700))
	must(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		names = append(names, p)
		return err
	}))
	return names
}

func TestWalkVisitsEveryNameOnce(t *testing.T) {
	dir := t.TempDir()
	names := hostile(t, dir)
	for workers := range 4 {
		all, report := walkAll(t, thisHost(), Options{Roots: []Root{{Path: dir}}, Workers: workers + 1})
		again := 0
		for _, p := range names {
			v, ok := all[p]
			if !ok || v.err != nil || !v.known {
				t.Errorf("%q: %v, %+v", p, ok, v)
			}
			if v.again {
				again++
			}
			delete(all, p)
		}
		for p, v := range all {
			t.Errorf("%q: %+v", p, v)
		}
		if r := report.Roots[0]; r.Entries != int64(len(names)) || r.Err != nil || r.Errors != 0 || again != 1 && runtime.GOOS == "linux" {
			t.Errorf("%+v for %d names, %d seen again", r, len(names), again)
		}
	}
}

func TestWalkOfDirectoryHost(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755))
	must(t, os.Symlink("/a", filepath.Join(dir, "up")))
	all, _ := walkAll(t, &collector.Host{Root: dir}, Options{Roots: []Root{{Path: "/"}}})
	var got []string
	for p := range all {
		got = append(got, p)
	}
	slices.Sort(got)
	if want := []string{"/", "/a", "/a/b", "/up"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWalkOfOneFileAndOfNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	must(t, os.WriteFile(file, []byte("text"), 0o600))
	all, report := walkAll(t, thisHost(), Options{Roots: []Root{{Path: file}, {Path: dir + "/none"}}})
	if v := all[file]; v.err != nil || v.meta.Size != 4 || !v.meta.Regular() {
		t.Errorf("%+v", v)
	}
	if v := all[dir+"/none"]; !errors.Is(v.err, fs.ErrNotExist) || !errors.Is(report.Roots[1].Err, fs.ErrNotExist) {
		t.Errorf("%+v, %+v", v, report)
	}
}

func TestWalkStops(t *testing.T) {
	dir := t.TempDir()
	for i := range 200 {
		must(t, os.Mkdir(filepath.Join(dir, fmt.Sprint(i)), 0o755))
	}
	broken, calls := errors.New("broken"), 0
	_, err := Walk(context.Background(), thisHost(), Options{Roots: []Root{{Path: dir}}, Workers: 1}, func(int, *Entry) error {
		calls++
		return broken
	})
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls = 0
	report, err := Walk(ctx, thisHost(), Options{Roots: []Root{{Path: dir}}, Workers: 1}, func(int, *Entry) error {
		if calls++; calls == 10 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(report.Roots[0].Err, context.Canceled) || calls > 150 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestWalkStopsAtMountPoints(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "walked/x"), 0o755))
	must(t, os.MkdirAll(filepath.Join(dir, "deep/hung/x"), 0o755))
	all, report := walkAll(t, thisHost(), Options{Roots: []Root{
		{Path: dir, Stops: map[string]string{dir + "/deep/hung": "it hangs", dir + "/walked": ""}},
		{Path: filepath.Join(dir, "walked")},
	}})
	hung, covered := all[dir+"/deep/hung"], report.Roots[0].Private
	if o, _, _ := evidence.Classify(hung.err, 0); !covered && (o != evidence.Skipped || !strings.Contains(hung.err.Error(), "it hangs")) {
		t.Errorf("%+v", hung)
	}
	if _, ok := all[dir+"/deep/hung/x"]; ok != covered {
		t.Errorf("what is on a mount that hangs was visited: %v, private view: %v", ok, covered)
	}
	if covered && !hung.covered {
		t.Errorf("%+v is not known to be covered", hung)
	}
	if v := all[dir+"/walked/x"]; !v.known {
		t.Errorf("%+v", v)
	}
}

func TestWalkInOneDirectory(t *testing.T) {
	dir, n := t.TempDir(), 100_000
	if testing.Short() {
		n = 1000
	}
	for i := range n {
		f, err := os.Create(fmt.Sprintf("%s/%06d", dir, i))
		must(t, err)
		f.Close()
	}
	all, _ := walkAll(t, thisHost(), Options{Roots: []Root{{Path: dir}}})
	if len(all) != n+1 {
		t.Errorf("%d entries, want %d", len(all), n+1)
	}
}
