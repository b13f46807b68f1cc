package collector

import (
	"os"

	"golang.org/x/sys/unix"
)

// Quiet gives the same host through a private view of its mounts (open_tree(2) with
// OPEN_TREE_CLONE) that is read-only and without access times (mount_setattr(2)):
// even following a symbolic link, or reading where it leads, then changes nothing.
// Where the system does not give one (no privilege), or h is one already, it is h
// itself. The view is let go by done; what still hangs in it stays there.
func (h *Host) Quiet() (quiet *Host, done func()) {
	if !h.Elevated || h.Image != nil || h.View != nil {
		return h, func() {}
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, h.Root, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_NO_AUTOMOUNT)
	if err != nil {
		return h, func() {}
	}
	view := os.NewFile(uintptr(fd), "/")
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOATIME, Attr_clr: unix.MOUNT_ATTR__ATIME}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		view.Close()
		return h, func() {}
	}
	q := *h
	q.View = view
	return &q, func() { view.Close() }
}

// inView opens a name below the view; one that was let go gives os.ErrClosed.
func (h *Host) inView(name string, how *unix.OpenHow) (fd int, err error) {
	raw, err := h.View.SyscallConn()
	if err != nil {
		return -1, err
	}
	var openErr error
	if err := raw.Control(func(root uintptr) { fd, openErr = unix.Openat2(int(root), name, how) }); err != nil {
		return -1, os.ErrClosed
	}
	return fd, openErr
}
