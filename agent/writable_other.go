//go:build !unix && !windows

package main

import "os"

// writable says why nothing can be written into dir, as far as that can be known
// without writing.
func writable(dir string) error {
	st, err := os.Stat(dir)
	if err == nil && !st.IsDir() {
		err = &os.PathError{Op: "open", Path: dir, Err: errNotFolder}
	}
	return err
}
