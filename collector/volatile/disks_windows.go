package volatile

import (
	"os"

	"golang.org/x/sys/windows"
)

// fileSystemRoom is GetDiskFreeSpaceExW: what we may write, quotas counted.
func fileSystemRoom(dir string) (room, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return room{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return room{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return room{bytes: free}, nil
}
