//go:build !unix && !windows

package durable

import "os"

// lockFile has no lock to take here: nobody else may run.
func lockFile(*os.File, bool) error { return nil }

// Rename puts a file in the place of another, or of none, in one step.
func Rename(from, to string) error {
	return os.Rename(from, to)
}

// SyncFolder has nothing to do where folders cannot be opened.
func SyncFolder(string) error { return nil }
