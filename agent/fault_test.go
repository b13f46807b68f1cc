package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hozen/collector"
	"hozen/packager"
	"hozen/packager/evidence"
)

// breakage is how a call to the disk goes wrong.
type breakage int

const (
	refuses breakage = iota // nothing is written, ENOSPC
	short                   // half of it is written, ENOSPC
	dies                    // half of it is written, and the machine with it: no later call does anything
)

// brokenDisk is a directory whose n-th call fails; the first is 1. All later
// calls of a dead one fail, too.
type brokenDisk struct {
	packager.Dir
	n    int
	how  breakage
	mu   sync.Mutex
	call int
	dead bool
	what []string // the calls, in order
}

func (d *brokenDisk) next(what string) (broken, half bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.call++
	d.what = append(d.what, what)
	if d.dead {
		return true, false
	}
	if d.call != d.n {
		return false, false
	}
	d.dead = d.how == dies
	return true, d.how != refuses
}

var errFull = error(syscall.ENOSPC)

// Create implements packager.Disk.
func (d *brokenDisk) Create(name string) (packager.File, error) {
	if broken, _ := d.next("create"); broken {
		return nil, errFull
	}
	f, err := d.Dir.Create(name)
	return &brokenFile{f, d}, err
}

// Append implements packager.Disk.
func (d *brokenDisk) Append(name string) (packager.File, error) {
	if broken, _ := d.next("append"); broken {
		return nil, errFull
	}
	f, err := d.Dir.Append(name)
	return &brokenFile{f, d}, err
}

// Rename implements packager.Disk.
func (d *brokenDisk) Rename(from, to string) error {
	if broken, _ := d.next("rename"); broken {
		return errFull
	}
	return d.Dir.Rename(from, to)
}

type brokenFile struct {
	packager.File
	d *brokenDisk
}

// Write implements packager.File.
func (f *brokenFile) Write(b []byte) (int, error) {
	broken, half := f.d.next("write")
	if !broken {
		return f.File.Write(b)
	}
	n := 0
	if half {
		n, _ = f.File.Write(b[:len(b)/2])
	}
	return n, errFull
}

// Sync implements packager.File.
func (f *brokenFile) Sync() error {
	if broken, _ := f.d.next("sync"); broken {
		return errFull
	}
	return f.File.Sync()
}

// texts that the small collections of these tests take.
func faultBodies() map[string]string {
	m := map[string]string{}
	for _, n := range []string{"first", "second", "third"} {
		m["volatile/"+n+"/text.txt"] = strings.Repeat(n+" ", 3000)
		m["volatile/"+n+".jsonl"] = `{"name":"` + n + `"}` + "\n"
	}
	return m
}

