//go:build unix

package deliver

import (
	"os"
	"syscall"
)

// noFollow: a link is not followed, and a FIFO is not waited for.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// links is how many names a file has.
func links(st os.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}
