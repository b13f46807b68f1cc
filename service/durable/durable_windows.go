package durable

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// How often a rename is tried, and how long it waits in between.
const (
	renameTries = 20
	renameAgain = 50 * time.Millisecond
)

// lockFile takes the lock of LockFileEx on the first byte.
func lockFile(f *os.File, wait bool) error {
	how := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK)
	if !wait {
		how |= windows.LOCKFILE_FAIL_IMMEDIATELY
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrInUse
	}
	return err
}

// Rename puts a file in the place of another, or of none, in one step, and returns when that
// is on the medium.
func Rename(from, to string) error {
	a, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	b, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	// Somebody who reads the old one (a virus scanner) without sharing its removal keeps it for
	// a moment.
	for try := 0; ; try++ {
		err = windows.MoveFileEx(a, b, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_LOCK_VIOLATION)
		if err == nil {
			return nil
		}
		if !busy || try == renameTries {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
		time.Sleep(renameAgain)
	}
}

// SyncFolder has nothing to do: NTFS journals the making and renaming of files.
func SyncFolder(string) error { return nil }
