//go:build !linux && !windows

package disk

import (
	"errors"
	"os"
	"syscall"
)

// look gives the size of an open file; that its access time stays is not known here.
func look(f *os.File, times bool) opened {
	if _, err := f.Stat(); err != nil {
		return opened{}
	}
	return opened{mayMove: times}
}

// damaged says whether an error is one of the medium.
func damaged(err error) bool { return errors.Is(err, syscall.EIO) }
