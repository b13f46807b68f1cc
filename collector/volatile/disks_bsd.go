//go:build darwin || freebsd

package volatile

import (
	"os"

	"golang.org/x/sys/unix"
)

// fileSystemRoom is statfs(2), which counts in units of f_bsize here.
func fileSystemRoom(dir string) (room, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return room{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return room{bytes: uint64(st.Bavail) * uint64(st.Bsize), inodes: uint64(st.Ffree)}, nil
}
