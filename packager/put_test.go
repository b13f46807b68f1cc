package packager

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hozen/packager/evidence"
	"hozen/packager/secret"
	"hozen/packager/signed"
)

// sealAndList seals, verifies, and gives the records and the archive.
func sealAndList(t *testing.T, w *Writer, dir string) (map[string]RecordLine, []byte, VerifyOptions) {
	t.Helper()
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	b, o := readFile(t, filepath.Join(dir, s.Name)), trusting(t, w.o.Device)
	records := map[string]RecordLine{}
	r, err := List(context.Background(), bytes.NewReader(b), int64(len(b)), o, func(l RecordLine) error {
		records[strings.TrimPrefix(l.Path, "data/")] = l
		return nil
	})
	if err != nil || r.Verdict != Valid {
		t.Fatalf("%v %+v", err, r)
	}
	return records, b, o
}

func create(t *testing.T) (*Writer, string) {
	t.Helper()
	dir := t.TempDir()
	w, err := Create(testOptions(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	return w, dir
}

func known(path string, size int64) evidence.Item {
	return evidence.Item{Path: path, Collector: "test", File: &evidence.FileMeta{Mode: evidence.ModeRegular | 0o644, Size: size}}
}

func TestPutSizes(t *testing.T) {
	const mib = 1 << 20
	w, dir := create(t)
	type size struct {
		path          string
		known, actual int64
		parts         int
		outcome       evidence.Outcome
		short         int64
		grew          bool
	}
	list := []size{
		{"empty", -1, 0, 0, evidence.Collected, 0, false}, {"one", -1, 1, 0, evidence.Collected, 0, false},
		{"8m", -1, 8 * mib, 0, evidence.Collected, 0, false}, {"8m1", -1, 8*mib + 1, 2, evidence.Collected, 0, false},
		{"17m", -1, 17 * mib, 3, evidence.Collected, 0, false},
		{"k0", 0, 0, 0, evidence.Collected, 0, false}, {"k1", 1, 1, 0, evidence.Collected, 0, false}, {"k1-grew", 1, 5, 0, evidence.Collected, 0, false},
		{"k8m", 8 * mib, 8 * mib, 0, evidence.Collected, 0, false}, {"k8m1", 8*mib + 1, 8*mib + 1, 0, evidence.Collected, 0, false},
		{"k9m-grew", 9 * mib, 9*mib + 7, 0, evidence.Collected, 0, true}, {"k9m-shrank", 9 * mib, 3, 0, evidence.Partial, 9*mib - 3, false},
		{"k9m-emptied", 9 * mib, 0, 0, evidence.Partial, 0, false}, {"k64m", 64 * mib, 64 * mib, 0, evidence.Collected, 0, false},
		{"k64m1", 64*mib + 1, 64*mib + 1, 2, evidence.Collected, 0, false}, {"k64m1-shrank", 64*mib + 1, 64 * mib, 1, evidence.Partial, 0, false},
		{"k64m1-shrank-more", 64*mib + 1, 10, 1, evidence.Partial, 64*mib - 10, false},
		{"k65m-large-pieces", 65*mib + 3, 65*mib + 3, 2, evidence.Collected, 0, false},
	}
	for _, s := range list {
		item := evidence.Item{Path: s.path, Collector: "test"}
		if s.known >= 0 {
			item = known(s.path, s.known)
		}
		fill := func(out io.Writer) error { return zeros(out, s.actual) }
		if strings.HasSuffix(s.path, "large-pieces") {
			fill = func(out io.Writer) error { return largePieces(out, s.actual) }
		}
		if err := w.Put(context.Background(), item, fill); err != nil {
			t.Fatal(err)
		}
	}
	records, b, o := sealAndList(t, w, dir)
	sums := itemSums{}
	if _, err := verify(context.Background(), bytes.NewReader(b), int64(len(b)), o, sums); err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		r := records[s.path]
		kept := s.actual + s.short
		if s.grew {
			kept = s.known
		}
		if r.Outcome != s.outcome || r.Size != kept || r.Parts != s.parts || r.Short != s.short || r.Grew != s.grew {
			t.Errorf("%s: %+v", s.path, r)
		}
		if (r.Outcome == evidence.Partial) != strings.Contains(r.Note, "shorter") {
			t.Errorf("%s: note %q", s.path, r.Note)
		}
		if got := hex.EncodeToString(sums[r.Path].Sum(nil)); got != r.SHA256 {
			t.Errorf("%s: read back %s, recorded %s", s.path, got, r.SHA256)
		}
	}
}

// largePieces writes n bytes, no two pieces alike, each large enough that a member
// and its item are hashed at once.
func largePieces(w io.Writer, n int64) error {
	for i := byte(1); n > 0; i++ {
		b := bytes.Repeat([]byte{i}, int(min(n, 700_000)))
		if _, err := w.Write(b); err != nil {
			return err
		}
		n -= int64(len(b))
	}
	return nil
}

// itemSums is a visitor that hashes items, those in parts as a whole.
type itemSums map[string]hash.Hash

func (s itemSums) begin(name string, _ int64) (io.Writer, error) {
	if i := strings.LastIndex(name, ".p0"); i > 0 && isPart(name, name[:i]) {
		name = name[:i]
	}
	if s[name] == nil {
		s[name] = sha256.New()
	}
	return s[name], nil
}

func (s itemSums) end() error          { return nil }
func (s itemSums) authentic(int) error { return nil }

func TestPutHungAndPanic(t *testing.T) {
	w, dir := create(t)
	hang, done := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := w.Put(ctx, evidence.Item{Path: "hung"}, func(out io.Writer) error {
		io.WriteString(out, "before")
		cancel()
		<-hang
		_, err := io.WriteString(out, "after")
		done <- err
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "next", "next\n") // may get the buffer of the hung one
	close(hang)
	if err := <-done; !errors.Is(err, errLeft) {
		t.Errorf("a write after it was left behind: %v", err)
	}
	if err := w.Put(context.Background(), evidence.Item{Path: "panic"}, func(io.Writer) error { panic("of the reader") }); err != nil {
		t.Fatal(err)
	}
	called := false
	if err := w.Put(ctx, evidence.Item{Path: "late"}, func(io.Writer) error { called = true; return nil }); err != nil || called {
		t.Errorf("after the end: %v, called %t", err, called)
	}
	big := make([]byte, 1000)
	ctx2, cancel2 := context.WithCancelCause(context.Background())
	if err := w.Put(ctx2, known("half", partUnknown+1), func(out io.Writer) error {
		_, err := out.Write(big)
		cancel2(context.Canceled)
		return errors.Join(err, ctx2.Err())
	}); err != nil {
		t.Fatal(err)
	}
	r, b, o := sealAndList(t, w, dir)
	if r["hung"].Outcome != evidence.Partial || r["hung"].Size != 6 || !strings.Contains(r["hung"].Note, "left behind") {
		t.Errorf("%+v", r["hung"])
	}
	if r["panic"].Outcome != evidence.Failed || !strings.Contains(r["panic"].Note, "of the reader at put_test.go:") {
		t.Errorf("%+v", r["panic"])
	}
	if r["late"].Outcome != evidence.Skipped || !r["late"].Shortfall || r["late"].SHA256 != "" {
		t.Errorf("%+v", r["late"])
	}
	if h := r["half"]; h.Outcome != evidence.Partial || h.Short != partUnknown+1-1000 || h.Size != partUnknown+1 {
		t.Errorf("%+v", h)
	}
	var out bytes.Buffer
	if _, err := Cat(context.Background(), bytes.NewReader(b), int64(len(b)), o, "data/hung", &out); err != nil || out.String() != "before" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestPutConcurrently(t *testing.T) {
	w, dir := create(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				item := evidence.Item{Path: fmt.Sprintf("g%d/%d", g, i), Collector: "test"}
				if i%20 == 7 {
					item = known(item.Path, partUnknown+3)
				}
				err := w.Put(context.Background(), item, func(out io.Writer) error {
					if i%20 == 7 {
						return zeros(out, partUnknown+3)
					}
					_, err := io.WriteString(out, item.Path)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if i%15 == 0 {
					if _, err := w.Checkpoint(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	records, _, _ := sealAndList(t, w, dir)
	if len(records) != 8*40 {
		t.Errorf("%d records", len(records))
	}
	for path, r := range records {
		if r.Outcome != evidence.Collected || r.Size < partUnknown && r.SHA256 != signed.HexSum([]byte(path)) {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if err := w.Put(context.Background(), evidence.Item{Path: "x"}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after the seal: %v", err)
	}
	if _, err := w.Seal(""); !errors.Is(err, ErrClosed) {
		t.Errorf("sealed twice: %v", err)
	}
}

// A checkpoint comes by itself after so many bytes, members, or seconds.
func TestAutomaticCheckpoints(t *testing.T) {
	ctx := context.Background()
	for name, fill := range map[string]func(t *testing.T, w *Writer, clock *time.Time){
		"members": func(t *testing.T, w *Writer, _ *time.Time) {
			for i := range dueMembers {
				put(t, w, fmt.Sprint(i), "")
			}
		},
		"bytes": func(t *testing.T, w *Writer, _ *time.Time) {
			if err := w.Put(ctx, known("big", dueBytes), func(out io.Writer) error { return zeros(out, dueBytes) }); err != nil {
				t.Fatal(err)
			}
		},
		"time": func(t *testing.T, w *Writer, clock *time.Time) {
			w.mu.Lock()
			*clock = clock.Add(dueAfter)
			w.mu.Unlock()
			put(t, w, "x", "x")
		},
		"records": func(t *testing.T, w *Writer, _ *time.Time) {
			note := errors.New(strings.Repeat("n", 1<<20))
			for range 17 {
				if err := w.Put(ctx, evidence.Item{Path: "denied"}, func(io.Writer) error { return note }); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t, t.TempDir())
			clock := testTime
			o.Now = func() time.Time { return clock }
			w, err := Create(o)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abort()
			fill(t, w, &clock)
			w.mu.Lock()
			k := w.k
			w.mu.Unlock()
			if k != 1 {
				t.Errorf("%d checkpoints", k)
			}
		})
	}
}

// The key of a checkpoint is overwritten after it, and all are at the end.
func TestSessionKeysAreErased(t *testing.T) {
	w, _ := create(t)
	first := w.key.private
	put(t, w, "x", "x")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	second := w.key.private
	if !erased(first) || erased(second) {
		t.Error("the first key is still there, or the second is not")
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if !erased(second) {
		t.Error("the second key is still there")
	}
}

func erased(k crypto.Signer) bool {
	_, err := k.Sign(nil, nil, crypto.Hash(0))
	return errors.Is(err, secret.ErrErased)
}

// A file of which the fill takes a little costs a little, however large it looks.
func TestPutOfACutFileMakesNoRoom(t *testing.T) {
	w, dir := create(t)
	item := known("huge", 8<<40)
	item.Limit = 1 << 20
	if err := w.Put(context.Background(), item, func(out io.Writer) error {
		_, err := out.Write(make([]byte, 1<<20))
		return errors.Join(err, evidence.Cut("the limit of a test"))
	}); err != nil {
		t.Fatal(err)
	}
	r, _, _ := sealAndList(t, w, dir)
	if h := r["huge"]; h.Size != 1<<20 || h.Short != 0 || h.Outcome != evidence.Partial || h.Parts != 0 {
		t.Errorf("%+v", h)
	}
}
