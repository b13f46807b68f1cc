//go:build unix

package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"hozen/packager/evidence/fault"
)

// lockFile takes the lock of flock(2).
func lockFile(f *os.File, wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrInUse
		default:
			return err
		}
	}
}

// Rename puts a file in the place of another, or of none, in one step, and returns when that
// is on the medium.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}

// SyncFolder makes the names in a folder durable (fsync(2)). File systems that cannot do
// that say EINVAL: there is nothing more to be done on them.
func SyncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	if err = d.Sync(); errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return fault.Join(err, d.Close())
}
