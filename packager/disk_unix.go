//go:build !windows

package packager

import (
	"errors"
	"os"
	"syscall"

	"hozen/packager/evidence/fault"
)

// syncDir makes a rename durable (fsync(2): "an explicit fsync on a file
// descriptor for the directory is also needed"). File systems that cannot do
// that say EINVAL: there is nothing more to be done on them.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return fault.Join(err, d.Close())
}

// lockFile takes the lock of an open file, which ends with the process that
// holds it (flock(2)). File systems without locks say so; there nothing is locked.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return &os.PathError{Op: "lock", Path: f.Name(), Err: ErrInUse}
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.EINVAL):
		return nil
	}
	return err
}

func openBusy(name string, flag int) (*os.File, error) { return os.OpenFile(name, flag, 0) }

func rename(from, to string) error { return os.Rename(from, to) }
