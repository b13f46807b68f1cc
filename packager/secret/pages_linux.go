package secret

import "golang.org/x/sys/unix"

// keepApart leaves the pages out of core dumps and of the kernel's joining of
// small pages into large ones, which would copy them (madvise(2)).
func keepApart(b []byte) {
	unix.Madvise(b, unix.MADV_DONTDUMP)
	unix.Madvise(b, unix.MADV_NOHUGEPAGE)
}
