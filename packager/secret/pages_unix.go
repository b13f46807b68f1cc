//go:build unix

package secret

import (
	"golang.org/x/sys/unix"
)

// allocate maps n bytes of fresh zeros, in whole pages. That they cannot be locked
// into memory (RLIMIT_MEMLOCK) is no reason to fail: then they may be swapped.
func allocate(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	unix.Mlock(b)
	keepApart(b)
	return b, nil
}

func release(b []byte) { unix.Munmap(b) }
