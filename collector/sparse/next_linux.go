package sparse

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nextOf asks the kernel (lseek(2), SEEK_DATA and SEEK_HOLE).
func nextOf(f *os.File, at, size int64) (from, to int64, ok bool) {
	from, err := f.Seek(at, unix.SEEK_DATA)
	switch {
	case err == nil && from >= size, errors.Is(err, unix.ENXIO):
		return 0, 0, false
	case err != nil:
		return at, size, true
	}
	if to, err = f.Seek(from, unix.SEEK_HOLE); err != nil || to > size || to <= from {
		to = size
	}
	return from, to, true
}
