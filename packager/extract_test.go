package packager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hozen/packager/evidence"
	"hozen/packager/signed"
)

func extract(t *testing.T, b []byte, o VerifyOptions, dest string) ([]string, error) {
	t.Helper()
	_, names, err := Extract(context.Background(), bytes.NewReader(b), int64(len(b)), o, dest, nil)
	return names, err
}

// filesBelow gives all that is not a directory below dir.
func filesBelow(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			list = append(list, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestExtractWhole(t *testing.T) {
	w := newWorld(t)
	dest := filepath.Join(t.TempDir(), "new", "target")
	names, err := extract(t, w.archive, w.o, dest)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{nameSeal, nameSeal + deviceSigSuffix, nameSeekTable, checkpointName(3, ".json.sig")} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not extracted: the bag is not whole without the statements", name)
		}
	}
	for _, list := range []string{nameManifest, nameTagManifest} {
		for line := range strings.Lines(string(readFile(t, filepath.Join(dest, forgedID, list)))) {
			sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
			if got := signed.HexSum(readFile(t, filepath.Join(dest, forgedID, name))); got != sum {
				t.Errorf("%s lists %s with %s, it is %s", list, name, sum, got)
			}
		}
	}
	if got := len(filesBelow(t, dest)); got != len(names) || got == 0 {
		t.Errorf("%d files, %d names", got, len(names))
	}
	if got := string(readFile(t, filepath.Join(dest, forgedID, "data/volatile/item-1.txt"))); got != strings.Repeat("line 1\n", 40) {
		t.Errorf("%.40q", got)
	}
	st, err := os.Stat(filepath.Join(dest, forgedID, "data/plan.json"))
	if err != nil || st.Mode().Perm() != 0o400 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if _, err := extract(t, w.archive, w.o, dest); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if got := len(filesBelow(t, dest)); got != len(names) {
		t.Errorf("%d files after the second time, want %d", got, len(names))
	}
}

func TestExtractChosen(t *testing.T) {
	w := newWorld(t)
	dest := t.TempDir()
	_, names, err := Extract(context.Background(), bytes.NewReader(w.archive), int64(len(w.archive)), w.o, dest,
		func(p string) bool { return strings.HasPrefix(p, "data/volatile/item-") })
	if err != nil || len(names) != 3 || len(filesBelow(t, dest)) != 3 {
		t.Errorf("%q, %v", names, err)
	}
}

func TestExtractNeverOverwritesNorFollows(t *testing.T) {
	w := newWorld(t)
	outside := t.TempDir()
	for name, plant := range map[string]func(dest string) error{
		"a file in its place": func(dest string) error {
			return errors.Join(os.MkdirAll(filepath.Join(dest, forgedID, "data"), 0o700),
				os.WriteFile(filepath.Join(dest, forgedID, "data", "plan.json"), []byte("mine"), 0o600))
		},
		"a link to a file outside": func(dest string) error {
			return errors.Join(os.MkdirAll(filepath.Join(dest, forgedID), 0o700), os.Symlink(filepath.Join(outside, "x"), filepath.Join(dest, forgedID, nameBagit)))
		},
		"the directory a link outside": func(dest string) error { return os.Symlink(outside, filepath.Join(dest, forgedID)) },
		"a directory within a link outside": func(dest string) error {
			return errors.Join(os.MkdirAll(filepath.Join(dest, forgedID), 0o700), os.Symlink("../../../../../../../.."+outside, filepath.Join(dest, forgedID, "data")))
		},
		"the temporary name a link outside": func(dest string) error {
			return errors.Join(os.MkdirAll(filepath.Join(dest, forgedID), 0o700), os.Symlink(filepath.Join(outside, "y"), filepath.Join(dest, forgedID, nameBagit+unverifiedSuffix)))
		},
		"a file where the directory is": func(dest string) error { return os.WriteFile(filepath.Join(dest, forgedID), []byte("mine"), 0o600) },
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			dest := t.TempDir()
			if err := plant(dest); err != nil {
				t.Fatal(err)
			}
			before := fmt.Sprint(filesBelow(t, dest))
			_, err := extract(t, w.archive, w.o, dest)
			if err == nil {
				t.Error("no error")
			}
			if left := filesBelow(t, outside); len(left) > 0 {
				t.Errorf("outside: %q", left)
			}
			for _, f := range filesBelow(t, dest) {
				if strings.HasSuffix(f, unverifiedSuffix) && !strings.Contains(before, f) {
					t.Errorf("left unverified: %s", f)
				}
				if b, err := os.ReadFile(f); strings.Contains(before, f) && err == nil && string(b) != "mine" {
					t.Errorf("%s was overwritten with %.20q", f, b)
				}
			}
		})
	}
}

