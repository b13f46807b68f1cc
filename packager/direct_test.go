package packager

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// memDevice is a blockDevice in memory that holds its caller to whole blocks, and
// whose call failAt goes wrong.
type memDevice struct {
	t      *testing.T
	b      []byte
	block  int
	calls  int
	failAt int
	synced []byte // as it was at the last Sync
}

func (d *memDevice) step() error {
	if d.calls++; d.calls == d.failAt {
		return errDisk
	}
	return nil
}

func (d *memDevice) WriteAt(b []byte, off int64) (int, error) {
	if len(b)%d.block != 0 || int(off)%d.block != 0 {
		d.t.Errorf("%d bytes at %d: no whole blocks", len(b), off)
	}
	err := d.step()
	if err != nil {
		b = b[:len(b)/2/d.block*d.block]
	}
	d.b = append(d.b, make([]byte, max(0, int(off)+len(b)-len(d.b)))...)
	return copy(d.b[off:], b), err
}

func (d *memDevice) Write([]byte) (int, error) { return 0, errors.New("written without an offset") }

func (d *memDevice) Sync() error {
	d.synced = bytes.Clone(d.b)
	return d.step()
}

func (d *memDevice) Truncate(n int64) error {
	d.b = d.b[:n]
	return d.step()
}

func (d *memDevice) Close() error { return d.step() }

// pattern makes bytes that are not zeros and do not repeat soon.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i%251) + 1
	}
	return b
}

// At each Sync the device holds all that was written, then zeros; closed, it holds
// exactly that. Whatever call fails, what it holds is a beginning of it, then zeros.
func TestBlockFile(t *testing.T) {
	all := pattern(3*pieceSize + 12345)
	for _, block := range []int{512, 4096, 65536} {
		for failAt := 0; ; failAt++ {
			d := &memDevice{t: t, block: block, failAt: failAt}
			f := newBlockFile(d, int64(block))
			written, err := 0, error(nil)
			for i, n := range []int{1, 100, 4096, 5000, pieceSize - 7, pieceSize, 0, 4095, pieceSize, 99} {
				n = min(n, len(all)-written)
				if _, err = f.Write(all[written : written+n]); err != nil {
					break
				}
				if written += n; i%2 == 0 {
					if err = f.Sync(); err != nil {
						break
					}
					beginsAndZeros(t, fmt.Sprint("synced, block ", block), d.synced, all[:written], written)
				}
			}
			done := d.calls
			if err = errors.Join(err, f.Close()); failAt == 0 {
				if err != nil || !bytes.Equal(d.b, all[:written]) {
					t.Fatalf("block %d: %d bytes of %d, %v", block, len(d.b), written, err)
				}
				continue
			}
			beginsAndZeros(t, fmt.Sprint("failed at ", failAt), d.b, all, 0)
			if failAt > d.calls {
				break
			}
			if !errors.Is(err, errDisk) {
				t.Errorf("call %d of %d failed, and nobody said so: %v", failAt, done, err)
			}
		}
	}
}

// On this machine's own files, whatever way they are written, after each Sync the
// file holds all that was written, and zeros.
func TestArchiveFilesHoldWhatWasWritten(t *testing.T) {
	dir, r := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	f, err := Dir(dir).Create("a" + partialSuffix)
	if err != nil {
		t.Fatal(err)
	}
	name, want := filepath.Join(dir, "a"+partialSuffix), []byte(nil)
	for range 300 {
		piece := pattern(r.IntN(1 << r.IntN(17)))
		if n, err := f.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("%d of %d bytes, %v", n, len(piece), err)
		}
		if want = append(want, piece...); r.IntN(4) > 0 {
			continue
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		beginsAndZeros(t, "synced", readFile(t, name), want, len(want))
	}
	if err := f.Close(); err != nil || !bytes.Equal(readFile(t, name), want) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// beginsAndZeros wants at least least bytes of all, and zeros after what is of it.
func beginsAndZeros(t *testing.T, what string, got, all []byte, least int) {
	t.Helper()
	n := 0
	for n < min(len(got), len(all)) && got[n] == all[n] {
		n++
	}
	if n < least || len(bytes.Trim(got[n:], "\x00")) > 0 {
		t.Errorf("%s: %d bytes of %d are there, then other bytes", what, n, least)
	}
}
