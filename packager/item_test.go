package packager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"filippo.io/age"
)

// A counted reader knows how much was read of it.
type counted struct {
	io.ReaderAt
	n atomic.Int64
}

// ReadAt implements io.ReaderAt.
func (c *counted) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, off)
	c.n.Add(int64(n))
	return n, err
}

// bigArchive is a sealed archive of many items that do not compress, one of them in parts.
func bigArchive(t testing.TB, items, size int, to []string) (file string, items0 string, o VerifyOptions) {
	t.Helper()
	dir := t.TempDir()
	op := testOptions(t, dir)
	op.Genesis.Recipients = to
	w, err := Create(op)
	if err != nil {
		t.Fatal(err)
	}
	first := ""
	for i := range items {
		body := random(t, size)
		if i == items/2 {
			first = body
		}
		put(t, w, fmt.Sprintf("disk/%05d.bin", i), body)
		if i%7 == 6 {
			if _, err := w.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(t, w, "disk/parts.bin", strings.Repeat("0123456789abcde\n", 1<<20)) // 16 MiB: two parts
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	o = trusting(t, op.Device)
	o.Log = readFile(t, filepath.Join(dir, LogName(op.ID)))
	return filepath.Join(dir, s.Name), first, o
}

// One item is proved without reading the rest, encrypted or not; the report says so.
func TestItemAlone(t *testing.T) {
	_, to, ids := party(t)
	for _, c := range []struct {
		to  []string
		ids []age.Identity
	}{{nil, nil}, {[]string{to}, ids}} {
		file, want, o := bigArchive(t, 40, 400_000, c.to)
		o.Identities, o.OnlyFrom = c.ids, 1
		b := readFile(t, file)
		r := &counted{ReaderAt: bytes.NewReader(b)}
		var out bytes.Buffer
		rep, err := Cat(context.Background(), r, int64(len(b)), o, "data/disk/00020.bin", &out)
		if err != nil || out.String() != want || rep.Verdict != Valid || !rep.OnlyItems {
			t.Fatalf("%v, %d bytes, %+v", err, out.Len(), rep)
		}
		if n := r.n.Load(); n > 6<<20 {
			t.Errorf("%d of %d bytes were read for an item of 400,000", n, len(b))
		}
		out.Reset()
		if rep, err := Cat(context.Background(), r, int64(len(b)), o, "data/disk/parts.bin", &out); err != nil || out.Len() != 16<<20 || !rep.OnlyItems {
			t.Errorf("an item in parts: %v, %d bytes", err, out.Len())
		}
		if rep, err := Cat(context.Background(), r, int64(len(b)), o, "data/nothing", io.Discard); !errors.Is(err, ErrNoMember) || !rep.OnlyItems {
			t.Errorf("no such item: %v", err)
		}
		for _, tag := range []string{"custody/seal.json", "bagit.txt", "custody/genesis.json", "custody/cp/00000001.json", "tagmanifest-sha256.txt"} {
			out.Reset()
			if rep, err := Cat(context.Background(), r, int64(len(b)), o, tag, &out); err != nil || out.Len() == 0 || rep.OnlyItems {
				t.Errorf("%s: %v, %d bytes", tag, err, out.Len())
			}
		}
		rep, names, err := Extract(context.Background(), r, int64(len(b)), o, t.TempDir(), func(name string) bool { return strings.HasPrefix(name, "data/disk/0001") })
		if err != nil || len(names) != 10 || !rep.OnlyItems {
			t.Errorf("extracted %d: %v", len(names), err)
		}
		o.Trust = nil
		if rep, err := Cat(context.Background(), r, int64(len(b)), o, "data/disk/00020.bin", io.Discard); err != nil || rep.Verdict != UntrustedSigner {
			t.Errorf("nobody trusted: %v, %v", rep, err)
		}
	}
}

// Whatever is changed, no byte of an item is handed out that is not as it was; and where
// the seal or what is asked for is touched, the whole pass has the last word.
func TestItemOfTampered(t *testing.T) {
	w := newSealedWorld(t)
	p := newWorld(t)
	plainOptions, sealedOptions := p.o, w.inner
	plainOptions.OnlyFrom, sealedOptions.OnlyFrom = 1, 1
	for name, c := range map[string]struct {
		archive []byte
		o       VerifyOptions
		item    string
	}{
		"plain":     {p.archive, plainOptions, "data/volatile/item-2.txt"},
		"encrypted": {w.archive, sealedOptions, "data/volatile/1.bin"},
	} {
		var want bytes.Buffer
		if rep, err := Cat(context.Background(), bytes.NewReader(c.archive), int64(len(c.archive)), c.o, c.item, &want); err != nil || !rep.OnlyItems {
			t.Fatalf("%s: %v", name, err)
		}
		step := 1 + len(c.archive)/some(400)
		inParallel(t, len(c.archive)/step, func(t *testing.T, i int) {
			b := bytes.Clone(c.archive)
			b[i*step] ^= 1 << (i % 8)
			var got bytes.Buffer
			rep, err := Cat(context.Background(), bytes.NewReader(b), int64(len(b)), c.o, c.item, &got)
			if got.Len() > 0 && !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("%s: byte %d turned: other bytes were handed out", name, i*step)
			}
			if err == nil && !rep.OnlyItems && rep.Verdict != Invalid {
				t.Errorf("%s: byte %d turned: %s", name, i*step, rep.Verdict)
			}
		})
		for _, cut := range []int{1, 9, 100, 3000, len(c.archive) / 2} {
			b := c.archive[:len(c.archive)-cut]
			rep, err := Cat(context.Background(), bytes.NewReader(b), int64(len(b)), c.o, c.item, io.Discard)
			if rep == nil || rep.OnlyItems {
				t.Errorf("%s: cut by %d: %v, %v", name, cut, rep, err)
			}
		}
	}
}

// An item of a large encrypted archive that a job asked for and people signed and handed on:
// HOZEN_BENCH_MIB is its size (4096 was measured).
func BenchmarkItemOfEncrypted(b *testing.B) {
	items := 64
	if s := os.Getenv("HOZEN_BENCH_MIB"); s != "" {
		if _, err := fmt.Sscan(s, &items); err != nil {
			b.Fatal(err)
		}
	}
	_, to, ids := party(b)
	c := newCrowd(b, items, 1<<20, []string{to}, ids)
	f, err := os.Open(c.file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var out bytes.Buffer
		rep, err := Cat(b.Context(), f, st.Size(), c.o, c.item, &out)
		if err != nil || !rep.OnlyItems || rep.Verdict != Valid || out.String() != c.want {
			b.Fatal(err, rep)
		}
	}
}