func faultCollectors(request) []collector.Collector {
	var out []collector.Collector
	for _, n := range []string{"first", "second", "third"} {
		out = append(out, collector.Collector{
			Name: n, Doc: n, Volatility: collector.Live, Limit: collector.Limit{Time: time.Minute},
			Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
				for _, p := range []string{"volatile/" + n + "/text.txt", "volatile/" + n + ".jsonl"} {
					err := to.Put(ctx, evidence.Item{Path: p, Source: "test"}, func(w io.Writer) error {
						_, err := io.WriteString(w, faultBodies()[p])
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			},
		})
	}
	return out
}

// testApp is the command in this process, with its output kept.
func testApp(args ...string) (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = newApp(append([]string{"hozen"}, args...))
	a.stdout, a.stderr, a.lang = stdout, stderr, english
	a.outTerminal, a.errTerminal = false, false
	a.env = func(string) string { return "" }
	a.tool = func() string { return "hozen/test" }
	a.collectors = faultCollectors
	return a, stdout, stderr
}

// emptyHost is the root of a machine with nothing in it.
func emptyHost(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

func faultyRun(t *testing.T, root, dir string, d *brokenDisk) (code int, stderr string) {
	t.Helper()
	a, _, e := testApp("collect", "--root", root, "--out", dir)
	d.Dir = packager.Dir(dir)
	a.disk = func(string) packager.Disk { return d }
	return a.run(context.Background()), e.String()
}

// TestVerifyNeverSaysYesToALie breaks every call to the disk in turn, in every
// way. Whatever is left then is judged: exit code 0 stands for a file that has
// its name, verifies, and holds everything; anything else says no.
func TestVerifyNeverSaysYesToALie(t *testing.T) {
	root := emptyHost(t)
	probe := &brokenDisk{}
	if code, stderr := faultyRun(t, root, t.TempDir(), probe); code != exitWhole {
		t.Fatalf("on a sound disk: exit code %d\n%s", code, stderr)
	}
	calls := probe.call
	if calls < 25 || !slices.Contains(probe.what, "rename") {
		t.Fatalf("only %d calls to the disk: %v", calls, probe.what)
	}
	step := 1
	if testing.Short() {
		step = 4
	}
	verdicts := map[packager.Verdict]int{}
	for _, how := range []breakage{refuses, short, dies} {
		for n := 1; n <= calls; n += step {
			dir := t.TempDir()
			code, stderr := faultyRun(t, root, dir, &brokenDisk{n: n, how: how})
			if code != exitNotSealed || !strings.Contains(stderr, "no space left") {
				t.Errorf("fault %d at call %d (%s): exit code %d\n%s", how, n, probe.what[n-1], code, stderr)
			}
			verdicts[judgeLeft(t, dir, stderr)]++
		}
	}
	t.Logf("%d calls, %v", calls, verdicts)
	if verdicts[packager.ValidPartial] == 0 {
		t.Error("no fault left anything authentic")
	}
}

func judgeLeft(t *testing.T, dir, stderr string) packager.Verdict {
	t.Helper()
	if sealed := one(t, dir, "*.tar.zst"); sealed != "" {
		t.Errorf("%s has its final name though the command failed", filepath.Base(sealed))
	}
	partial := one(t, dir, "*.partial")
	if partial == "" {
		return "nothing"
	}
	r := judge(t, partial)
	switch r.Verdict {
	case packager.Valid:
		mustHoldEverything(t, partial)
	case packager.ValidPartial:
		if !strings.Contains(stderr, "hozen recover") {
			t.Errorf("the responder is not told what is left:\n%s", stderr)
		}
	case packager.NotEvidence:
	default:
		t.Errorf("%s: %v", r.Verdict, r.Findings)
	}
	return r.Verdict
}

// mustHoldEverything checks an archive that is said to be VALID, byte for byte.
func mustHoldEverything(t *testing.T, file string) {
	t.Helper()
	a := &app{env: func(string) string { return "" }}
	f, err := a.openArchive(file, belief{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for path, want := range faultBodies() {
		var b bytes.Buffer
		if _, err := packager.Cat(context.Background(), f, f.size, f.options, "data/"+path, &b); err != nil || b.String() != want {
			t.Errorf("VALID without all of %s: %d bytes, %v", path, b.Len(), err)
		}
	}
}

// A file system that is really full, where there may be one.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	unmount, err := mountTiny(dir)
	if err != nil {
		t.Skipf("needs root: a file system of 64 KiB: %v", err)
	}
	defer unmount()
	a, _, stderr := testApp("collect", "--root", emptyHost(t), "--out", dir)
	a.collectors = func(request) []collector.Collector {
		return append(faultCollectors(request{}), collector.Collector{
			Name: "large", Doc: "more than there is room for", Volatility: collector.Temporary, Limit: collector.Limit{Time: time.Minute},
			Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
				return to.Put(ctx, evidence.Item{Path: "volatile/large/random", Source: "test"}, func(w io.Writer) error {
					_, err := io.CopyN(w, &noise{}, 1<<20)
					return err
				})
			},
		})
	}
	if code := a.run(context.Background()); code != exitNotSealed || !errors.Is(errFull, syscall.ENOSPC) || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if r := judge(t, one(t, dir, "*.partial")); r.Verdict != packager.ValidPartial || r.Checkpoint < 4 {
		t.Errorf("%s at checkpoint %d: %v", r.Verdict, r.Checkpoint, r.Findings)
	}
}

// noise does not compress.
type noise struct{ x uint64 }

// Read fills b (xorshift).
func (n *noise) Read(b []byte) (int, error) {
	for i := range b {
		n.x = n.x*6364136223846793005 + 1442695040888963407
		b[i] = byte(n.x >> 56)
	}
	return len(b), nil
}

// The tests above would mean nothing if a lie were not found.
func TestALieIsFound(t *testing.T) {
	dir := t.TempDir()
	if code, stderr := faultyRun(t, emptyHost(t), dir, &brokenDisk{}); code != exitWhole {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	file := one(t, dir, "*.tar.zst")
	if r := judge(t, file); r.Verdict != packager.Valid {
		t.Fatalf("%s: %v", r.Verdict, r.Findings)
	}
	mustHoldEverything(t, file)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/3] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := judge(t, file); r.Verdict == packager.Valid || r.Verdict == packager.ValidPartial {
		t.Errorf("%s after one bit", r.Verdict)
	}
}
