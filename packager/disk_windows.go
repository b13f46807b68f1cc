package packager

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// syncDir has nothing to do: NTFS journals a rename, and Windows has no flush of
// a directory for those who are not administrators.
func syncDir(string) error { return nil }

// lockFile takes the lock of an open file, which ends with the process that holds it
// (LockFileEx). Locks there keep others from what they cover: this one is on a byte far
// behind any file. File systems without locks say so; there nothing is locked.
func lockFile(f *os.File) error {
	const far = 1 << 30 // in units of 4 GiB
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: far})
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return &os.PathError{Op: "lock", Path: f.Name(), Err: ErrInUse}
	case errors.Is(err, windows.ERROR_INVALID_FUNCTION), errors.Is(err, windows.ERROR_NOT_SUPPORTED):
		return nil
	}
	return err
}

// openBusy opens a file that is there. One that others have open and do not share (a
// scanner) is tried again for a moment.
func openBusy(name string, flag int) (*os.File, error) {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		f, err := os.OpenFile(name, flag, 0)
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) || wait > time.Second {
			return f, err
		}
		time.Sleep(wait)
	}
}

// rename gives a file its final name, never over another, and returns when that is on
// the medium (MoveFileEx). A file that others read meanwhile (a scanner) cannot be
// renamed for a moment, and is tried again.
func rename(from, to string) error {
	a, err := windows.UTF16PtrFromString(long(from))
	if err != nil {
		return err
	}
	b, err := windows.UTF16PtrFromString(long(to))
	if err != nil {
		return err
	}
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		err = windows.MoveFileEx(a, b, windows.MOVEFILE_WRITE_THROUGH)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || wait > time.Second {
			break
		}
		time.Sleep(wait)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// long gives the form of an absolute name whose length has no limit.
func long(name string) string {
	if abs, err := filepath.Abs(name); err == nil && len(abs) > 1 && abs[1] == ':' {
		return `\\?\` + abs
	}
	return name
}
