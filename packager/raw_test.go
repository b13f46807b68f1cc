package packager

import (
	"bytes"
	"math/rand/v2"
	"testing"

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

// TestHurryStoresWhatTheMediumCanTake: in a hurry, a block is compressed while
// frames wait for the medium, and stored while none does; zeros are never stored.
func TestHurryStoresWhatTheMediumCanTake(t *testing.T) {
	s, err := newStream(newPrefix(nowhere{}), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	text := bytes.Repeat([]byte("memory of a machine, "), BlockSize/21)
	for _, c := range []struct {
		hurry  bool
		behind int32
		block  []byte
		stored bool
	}{{false, 0, text, false}, {true, 0, text, true}, {true, 1, text, false}, {true, 0, make([]byte, BlockSize), false}} {
		s.hurry.Store(c.hurry)
		s.behind.Store(c.behind)
		if n := len(s.encode(nil, c.block)); (n >= len(c.block)) != c.stored {
			t.Errorf("hurry %v, behind %d: %d bytes of %d", c.hurry, c.behind, n, len(c.block))
		}
	}
}

// nowhere takes everything.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Sync() error                 { return nil }
func (nowhere) Close() error                { return nil }
