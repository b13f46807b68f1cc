package volatile

import (
	"os"

	"golang.org/x/sys/unix"
)

// fileSystemRoom is statfs(2).
func fileSystemRoom(dir string) (room, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return room{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	unit := uint64(st.Frsize) // the unit of the counts; 0 on some old file systems
	if unit == 0 {
		unit = uint64(st.Bsize)
	}
	return room{bytes: st.Bavail * unit, inodes: st.Ffree}, nil
}
