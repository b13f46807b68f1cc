package packager

// syncDir has nothing to do: NTFS journals a rename, and Windows has no flush of
// a directory for those who are not administrators.
func syncDir(string) error { return nil }
