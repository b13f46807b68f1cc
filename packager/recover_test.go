package packager

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// crashed lays an archive and a log into a directory as a crash left them; a nil log is lost.
func crashed(t *testing.T, archive, log []byte) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(ArchiveName(forgedID)+partialSuffix, archive)
	if log != nil {
		write(LogName(forgedID), log)
	}
	return dir
}

func recovery(dir string, d Device) (Recovery, error) {
	return Recover(context.Background(), dir, ArchiveName(forgedID)+partialSuffix, d, "hozen/test", []string{"recover"}, testTime)
}

// logUpTo gives the events that a writer had logged when the archive had n bytes.
func logUpTo(t *testing.T, w *world, n int) []byte {
	events, _, err := readLog(w.log)
	if err != nil {
		t.Fatal(err)
	}
	keep := 0
	for i, e := range events {
		if e.Object.Bytes <= int64(n) {
			keep = i + 1
		}
	}
	return bytes.Join(lines(w.log)[:keep], nil)
}

func TestRecoverCuts(t *testing.T) {
	w := newWorld(t)
	first := w.frames[w.of(frameMarker)[0]]
	sealEnd := int(w.frames[w.of(frameHint)[0]].off)
	var cuts []int
	for n := len(w.archive); n > 0; n -= 1 + len(w.archive)/30 {
		cuts = append(cuts, n)
	}
	inParallel(t, len(cuts), func(t *testing.T, i int) {
		n := cuts[i]
		for name, log := range map[string][]byte{"its log": logUpTo(t, w, n), "a half-written log": append(logUpTo(t, w, n), `{"payl`...), "no log": nil} {
			dir := crashed(t, w.archive[:n], log)
			r, err := recovery(dir, w.device)
			if n < int(first.off)+len(first.bytes) {
				if !errors.Is(err, ErrNothingAuthentic) {
					t.Errorf("cut at %d with %s: %v", n, name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("cut at %d with %s: %v", n, name, err)
				continue
			}
			checkRecovered(t, w, dir, r, n, n >= sealEnd)
		}
	})
}

func checkRecovered(t *testing.T, w *world, dir string, r Recovery, n int, sealed bool) {
	t.Helper()
	wantName, want := IncompleteName(forgedID), ValidPartial
	if sealed {
		wantName, want = ArchiveName(forgedID), Valid
	}
	b, o := readFile(t, filepath.Join(dir, r.Name)), w.o
	o.Log = readFile(t, filepath.Join(dir, r.Log))
	if r.Name != wantName || !bytes.Equal(b, w.archive[:n]) {
		t.Errorf("cut at %d: %s, %d bytes", n, r.Name, len(b))
	}
	if rep := verdict(t, b, o); rep.Verdict != want || len(rep.Notes) == 0 {
		t.Errorf("cut at %d, recovered: %s %q", n, rep.Verdict, rep.Findings)
	}
	if sealed {
		return
	}
	changed := bytes.Clone(b)
	changed[len(changed)-1] ^= 1
	for what, b := range map[string][]byte{"tail changed": changed, "cut": b[:len(b)-1], "zeros appended": append(bytes.Clone(b), 0)} {
		if rep := verdict(t, b, o); rep.Verdict != Invalid {
			t.Errorf("recovered at %d and then %s: %s", n, what, rep.Verdict)
		}
	}
}

func TestRecoverTwice(t *testing.T) {
	w := newWorld(t)
	n := len(w.archive) / 2
	dir := crashed(t, w.archive[:n], logUpTo(t, w, n))
	r, err := recovery(dir, w.device)
	if err != nil {
		t.Fatal(err)
	}
	log := readFile(t, filepath.Join(dir, r.Log))
	if _, err := recovery(dir, w.device); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a second time: %v", err)
	}
	// The power went again, between the event and the renaming.
	again := crashed(t, w.archive[:n], log)
	if r, err = recovery(again, w.device); err != nil {
		t.Fatal(err)
	}
	checkRecovered(t, w, again, r, n, false)
	// Somebody has a file of that name already: nothing is written over it.
	taken := crashed(t, w.archive[:n], nil)
	mine := filepath.Join(taken, IncompleteName(forgedID))
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := recovery(taken, w.device); !errors.Is(err, os.ErrExist) || string(readFile(t, mine)) != "mine" {
		t.Errorf("over an existing file: %v", err)
	}
}

func TestRecoverByAStranger(t *testing.T) {
	w := newWorld(t)
	n := len(w.archive) / 2
	dir := crashed(t, w.archive[:n], logUpTo(t, w, n))
	r, err := recovery(dir, newDevice(t, "laboratory"))
	if err != nil {
		t.Fatal(err)
	}
	o := w.o
	o.Log = readFile(t, filepath.Join(dir, r.Log))
	// What a stranger says of the bytes as he found them takes nothing from what the
	// device signed: a note, and the partial verdict that it had before.
	rep := verdict(t, readFile(t, filepath.Join(dir, r.Name)), o)
	if rep.Verdict != ValidPartial || !strings.Contains(strings.Join(rep.Notes, "\n"), "not trusted") {
		t.Errorf("%s %q", rep.Verdict, rep.Notes)
	}
}

func TestRecoverRefuses(t *testing.T) {
	w := newWorld(t)
	flipped := bytes.Clone(w.archive)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct{ archive, log []byte }{
		"changed":              {flipped, w.log},
		"changed, no log":      {flipped, nil},
		"cut, the log saw all": {w.archive[:len(w.archive)/2], w.log},
		"an empty log":         {w.archive, []byte{}},
		"another's log":        {w.archive, w.otherLog},
		"another's archive":    {w.other, nil},
		"empty":                {nil, nil},
	} {
		dir := crashed(t, c.archive, c.log)
		_, err := recovery(dir, w.device)
		left, _ := os.ReadDir(dir)
		want := 1
		if c.log != nil {
			want = 2
		}
		if err == nil || len(left) != want || !bytes.Equal(readFile(t, filepath.Join(dir, ArchiveName(forgedID)+partialSuffix)), c.archive) {
			t.Errorf("%s: %v, %v", name, err, left)
		}
		if c.log != nil && !bytes.Equal(readFile(t, filepath.Join(dir, LogName(forgedID))), c.log) {
			t.Errorf("%s: the log was written to", name)
		}
	}
	for _, name := range []string{"x.tar.zst", "../x.tar.zst.partial", "X.tar.zst.partial"} {
		if _, err := Recover(context.Background(), t.TempDir(), name, w.device, "", nil, testTime); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
