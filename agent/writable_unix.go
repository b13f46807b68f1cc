//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// writable says why nothing can be written into dir, without writing (access(2)).
func writable(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return &os.PathError{Op: "open", Path: dir, Err: errNotFolder}
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return &os.PathError{Op: "write", Path: dir, Err: err}
	}
	return nil
}
