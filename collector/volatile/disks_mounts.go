//go:build !windows

package volatile

// systemPlace: where a folder lies is in the mount table.
func systemPlace(string) (OutputPlace, bool, error) { return OutputPlace{}, false, nil }

// systemRemovable: removable drives are in the mount table.
func systemRemovable() ([]OutputPlace, bool, error) { return nil, false, nil }

// systemUnlocked: unlocked disks are in /sys/block and the mount table.
func systemUnlocked() ([]UnlockedDisk, bool, error) { return nil, false, nil }