func TestExtractPartial(t *testing.T) {
	w := newWorld(t)
	marks := w.of(frameMarker)
	for n := len(w.archive); n > 0; n -= 1 + len(w.archive)/40 {
		dest := filepath.Join(t.TempDir(), "x")
		names, err := extract(t, w.archive[:n], w.o, dest)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		authentic := 0
		for _, m := range marks {
			if end := w.frames[m].off + int64(len(w.frames[m].bytes)); int64(n) >= end {
				authentic++
			}
		}
		hasPlan, hasItems := false, false
		for _, name := range names {
			hasPlan = hasPlan || name == "data/plan.json"
			hasItems = hasItems || name == "data/volatile/Case"
		}
		if hasPlan != (authentic >= 1) || hasItems != (authentic >= 2) || len(filesBelow(t, dest)) != len(names) {
			t.Errorf("cut at %d, %d checkpoints: %q, files %q", n, authentic, names, filesBelow(t, dest))
		}
	}
}

// A host that knows us plants files with the names that we use ourselves.
func TestNamesOfOurOwnOnTheHost(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"x", "x~unverified", "x#unverified", "x~2", "X", "x/y", "x/y/z", "pax", "long", "long/x", "big", "big.p000000", "big.p000001", "custody/seal.json", "manifest-sha256.txt"}
	for _, p := range paths {
		if p == "big" {
			item := evidence.Item{Path: p}
			if err := w.Put(context.Background(), item, func(out io.Writer) error { return zeros(out, partUnknown+1) }); err != nil {
				t.Fatal(err)
			}
			continue
		}
		put(t, w, p, "contents of "+p)
	}
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	b, vo := readFile(t, filepath.Join(dir, s.Name)), trusting(t, o.Device)
	if r := verdict(t, b, vo); r.Verdict != Valid || int(r.Members) != len(paths)+1 {
		t.Fatalf("%s, %d members: %q", r.Verdict, r.Members, r.Findings)
	}
	dest := t.TempDir()
	if _, err := extract(t, b, vo, dest); err != nil {
		t.Fatal(err)
	}
	_, err = List(context.Background(), bytes.NewReader(b), int64(len(b)), vo, func(l RecordLine) error {
		path := or(l.Orig, strings.TrimPrefix(l.Path, "data/"))
		if l.Part != nil || path == "big" {
			return nil
		}
		if got := string(readFile(t, filepath.Join(dest, forgedID, l.Path))); got != "contents of "+path {
			t.Errorf("%s holds %q", path, got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// zeros writes n zero bytes.
func zeros(w io.Writer, n int64) error {
	_, err := io.CopyN(w, zeroReader{}, n)
	return err
}

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestCat(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("0123456789abcde\n"), (2*partUnknown+48)/16)
	if err := w.Put(context.Background(), evidence.Item{Path: "live"}, func(out io.Writer) error { _, err := out.Write(big); return err }); err != nil {
		t.Fatal(err)
	}
	put(t, w, "empty", "")
	put(t, w, "small", "small\n")
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	b, vo := readFile(t, filepath.Join(dir, s.Name)), trusting(t, o.Device)
	cat := func(b []byte, path string) (string, error) {
		var out bytes.Buffer
		_, err := Cat(context.Background(), bytes.NewReader(b), int64(len(b)), vo, path, &out)
		return out.String(), err
	}
	for path, want := range map[string]string{"data/live": string(big), "data/small": "small\n", "data/empty": "", "data/live.p000002": string(big[2*partUnknown:])} {
		if got, err := cat(b, path); err != nil || got != want {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
	for _, path := range []string{"data/liv", "data/live.p00000", "data", "", "../x"} {
		if got, err := cat(b, path); !errors.Is(err, ErrNoMember) || got != "" {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if got, err := cat(b[:len(b)/2], "data/live"); !errors.Is(err, ErrNoMember) || got != "" {
		t.Errorf("cut: %d bytes, %v", len(got), err)
	}
	if _, err := Cat(context.Background(), bytes.NewReader(b), int64(len(b)), vo, "data/small", brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("a broken output: %v", err)
	}
}

// What is too big for memory stands in a file that has no name while it is read,
// where the system allows that, and that is gone after it.
func TestCatLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "big", strings.Repeat("0123456789abcde\n", (catInMemory+16)/16))
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	b, vo := readFile(t, filepath.Join(dir, s.Name)), trusting(t, o.Device)
	cat := func(tmp string, out io.Writer) error {
		t.Setenv("TMPDIR", tmp)
		t.Setenv("TMP", tmp) // of Windows
		_, err := Cat(context.Background(), bytes.NewReader(b), int64(len(b)), vo, "data/big", out)
		return err
	}
	if err := cat(filepath.Join(dir, "none"), io.Discard); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a place for a file: %v", err)
	}
	tmp, named := t.TempDir(), 0
	names := func() int {
		list, err := os.ReadDir(tmp)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	look := writerFunc(func(b []byte) (int, error) { named = max(named, names()); return len(b), nil })
	if err := cat(tmp, look); err != nil || named > 0 && runtime.GOOS != "windows" || names() > 0 {
		t.Errorf("%v: %d names while it is read, %d left", err, named, names())
	}
	if err := cat(tmp, brokenWriter{}); !errors.Is(err, errBroken) || names() > 0 {
		t.Errorf("a broken output: %v, %d left", err, names())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }
