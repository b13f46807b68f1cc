package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

// look asks the kernel about an open file: size, identity (fstat(2)), and, if times is
// true, whether reading it may set its access time: it was opened without O_NOATIME (fcntl(2)) on a
// mount that keeps such times (fstatfs(2)).
func look(f *os.File, times bool) (o opened) {
	raw, err := f.SyscallConn()
	if err != nil {
		return o
	}
	_ = raw.Control(func(fd uintptr) { // of a file that is closed nothing is known
		var st unix.Stat_t
		if unix.Fstat(int(fd), &st) != nil {
			return
		}
		o = opened{size: st.Size, id: collector.FileID{Dev: uint64(st.Dev), Inode: st.Ino}, known: true}
		if !times {
			return
		}
		if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil || flags&unix.O_NOATIME != 0 {
			return
		}
		var fs unix.Statfs_t
		o.mayMove = unix.Fstatfs(int(fd), &fs) != nil || fs.Flags&(unix.ST_NOATIME|unix.ST_RDONLY) == 0
	})
	return o
}

// damaged says whether an error of read(2) is one of the medium, or of a file system
// that is damaged there, so that the rest of the file may still be read.
func damaged(err error) bool {
	for _, e := range []unix.Errno{unix.EIO, unix.EUCLEAN, unix.EBADMSG, unix.ENODATA, unix.EREMOTEIO, unix.EILSEQ} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
