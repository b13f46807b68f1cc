package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/deliver"
)

const (
	id      = "pc-42-20261122t090000z-0000aa"
	archive = id + ".tar.zst"
	logName = id + ".custody.jsonl"
)

func content(size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// shaky is a destination that fails when it is told to.
type shaky struct {
	deliver.Destination
	fail   func(op string, at int64) error // nil: all is well
	weaken bool                            // forgets what was not flushed, as a server does that lost its power
	dir    string
}

type shakyUpload struct {
	deliver.Upload
	d *shaky
}

func newShaky(t *testing.T) *shaky {
	dir := t.TempDir()
	d, err := deliver.New(deliver.Place{Kind: deliver.Directory, Path: dir}, deliver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &shaky{Destination: d, fail: func(string, int64) error { return nil }, dir: dir}
}

// Open implements deliver.Destination.
func (s *shaky) Open(ctx context.Context, name string) (deliver.Upload, error) {
	if err := s.fail("open", 0); err != nil {
		return nil, err
	}
	u, err := s.Destination.Open(ctx, name)
	return &shakyUpload{u, s}, err
}

// Write implements deliver.Upload.
func (u *shakyUpload) Write(ctx context.Context, p []byte) error {
	if err := u.d.fail("write", u.Offset()); err != nil {
		return err
	}
	return u.Upload.Write(ctx, p)
}

// Flush implements deliver.Upload.
func (u *shakyUpload) Flush(ctx context.Context) error {
	if err := u.d.fail("flush", u.Offset()); err != nil {
		return err
	}
	return u.Upload.Flush(ctx)
}

// Commit implements deliver.Upload.
func (u *shakyUpload) Commit(ctx context.Context, size int64, sum string) error {
	if err := u.d.fail("commit", u.Offset()); err != nil {
		return err
	}
	return u.Upload.Commit(ctx, size, sum)
}

// Rewind implements deliver.Resumer; a server that lost its power has less.
func (u *shakyUpload) Rewind(to int64) {
	if u.d.weaken {
		to -= 3 << 20
	}
	u.Upload.(deliver.Resumer).Rewind(to)
}

// Proof implements deliver.Prover.
func (u *shakyUpload) Proof() deliver.Proof { return deliver.ProofOf(u.Upload) }

// Check implements deliver.Resumer.
func (u *shakyUpload) Check(context.Context, io.Reader) error { return nil }

// write writes both files as the packager does, and says what each had.
func write(t *testing.T, d *Disk, b []byte) error {
	t.Helper()
	f, err := d.Create(archive + partialSuffix)
	if err != nil {
		return err
	}
	l, err := d.Create(logName)
	if err != nil {
		return err
	}
	for at := 0; at < len(b); {
		n := min(len(b)-at, 700_001)
		if _, err := f.Write(b[at : at+n]); err != nil {
			return err
		}
		if at += n; at%3 == 0 {
			if err := f.Sync(); err != nil {
				return err
			}
			if _, err := l.Write([]byte("event\n")); err != nil {
				return err
			}
			if err := l.Sync(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(f.Sync(), f.Close(), l.Close()); err != nil {
		return err
	}
	return d.Rename(archive+partialSuffix, archive)
}

func has(t *testing.T, dir, name string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, want %d; %v", name, len(got), len(want), err)
	}
}

func TestStreams(t *testing.T) {
	to, b := newShaky(t), content(40<<20+3)
	d := New(t.Context(), Options{To: to, Place: "there"})
	if err := write(t, d, b); err != nil {
		t.Fatal(err)
	}
	has(t, to.dir, archive, b)
	all := d.Arrived()
	if len(all) != 2 || all[0].Proof != deliver.ReadBack || all[1].Proof != deliver.ReadBack || all[0].Bytes != int64(len(b)) || all[0].Rest != "" || d.Lost() != nil {
		t.Errorf("%+v %v", all, d.Lost())
	}
	if sum := sha256.Sum256(b); all[0].SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("SHA-256 %s", all[0].SHA256)
	}
	if _, err := New(t.Context(), Options{To: to}).Create(archive + partialSuffix); !errors.Is(err, os.ErrExist) {
		t.Errorf("over what is there: %v", err)
	}
}

// The link breaks again and again, and comes back; the server may have less than before.
func TestLinkComesBack(t *testing.T) {
	for _, op := range []string{"write", "flush", "commit"} {
		for _, weaken := range []bool{false, true} {
			to, b, n, again := newShaky(t), content(24<<20), 0, false
			to.weaken = weaken
			to.fail = func(what string, at int64) error {
				if what == op {
					n++
				}
				// Once, then twice in a row, with the third during the sending again.
				if what == op && (n == 2 || n == 20 || n == 25 || n == 60) || what == "open" && n == 20 && !again {
					again = what == "open"
					return errors.New("connection reset")
				}
				return nil
			}
			var told []State
			d := New(t.Context(), Options{To: to, Place: "there", Retry: time.Minute, Told: func(s State, _ error) { told = append(told, s) }})
			if err := write(t, d, b); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
			has(t, to.dir, archive, b)
			if (len(told) < 2 || told[0] != Lost || told[1] != Back) && op != "commit" {
				t.Errorf("%s: told %v", op, told)
			}
		}
	}
}

// The link is lost for good at some byte. With a folder, nothing is missing afterwards.
func TestRest(t *testing.T) {
	for _, c := range []struct {
		name string
		op   string
		at   int64
		rest bool // a rest, not the whole file
	}{
		{"soon", "write", 5 << 20, false}, {"late", "write", 30 << 20, true}, {"at a flush", "flush", 33 << 20, true}, {"at the end", "commit", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, here, b := newShaky(t), t.TempDir(), content(40<<20+3)
			gone := false
			to.fail = func(op string, at int64) error {
				if gone = gone || op == c.op && at >= c.at; gone {
					return errors.New("no route to host")
				}
				return nil
			}
			d := New(t.Context(), Options{To: to, Place: "there", Rest: here, Retry: time.Millisecond})
			if err := write(t, d, b); err != nil {
				t.Fatal(err)
			}
			all := d.Arrived()
			if d.Lost() == nil || all[0].Proof != "" || all[0].Rest == "" || (all[0].From > 0) != c.rest || all[1].Rest != filepath.Join(here, logName) || all[1].From != 0 {
				t.Fatalf("%+v, lost %v", all, d.Lost())
			}
			if !c.rest {
				has(t, here, archive, b)
				return
			}
			to.fail = func(string, int64) error { return nil }
			n, file, err := ReadNote(all[0].Rest)
			if err != nil {
				t.Fatal(err)
			}
			if proof, err := Complete(t.Context(), to, n, file, nil); err != nil || proof != deliver.ReadBack {
				t.Fatalf("%s %v", proof, err)
			}
			has(t, to.dir, archive, b)
			if _, err := Complete(t.Context(), to, n, file, nil); err != nil {
				t.Errorf("again: %v", err)
			}
			if _, err := Complete(t.Context(), newShaky(t), n, file, nil); !errors.Is(err, deliver.ErrDiffers) {
				t.Errorf("at a place that has not the beginning: %v", err)
			}
		})
	}
}

// Without a folder the collection ends, soon, and what was acknowledged is there.
func TestLostForGood(t *testing.T) {
	to, b := newShaky(t), content(10<<20)
	to.fail = func(op string, at int64) error {
		if at >= 4<<20 || op == "open" && at > 0 {
			return deliver.ErrCredentials
		}
		return nil
	}
	d := New(t.Context(), Options{To: to, Place: "there", Retry: time.Hour})
	err := write(t, d, b)
	if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "there") {
		// ErrCredentials on the first reopening ends it: trying again does not help.
		t.Fatalf("%v", err)
	}
	got, err := os.ReadFile(filepath.Join(to.dir, archive+".part"))
	if err != nil || len(got) < 4<<20 || !bytes.Equal(got, b[:len(got)]) {
		t.Errorf("%d bytes are there; %v", len(got), err)
	}
}

// A collection that is killed behind the loss leaves a file that can be recovered, or a
// rest that says what it is.
func TestKilledBehindTheLoss(t *testing.T) {
	to, here, b := newShaky(t), t.TempDir(), content(30<<20)
	to.fail = func(op string, at int64) error {
		if at >= 20<<20 || op == "open" && at > 0 {
			return deliver.ErrCredentials
		}
		return nil
	}
	d := New(t.Context(), Options{To: to, Rest: here})
	f, err := d.Create(archive + partialSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	n, file, err := ReadNote(filepath.Join(here, archive+NoteSuffix))
	if err != nil || n.Size != -1 || n.From == 0 || n.From > 20<<20 {
		t.Fatalf("%+v %v", n, err)
	}
	has(t, here, archive+RestSuffix, b[n.From:])
	if _, err := Complete(t.Context(), to, n, file, nil); !errors.Is(err, ErrUnended) {
		t.Errorf("%v", err)
	}
	var _ packager.Disk = d
}

func FuzzReadNote(f *testing.F) {
	f.Add([]byte(`{"type":"hozen/rest/1","name":"a.tar.zst","from":5,"acknowledged":6,"bytes":9,"sha256":"","to":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.tar.zst"+NoteSuffix), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if n, file, err := ReadNote(filepath.Join(dir, "a.tar.zst"+RestSuffix)); err == nil && (n.Name != "a.tar.zst" || n.From <= 0 || filepath.Dir(file) != dir) {
			t.Fatalf("%+v %s", n, file)
		}
	})
}
