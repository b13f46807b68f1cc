package volume

import (
	"errors"
	"io"
)

// maxAtOnce bounds one read of a device.
const maxAtOnce = 1 << 20

// Aligned reads any bytes of a device that gives only whole sectors at the offsets of
// sectors, as Windows' volumes and disks do ("File Buffering", Microsoft). Reads may be
// concurrent if those of the device may.
type Aligned struct {
	device io.ReaderAt
	unit   int64
	size   int64
}

// NewAligned reads a device of size bytes, which must be a multiple of its sector. unit is
// a multiple of the sector and a power of two.
func NewAligned(device io.ReaderAt, unit, size int64) *Aligned {
	return &Aligned{device: device, unit: unit, size: size}
}

// Size is that of the device in bytes.
func (a *Aligned) Size() int64 { return a.size }

// ReadAt implements io.ReaderAt.
func (a *Aligned) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("a negative offset")
	}
	var buf []byte
	for n < len(p) {
		at := off + int64(n)
		if at >= a.size {
			return n, io.EOF
		}
		rest := p[n:min(int64(len(p)), int64(n)+a.size-at)]
		if at%a.unit == 0 && int64(len(rest)) >= a.unit { // no need to copy
			part := rest[:min(int64(len(rest))&^(a.unit-1), maxAtOnce)]
			k, err := a.whole(part, at)
			if n += k; err != nil {
				return n, err
			}
			continue
		}
		from := at &^ (a.unit - 1)
		to := min((at+int64(len(rest))+a.unit-1)&^(a.unit-1), from+max(a.unit, maxAtOnce), a.size)
		if int64(cap(buf)) < to-from {
			buf = make([]byte, to-from)
		}
		buf = buf[:to-from]
		k, err := a.whole(buf, from)
		if skip := int(at - from); k > skip {
			n += copy(rest, buf[skip:k])
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// whole reads all of b, or says why not.
func (a *Aligned) whole(b []byte, at int64) (int, error) {
	n, err := a.device.ReadAt(b, at)
	switch {
	case n == len(b):
		return n, nil
	case err == nil || err == io.EOF:
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}
