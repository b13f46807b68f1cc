package winsys

import (
	"context"
	"errors"
	"io"
	"time"

	"hozen/packager/evidence"
)

// within runs f, and gives it up after some time, or when ctx ends: f then goes on alone,
// and its result is lost.
func within[T any](ctx context.Context, patience time.Duration, f func() T) (none T, err error) {
	done := make(chan T, 1)
	go func() { done <- f() }()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case v := <-done:
		return v, nil
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case <-late.C:
		return none, evidence.Cut("no answer within %v", patience)
	}
}

// wholeSectors reads any bytes of a disk that gives only whole sectors at the offsets of
// sectors.
type wholeSectors struct {
	disk io.ReaderAt
	unit int64 // bytes of a sector; 4096, a multiple of every size that disks have, if it is none
}

// ReadAt implements io.ReaderAt.
func (s wholeSectors) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("a negative offset")
	}
	unit := s.unit
	if unit < 512 || unit > 1<<16 || unit&(unit-1) != 0 {
		unit = 4096
	}
	from := off &^ (unit - 1)
	b := make([]byte, (off-from+int64(len(p))+unit-1)&^(unit-1))
	n, err := s.disk.ReadAt(b, from)
	k := copy(p, b[min(int(off-from), n):n])
	if k == len(p) {
		return k, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return k, err
}

// noMedium is what is said of a drive without one: nothing in it is encrypted.
func (v *Volume) noMedium() {
	v.Error, v.EncryptionKnown = "no medium in the drive", true
}
