package packager

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// pen is a directWriter that may refuse.
type pen struct {
	*os.File
	err error
}

func (p pen) WriteAt(b []byte, at int64) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	return p.File.WriteAt(b, at)
}

// directOn gives a directFile over a fresh file; the pen of it needs no O_DIRECT.
func directOn(t *testing.T, refusal error) (*directFile, string) {
	t.Helper()
	dir := Dir(t.TempDir())
	plain, err := dir.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(string(dir), "a")
	second, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &directFile{plain: plain.(*os.File), direct: pen{second, refusal}, block: make([]byte, 4*directAlign)}, name
}

func TestDirectFileHoldsWhatWasWritten(t *testing.T) {
	for name, refusal := range map[string]error{"direct": nil, "another alignment": syscall.EINVAL} {
		t.Run(name, func(t *testing.T) {
			f, file := directOn(t, refusal)
			writeAtRandom(t, f, file)
		})
	}
	t.Run("this machine", func(t *testing.T) {
		dir := t.TempDir()
		f, err := DirectDir{Dir(dir)}.Create("a")
		if err != nil {
			t.Fatal(err)
		}
		writeAtRandom(t, f, filepath.Join(dir, "a"))
	})
}

// writeAtRandom writes pieces of all sizes; after each Sync the file holds all of them.
func writeAtRandom(t *testing.T, f File, name string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var want []byte
	for i := range 300 {
		piece := make([]byte, r.IntN(1<<r.IntN(17)))
		for k := range piece {
			piece[k] = byte(r.Uint32())
		}
		if n, err := f.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("write %d of %d bytes: %d, %v", i, len(piece), n, err)
		}
		want = append(want, piece...)
		if r.IntN(4) > 0 {
			continue
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("after write %d: %d bytes, %v; want %d", i, len(got), err, len(want))
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); !bytes.Equal(got, want) {
		t.Errorf("at the end %d bytes; want %d", len(got), len(want))
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

func TestDirectFileSaysWhatWentWrong(t *testing.T) {
	f, _ := directOn(t, io.ErrShortWrite)
	if _, err := f.Write(make([]byte, 10*directAlign)); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("write: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("sync: %v", err)
	}
	if err := f.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("close: %v", err)
	}
}
