package winsys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"hozen/packager/evidence"
)

// A sectorDisk gives whole sectors only, and none behind its end.
type sectorDisk struct {
	data []byte
	unit int64
}

func (d sectorDisk) ReadAt(p []byte, off int64) (int, error) {
	if off%d.unit != 0 || int64(len(p))%d.unit != 0 || off+int64(len(p)) > int64(len(d.data)) {
		return 0, fmt.Errorf("%d bytes at %d: not whole sectors of the disk", len(p), off)
	}
	return copy(p, d.data[off:]), nil
}

// TestWholeSectors reads the last sectors of disks that do not end at a multiple of 4096.
func TestWholeSectors(t *testing.T) {
	data := make([]byte, 9*512)
	for i := range data {
		data[i] = byte(i / 100)
	}
	r := wholeSectors{sectorDisk{data, 512}, 512}
	for _, c := range []struct{ at, n int }{{8*512 + 3, 500}, {0, len(data)}, {511, 2}, {4096, 512}, {100, 0}} {
		b := make([]byte, c.n)
		if n, err := r.ReadAt(b, int64(c.at)); n != c.n || err != nil || !bytes.Equal(b, data[c.at:c.at+c.n]) {
			t.Errorf("%d bytes at %d: %d, %v", c.n, c.at, n, err)
		}
	}
	if n, err := r.ReadAt(make([]byte, 600), 8*512); n != 0 || err == nil {
		t.Errorf("read over the end: %d, %v", n, err)
	}
	if n, err := r.ReadAt(make([]byte, 1), -1); n != 0 || err == nil {
		t.Errorf("read before the beginning: %d, %v", n, err)
	}
	// A disk that does not say what its sectors are, or lies.
	for _, unit := range []int64{0, 1, 513, 1 << 40} {
		r := wholeSectors{sectorDisk{data[:8*512], 4096}, unit}
		if n, err := r.ReadAt(make([]byte, 10), 4000); n != 10 || err != nil {
			t.Errorf("sectors of %d bytes: %d, %v", unit, n, err)
		}
	}
	short := wholeSectors{bytes.NewReader(data[:700]), 512}
	if n, err := short.ReadAt(make([]byte, 300), 600); n != 100 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a disk that is cut: %d, %v", n, err)
	}
}

// TestWithin: a device that does not answer is given up.
func TestWithin(t *testing.T) {
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	hang := func() int { <-never; return 1 }
	_, err := within(t.Context(), time.Millisecond, hang)
	if _, _, shortfall := evidence.Classify(err, 0); err == nil || !shortfall {
		t.Errorf("no word of a device that does not answer: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("the time is over")
	cancel(over)
	if _, err := within(ctx, time.Hour, hang); !errors.Is(err, over) {
		t.Errorf("the end of the collection is not seen: %v", err)
	}
	if v, err := within(t.Context(), time.Hour, func() int { return 7 }); v != 7 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}

// TestNoMedium: nothing is to be found out about an empty drive.
func TestNoMedium(t *testing.T) {
	v := Volume{Type: "removable"}
	if v.Err() == nil {
		t.Error("a volume that was not looked at is no shortfall")
	}
	if v.noMedium(); v.Err() != nil || v.Error == "" || v.Encryption != "" {
		t.Errorf("%+v", v)
	}
}
