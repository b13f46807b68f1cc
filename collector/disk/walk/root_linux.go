package walk

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

// openRoot opens the place where a walk begins, without opening what is there. With
// privilege it asks the kernel for a private view of that one mount (open_tree(2),
// OPEN_TREE_CLONE): nothing that is mounted below can be entered there, what such
// mounts cover is seen, and no access time changes, not even that of a link which is
// read. Elsewhere the place is opened by its name, and private is false.
func openRoot(h *collector.Host, name string) (handle int, private bool, err error) {
	handle, err = openPlain(h, name)
	if err != nil {
		return -1, false, err
	}
	view, err := unix.OpenTree(handle, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return handle, false, nil
	}
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOATIME, Attr_clr: unix.MOUNT_ATTR__ATIME}
	if err := unix.MountSetattr(view, "", unix.AT_EMPTY_PATH, attr); err != nil {
		unix.Close(view)
		return handle, false, nil
	}
	unix.Close(handle)
	return view, true, nil
}

func openPlain(h *collector.Host, name string) (int, error) {
	const flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	if h.Root == "/" {
		return unix.Open(name, flags, 0)
	}
	root, err := unix.Open(h.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if name == "/" {
		return root, nil
	}
	defer unix.Close(root)
	return openat2(root, name, &unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
}

// openat2 tries again where a rename came between (openat2(2)).
func openat2(at int, name string, how *unix.OpenHow) (fd int, err error) {
	for range 16 {
		if fd, err = unix.Openat2(at, name, how); err != unix.EAGAIN && err != unix.EINTR {
			break
		}
	}
	return fd, err
}

// maxStep bounds the names that are given to the kernel at once, below PATH_MAX.
const maxStep = 4000

// reopen opens a directory once more whose handle was given up for others, by its
// names from the root's handle, through no link and no mount, and makes sure that it is
// the same.
func (l *linuxLister) reopen(w *worker, n *node) (int, error) {
	at := int(w.s.roots[n.root].handle.Load() - 1)
	if at < 0 {
		return -1, unix.EBADF
	}
	rest := strings.Trim(string(n.appendPath(nil)[len(w.s.options.Roots[n.root].Path):]), "/")
	how := &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := openat2(at, ".", how)
	for rest != "" && err == nil {
		step := rest
		if len(step) > maxStep {
			step = step[:strings.LastIndexByte(step[:maxStep], '/')]
		}
		rest = strings.TrimPrefix(rest[len(step):], "/")
		var next int
		next, err = openat2(fd, step, how)
		unix.Close(fd)
		fd = next
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Ino != n.inode {
		unix.Close(fd)
		return -1, errReplaced
	}
	return fd, nil
}

// reopen opens for reading what an O_PATH handle holds.
func reopen(handle int) (*os.File, error) {
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	self := "/proc/self/fd/" + strconv.Itoa(handle)
	fd, err := unix.Open(self, flags|unix.O_NOATIME, 0)
	if err == unix.EPERM {
		fd, err = unix.Open(self, flags, 0)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), self), nil
}
