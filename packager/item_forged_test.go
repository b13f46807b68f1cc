package packager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asItem asks for one item, without reading the rest.
func asItem(t *testing.T, d Device, archive []byte, name string) (rep *Report, out string) {
	t.Helper()
	o := trusting(t, d)
	o.OnlyFrom = 1
	var b bytes.Buffer
	rep, err := Cat(context.Background(), bytes.NewReader(archive), int64(len(archive)), o, name, &b)
	if rep == nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rep, b.String()
}

// A name that the format forbids is not handed out, however little of the archive is read.
func TestItemOfForbiddenName(t *testing.T) {
	d := newDevice(t, "pc-42")
	for _, name := range []string{"data/../../other-20260101t000000z-000000/data/planted", "data/../custody/genesis.json", "data/a\x1b[2Jb", "data/\u202etxt.exe", "data/CON", "data/x:stream", "data/A.TXT", "data/a.txt/b"} {
		f := newForge(t, d)
		f.member("data/a.txt", "evidence\n")
		f.cut()
		f.member(name, "hidden\n")
		archive := f.finish()
		if rep, out := asItem(t, d, archive, name); rep.Verdict != Invalid || rep.OnlyItems || out != "" {
			t.Errorf("%q: %s, only items: %v, %q", name, rep.Verdict, rep.OnlyItems, out)
		}
		o, dest := trusting(t, d), filepath.Join(t.TempDir(), "to")
		o.OnlyFrom = 1
		rep, names, err := Extract(context.Background(), bytes.NewReader(archive), int64(len(archive)), o, dest, func(n string) bool { return n == name })
		if left, _ := os.ReadDir(dest); rep == nil || rep.Verdict != Invalid || len(names) > 0 || len(left) > 0 {
			t.Errorf("%q: extracted %q, %v: %v", name, names, left, err)
		}
	}
}

// Whoever offers a name to what extracts, it is refused.
func TestExtractorRefusesNames(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	e := &extractor{root: root, id: forgedID}
	if w, err := e.begin("data/../custody/genesis.json", 1); w != nil || !errors.Is(err, errContradiction) {
		t.Errorf("%v, %v", w, err)
	}
}

// A list with a line that no name can fill is not searched; the whole pass has the word.
func TestItemOfLongLine(t *testing.T) {
	d := newDevice(t, "pc-42")
	for long, only := range map[int]bool{100: true, maxLine + 1: false, 500 << 10: false} {
		f := newForge(t, d)
		f.member("data/a.txt", "evidence\n")
		f.cut()
		fmt.Fprintln(f.lists[nameTagManifest], strings.Repeat("a", long))
		if rep, out := asItem(t, d, f.finish(), "data/a.txt"); rep.OnlyItems != only || out != "evidence\n" {
			t.Errorf("a line of %d bytes: only items: %v, %q", long, rep.OnlyItems, out)
		}
	}
}

// What is read of a list ends when nobody waits for it any more.
func TestItemStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &picker{packed: []int64{0, 1}, plain: []int64{0, 3 << 20}, block: make([]byte, 3<<20)}
	n := 0
	err := p.contents(ctx, 0, 3<<20, func([]byte) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%v after %d reads", err, n)
	}
}

// A seal is held to the same by item and by the whole pass.
func TestItemOfForgedSeal(t *testing.T) {
	d := newDevice(t, "pc-42")
	for name, change := range map[string]func(*Seal){
		"status":   func(s *Seal) { s.Status = "nonsense" },
		"tree":     func(s *Seal) { s.Tree.Size++ },
		"manifest": func(s *Seal) { s.Manifest.Path = "manifest" },
	} {
		f := newForge(t, d)
		f.member("data/a.txt", "evidence\n")
		if rep, _ := asItem(t, d, f.seal(lie{}, lie{seal: change}), "data/a.txt"); rep.Verdict != Invalid || rep.OnlyItems {
			t.Errorf("%s: %s, only items: %v", name, rep.Verdict, rep.OnlyItems)
		}
	}
}
