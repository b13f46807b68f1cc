package ram

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

// openSwap opens a swap file, or the block device that the kernel itself calls so,
// for reading past the page cache where that is possible.
func openSwap(h *collector.Host, name string) (*os.File, error) {
	meta, err := h.Lstat(name)
	if err != nil {
		return nil, err
	}
	switch meta.Mode & evidence.ModeType {
	case evidence.ModeRegular:
		f, err := h.Open(name)
		if err == nil {
			direct(f)
		}
		return f, err
	case evidence.ModeBlock:
		if h.Root != "/" {
			return nil, notSwap(name)
		}
		number := fmt.Sprintf("%d:%d", unix.Major(meta.Rdev), unix.Minor(meta.Rdev))
		if link, err := h.Readlink("/sys/dev/block/" + number); err != nil || path.Base(link) != path.Base(name) {
			return nil, fmt.Errorf("%s: not opened: the kernel does not call the device %s so (%q, %v)", name, number, link, err)
		}
		f, err := openNode(name, unix.S_IFBLK, meta.Rdev, 0)
		if err == nil {
			direct(f)
		}
		return f, err
	}
	return nil, notSwap(name)
}

// direct asks for reads past the page cache (O_DIRECT). A file system that cannot
// refuses at once, and is read as usual.
func direct(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err == nil {
			_, _ = unix.FcntlInt(fd, unix.F_SETFL, flags|unix.O_DIRECT)
		}
	})
}
