package packager

import "os"

// syncDir has nothing to do: NTFS journals a rename, and Windows has no flush of
// a directory for those who are not administrators.
func syncDir(string) error { return nil }

// lockFile has nothing to do: a file that a process has open cannot be renamed,
// and so not recovered, on Windows.
func lockFile(*os.File) error { return nil }
