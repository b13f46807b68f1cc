package timeline

import (
	"golang.org/x/sys/unix"

	"hozen/collector"
)

// objectsOf counts the objects of a mounted file system (statfs(2)). Those that do not
// count them are taken to have one for every 64 KiB that is used.
func objectsOf(h *collector.Host, point string) int64 {
	var st unix.Statfs_t
	if h.Image != nil || unix.Statfs(point, &st) != nil {
		return 0
	}
	if st.Files > 0 {
		return int64(st.Files - min(st.Ffree, st.Files))
	}
	return int64(st.Blocks-min(st.Bfree, st.Blocks)) * int64(st.Bsize) >> 16
}
