//go:build !windows

package private

import "os"

// Open opens a file as os.OpenFile does; one that it makes has the mode 0600.
func Open(name string, flag int, _ Who) (*os.File, error) { return os.OpenFile(name, flag, 0o600) }

// MkdirAll makes a folder and those above it that are not there, with the mode 0700.
func MkdirAll(dir string, _ Who) error { return os.MkdirAll(dir, 0o700) }

// Protect takes a file or folder that is there from everybody else: mode 0600 or 0700.
func Protect(name string, _ Who) error {
	st, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return os.Chmod(name, 0o700)
	}
	return os.Chmod(name, 0o600)
}
