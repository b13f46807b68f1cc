package collector

import (
	"io"
	"os"
	"sort"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// ThisHost is the machine that we run on.
func ThisHost() *Host {
	return &Host{Root: "/", Live: true, Elevated: os.Geteuid() == 0}
}

// Open opens a regular file or a directory for reading, without changing its
// access time where the system allows that (O_NOATIME: owner or CAP_FOWNER),
// without waiting (O_NONBLOCK), and without following a symbolic link as the
// last component (ELOOP). Anything else is a *NotRegularError.
func (h *Host) Open(name string) (*os.File, error) { return h.open(name, unix.O_NOFOLLOW) }

// OpenFollow is Open, but follows a symbolic link as the last component: for
// /proc/PID/exe and its like on a live host, for /etc/os-release anywhere.
func (h *Host) OpenFollow(name string) (*os.File, error) { return h.open(name, 0) }

func (h *Host) open(name string, flags int) (*os.File, error) {
	if h.Image != nil {
		return nil, errInImage
	}
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	handle, err := h.openAt(name, flags&unix.O_NOFOLLOW|unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	defer unix.Close(handle)
	var st unix.Stat_t
	if err := unix.Fstat(handle, &st); err != nil {
		return nil, pathError("stat", name, err)
	}
	if m := st.Mode & unix.S_IFMT; m != unix.S_IFREG && m != unix.S_IFDIR {
		return nil, &NotRegularError{Name: name, Mode: st.Mode}
	}
	if err := h.stored(handle, &st, name); err != nil {
		return nil, err
	}
	fd, err := reopen(handle, flags&unix.O_DIRECTORY)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	// Else the runtime would have the kernel poll it, and a file system that does not
	// answer to that (FUSE) would hold up all that waits for anything in this process.
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, pathError("open", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// reopen opens for reading what an O_PATH handle holds: the very file whose
// type was looked at, so that a device or a FIFO is never opened, not even by
// somebody who swaps the name (open(2), proc_pid_fd(5)).
func reopen(handle, flags int) (int, error) {
	live := &Host{Root: "/"}
	return live.openFD("/proc/self/fd/"+strconv.Itoa(handle), flags)
}

// openFD opens without access time first, then, where that is refused (EPERM),
// plainly. See open(2), openat2(2).
func (h *Host) openFD(name string, flags int) (int, error) {
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := h.openAt(name, flags|unix.O_NOATIME)
	if err == unix.EPERM {
		fd, err = h.openAt(name, flags)
	}
	return fd, err
}

func (h *Host) openAt(name string, flags int) (int, error) {
	if err := h.avoided(name); err != nil {
		return -1, err
	}
	for try := 0; ; try++ {
		fd, err := h.openAtOnce(name, flags)
		raced := err == unix.EAGAIN && try < 16 // openat2(2): a rename while resolving
		if err != unix.EINTR && !raced {
			return fd, err
		}
	}
}

// byHandle says whether names must be opened to be asked about: they are looked up
// below a directory that is not our own root, or through no link.
func (h *Host) byHandle() bool { return h.Root != "/" || h.View != nil || h.NoLinks }

func (h *Host) openAtOnce(name string, flags int) (int, error) {
	how := unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	if h.NoLinks {
		how.Resolve |= unix.RESOLVE_NO_SYMLINKS
	}
	if h.View != nil {
		return h.inView(name, &how)
	}
	if h.Root == "/" {
		if h.NoLinks {
			fd, err := unix.Openat2(unix.AT_FDCWD, name, &unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_NO_SYMLINKS})
			if err != unix.ENOSYS {
				return fd, err
			}
		}
		return unix.Open(name, flags, 0)
	}
	root, err := unix.Open(h.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	return unix.Openat2(root, name, &how)
}

// AppendFile is ReadFile that appends to dst: for collectors that read tens of
// thousands of small kernel files and keep one buffer for them.
func (h *Host) AppendFile(dst []byte, name string, limit int) ([]byte, error) {
	if h.Image != nil {
		return h.imageAppend(dst, name, limit)
	}
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	fd, err := h.openFD(name, unix.O_NOFOLLOW)
	if err != nil {
		return dst, pathError("open", name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		return dst, &NotRegularError{Name: name, Mode: st.Mode}
	}
	if err := h.stored(fd, &st, name); err != nil {
		return dst, err
	}
	return appendFD(dst, fd, name, limit)
}

func appendFD(dst []byte, fd int, name string, limit int) ([]byte, error) {
	start := len(dst)
	for {
		if cap(dst)-len(dst) < 512 {
			dst = append(dst, make([]byte, max(4096, len(dst)-start))...)[:len(dst)]
		}
		n, err := unix.Read(fd, dst[len(dst):cap(dst)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return dst, pathError("read", name, err)
		}
		if n <= 0 {
			return dst, nil
		}
		dst = dst[:len(dst)+n]
		if len(dst)-start > limit {
			return dst[:start+limit], pathError("read", name, ErrTooLong)
		}
	}
}

// Names lists a directory, sorted by byte. What was read before an error is
// given with it; more than maxNames is ErrTooLong.
func (h *Host) Names(dir string) ([]string, error) {
	if h.Image != nil {
		return h.imageNames(dir)
	}
	f, err := h.open(dir, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h.Pulse.Ask(dir)
	defer h.Pulse.Answer()
	names, err := f.Readdirnames(maxNames)
	if err == io.EOF {
		err = nil
	}
	if len(names) == maxNames {
		err = pathError("list", dir, ErrTooLong)
	}
	sort.Strings(names)
	return names, err
}

// Readlink gives the target of a symbolic link, byte for byte, up to 64 KiB.
func (h *Host) Readlink(name string) (string, error) {
	if h.Image != nil {
		return h.imageReadlink(name)
	}
	at, rel := unix.AT_FDCWD, name
	if err := h.avoided(name); err != nil {
		return "", err
	}
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	if h.byHandle() {
		fd, err := h.openAt(name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC)
		if err != nil {
			return "", pathError("readlink", name, err)
		}
		defer unix.Close(fd)
		at, rel = fd, ""
	}
	for size := 256; ; size *= 4 {
		b := make([]byte, size)
		n, err := unix.Readlinkat(at, rel, b)
		if err != nil {
			return "", pathError("readlink", name, err)
		}
		if n < size || size >= 1<<16 {
			return string(b[:n]), nil
		}
	}
}

// Lstat describes a file without opening it and without triggering an
// automount, birth time included where the file system has one (statx(2)).
//
//go:noinline
func (h *Host) Lstat(name string) (*evidence.FileMeta, error) { return h.statx(name, false) }

// Stat is Lstat of what a symbolic link leads to.
func (h *Host) Stat(name string) (*evidence.FileMeta, error) { return h.statx(name, true) }

func (h *Host) statx(name string, follow bool) (*evidence.FileMeta, error) {
	if h.Image != nil {
		return h.imageMeta("stat", name, follow)
	}
	if err := h.avoided(name); err != nil {
		return nil, err
	}
	at, rel, flags := unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT|unix.AT_STATX_SYNC_AS_STAT
	if follow {
		flags &^= unix.AT_SYMLINK_NOFOLLOW
	}
	h.Pulse.Ask(name)
	defer h.Pulse.Answer()
	if h.byHandle() {
		oflags := unix.O_PATH | unix.O_CLOEXEC
		if !follow {
			oflags |= unix.O_NOFOLLOW
		}
		fd, err := h.openAt(name, oflags)
		if err != nil {
			return nil, pathError("stat", name, err)
		}
		defer unix.Close(fd)
		at, rel, flags = fd, "", flags|unix.AT_EMPTY_PATH
	}
	var st unix.Statx_t
	if err := unix.Statx(at, rel, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st); err != nil {
		return nil, pathError("stat", name, err)
	}
	m := metaOf(&st)
	if m.Mode&evidence.ModeType == evidence.ModeSymlink {
		m.LinkTarget, _ = h.Readlink(name)
	}
	return m, nil
}

func metaOf(st *unix.Statx_t) *evidence.FileMeta {
	at := func(t unix.StatxTimestamp) time.Time { return time.Unix(t.Sec, int64(t.Nsec)).UTC() }
	m := &evidence.FileMeta{
		Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid,
		Size: int64(st.Size), Blocks: int64(st.Blocks),
		Dev: unix.Mkdev(st.Dev_major, st.Dev_minor), Inode: st.Ino, Nlink: uint64(st.Nlink),
		Rdev:  unix.Mkdev(st.Rdev_major, st.Rdev_minor),
		Atime: at(st.Atime), Mtime: at(st.Mtime), Ctime: at(st.Ctime),
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		m.Btime = at(st.Btime)
	}
	return m
}
