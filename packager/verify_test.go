package packager

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trusting gives options that trust a device.
func trusting(t testing.TB, d Device) VerifyOptions {
	t.Helper()
	line, err := d.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ParseTrust(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	return VerifyOptions{Trust: trust}
}

func verdict(t testing.TB, b []byte, o VerifyOptions) *Report {
	t.Helper()
	v := newVerification(bytes.NewReader(b), int64(len(b)), o, nil)
	rep, err := v.all(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	hashedWell(t, b, v)
	return rep
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVerifyWhole(t *testing.T) {
	dir := t.TempDir()
	file, d := writeArchive(t, dir)
	b, o := readFile(t, file), trusting(t, d)
	if r := verdict(t, b, o); r.Verdict != Valid {
		t.Fatalf("%+v", r)
	}
	o.Log = readFile(t, filepath.Join(dir, LogName("pc-42-20261121t090000z-3fa9c1")))
	if r := verdict(t, b, o); r.Verdict != Valid || len(r.Events) != 5 {
		t.Fatalf("%+v", r)
	}
}

// Every prefix of an archive verifies up to its last checkpoint, and never as
// more; only what follows the seal may be missing from a VALID one.
func TestEveryTruncation(t *testing.T) {
	b, o := smallArchive(t)
	sealEnd := len(b) - len(seekTableOf(t, b))
	inParallel(t, len(b), func(t *testing.T, n int) {
		r := verdict(t, b[:n], o)
		want := r.Checkpoint > 0 && r.Verdict == ValidPartial || r.Checkpoint == 0 && r.Verdict == NotEvidence
		if n >= sealEnd {
			want = r.Verdict == Valid
		}
		if !want {
			t.Errorf("cut at %d of %d: %s, checkpoint %d: %v", n, len(b), r.Verdict, r.Checkpoint, r.Findings)
		}
	})
}

// seekTableOf gives what follows the seal frame: the hint and the seek table.
func seekTableOf(t testing.TB, b []byte) []byte {
	i := bytes.LastIndex(b, []byte("hozen-end "))
	if i < 8 {
		t.Fatal("no hint")
	}
	return b[i-8:]
}

// No bit of a sealed archive can be changed without notice.
func TestEveryFlip(t *testing.T) {
	b, o := smallArchive(t)
	inParallel(t, len(b), func(t *testing.T, i int) {
		flipped := bytes.Clone(b)
		flipped[i] ^= 1 << (i % 8)
		if r := verdict(t, flipped, o); r.Verdict != Invalid {
			t.Errorf("byte %d of %d: %s %v", i, len(b), r.Verdict, r.Notes)
		}
	})
}

// smallArchive is a sealed archive with two segments.
func smallArchive(t testing.TB) ([]byte, VerifyOptions) {
	t.Helper()
	dir := t.TempDir()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "a.txt", "evidence\n")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	put(t, w, "b.txt", "more\n")
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	return readFile(t, filepath.Join(dir, s.Name)), trusting(t, o.Device)
}

// some is how many of n cases are tried: fewer under the race detector, which looks for
// other things and makes each ten times as slow, and where tests are to be short.
func some(n int) int {
	if raceDetector || testing.Short() {
		return max(n/4, 1)
	}
	return n
}

// inParallel runs f for 0 … n-1 on all processors. Of many it takes every ninth
// where only some are to be tried.
func inParallel(t *testing.T, n int, f func(t *testing.T, i int)) {
	const shares = 8
	step := 1
	if n > 1000 && some(n) < n {
		step = 9
	}
	for s := range shares {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for i := s * step; i < n; i += shares * step {
				f(t, i)
			}
		})
	}
}
