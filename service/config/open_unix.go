//go:build unix

package config

import (
	"os"
	"syscall"
)

// openPlain opens a file without waiting for the writer of a FIFO and without following
// a link in its place.
func openPlain(file string) (*os.File, error) {
	return os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_NOCTTY, 0)
}

// ours says whether a file belongs to root or to whoever runs this.
func ours(st os.FileInfo) bool {
	s, ok := st.Sys().(*syscall.Stat_t)
	return ok && (s.Uid == 0 || int(s.Uid) == os.Geteuid())
}
