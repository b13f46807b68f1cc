package deliver

import (
	"errors"
	"os"
	"runtime"

	"hozen/packager/evidence/fault"
)

// renameLooked renames after a look whether the new name is free: for systems and file
// systems that cannot do both at once.
func renameLooked(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &os.PathError{Op: "rename", Path: to, Err: os.ErrExist}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(from, to)
}

// syncDir makes the names in a directory durable, where the system can.
func syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if notKnown(err) {
		err = nil // some network file systems
	}
	return fault.Join(err, d.Close())
}
