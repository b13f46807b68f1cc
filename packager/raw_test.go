package packager

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// TestRawFrames holds uncompressed data frames to what another decoder and our
// own reader make of them.
func TestRawFrames(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	random := rand.NewChaCha8([32]byte{3})
	for _, n := range []int{1, 255, 256, storedBlock - 1, storedBlock, storedBlock + 1, BlockSize} {
		plain := make([]byte, n)
		random.Read(plain)
		raw := rawFrame(nil, plain)
		got, err := d.DecodeAll(raw, nil)
		if err != nil || !bytes.Equal(got, plain) || len(raw) > maxFrame {
			t.Errorf("%d bytes: %d come back, %v", n, len(got), err)
		}
		f, err := nextFrame(bytes.NewReader(append(raw, "next"...)), 0, nil)
		if err != nil || f.kind != frameData || len(f.bytes) != len(raw) {
			t.Errorf("%d bytes: %v, %v", n, f, err)
		}
		raw[len(raw)/2] ^= 1
		if _, err := d.DecodeAll(raw, nil); err == nil {
			t.Errorf("%d bytes: a changed bit goes unseen", n)
		}
	}
}

// TestHurryStoresWhatTheMediumCanTake makes a stream in a hurry: to a medium that
// keeps up it writes raw blocks, zeros excepted; to a slow one it compresses.
func TestHurryStoresWhatTheMediumCanTake(t *testing.T) {
	text := bytes.Repeat([]byte("memory of a machine, "), BlockSize/21+1)[:BlockSize]
	size := func(slow bool, block []byte, blocks int) int {
		f := &slowFile{slow: slow}
		s, err := newStream(newPrefix(f), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		s.hurry.Store(true)
		for range blocks {
			if _, err := s.Write(block); err != nil {
				t.Fatal(err)
			}
			if !slow {
				if err := s.drain(); err != nil { // it keeps up
					t.Fatal(err)
				}
			}
		}
		if err := s.drain(); err != nil {
			t.Fatal(err)
		}
		return f.n
	}
	if n := size(false, text, 8); n < 8*BlockSize {
		t.Errorf("a medium that keeps up got %d bytes of %d", n, 8*BlockSize)
	}
	if n := size(false, make([]byte, BlockSize), 8); n > BlockSize/10 {
		t.Errorf("zeros took %d bytes", n)
	}
	if n := size(true, text, 64); n > 32*BlockSize {
		t.Errorf("a slow medium got %d bytes of %d", n, 64*BlockSize)
	}
}

// A slowFile counts what is written; a slow one takes far longer for a block than
// a compressor does.
type slowFile struct {
	slow bool
	n    int
}

func (f *slowFile) Write(b []byte) (int, error) {
	if f.slow {
		time.Sleep(10 * time.Millisecond)
	}
	f.n += len(b)
	return len(b), nil
}
func (f *slowFile) Sync() error  { return nil }
func (f *slowFile) Close() error { return nil }
