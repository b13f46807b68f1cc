package volatile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

type linuxDir struct{ f *os.File }

// openMemTree opens the root of a tree. With privilege it asks the kernel for
// a private view of that one mount (open_tree(2), OPEN_TREE_CLONE): nothing
// that is mounted below can be entered there, and what such mounts hide is
// seen, nor does any access time change. Elsewhere the directory is opened by
// its name, and whole is false; reading the target of a link then may set the
// link's access time as the mount's options say, for want of a call that does not.
func openMemTree(h *collector.Host, t *memTree) (d memDir, whole bool, err error) {
	if h.Live && h.Elevated && t.PID == 0 {
		if d, err := cloneMount(t.Point); err == nil {
			return d, true, nil
		}
	}
	name := t.source(&memEntry{})
	if name == "" {
		name = "/"
	}
	f, err := h.Open(name)
	if err != nil {
		return nil, false, err
	}
	l := &linuxDir{f}
	if _, mount, err := l.stat(""); h.Live && (err != nil || mount != 0 && mount != uint64(t.ID)) {
		f.Close()
		return nil, false, evidence.Gone("%s: another file system is there by now", t.Point)
	}
	return l, false, nil
}

func cloneMount(point string) (memDir, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, point, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// Of the view alone: reading a link sets its access time elsewhere, whatever one does.
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOATIME, Attr_clr: unix.MOUNT_ATTR__ATIME}); err != nil {
		return nil, err
	}
	return openDirAt(fd, ".", point)
}

func openDirAt(at int, name, shown string) (memDir, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	fd, err := unix.Openat(at, name, flags|unix.O_NOATIME, 0)
	if err == unix.EPERM {
		fd, err = unix.Openat(at, name, flags, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: shown, Err: err}
	}
	return &linuxDir{os.NewFile(uintptr(fd), shown)}, nil
}

func (d *linuxDir) close() { d.f.Close() }

func (d *linuxDir) fd() int { return int(d.f.Fd()) }

func (d *linuxDir) names() ([]string, error) {
	var all []string
	for {
		some, err := d.f.Readdirnames(4096)
		all = append(all, some...)
		if len(all) > maxMemNames {
			slices.Sort(all)
			return all, evidence.Cut("more than %d names in one directory", maxMemNames)
		}
		if err != nil || len(some) == 0 {
			slices.Sort(all)
			if len(some) == 0 && err == io.EOF {
				err = nil
			}
			return all, err
		}
	}
}

func (d *linuxDir) stat(name string) (*evidence.FileMeta, uint64, error) {
	const mountID = 0x1000 // STATX_MNT_ID, statx(2), since Linux 5.8
	flags := unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC
	if name == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	var st unix.Statx_t
	if err := unix.Statx(d.fd(), name, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME|mountID, &st); err != nil {
		return nil, 0, &fs.PathError{Op: "stat", Path: path.Join(d.f.Name(), name), Err: err}
	}
	m := statxMeta(&st)
	if m.Mode&evidence.ModeType == evidence.ModeSymlink {
		buf := make([]byte, 4097) // PATH_MAX, and one to see that it is reached
		if n, err := unix.Readlinkat(d.fd(), name, buf); err == nil {
			m.LinkTarget = string(buf[:n])
		}
	}
	if st.Mask&mountID == 0 {
		return m, 0, nil
	}
	return m, st.Mnt_id, nil
}

func statxMeta(st *unix.Statx_t) *evidence.FileMeta {
	at := func(t unix.StatxTimestamp) time.Time { return time.Unix(t.Sec, int64(t.Nsec)).UTC() }
	m := &evidence.FileMeta{
		Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid, Size: int64(st.Size), Blocks: int64(st.Blocks),
		Dev: unix.Mkdev(st.Dev_major, st.Dev_minor), Inode: st.Ino, Nlink: uint64(st.Nlink),
		Rdev: unix.Mkdev(st.Rdev_major, st.Rdev_minor), Atime: at(st.Atime), Mtime: at(st.Mtime), Ctime: at(st.Ctime),
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		m.Btime = at(st.Btime)
	}
	return m
}

func (d *linuxDir) dir(name string) (memDir, error) {
	return openDirAt(d.fd(), name, d.f.Name()+"/"+name)
}

func (d *linuxDir) file(name string, meta *evidence.FileMeta) (*os.File, error) {
	shown := d.f.Name() + "/" + name
	handle, err := unix.Openat(d.fd(), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: shown, Err: err}
	}
	defer unix.Close(handle)
	var st unix.Stat_t
	if err := unix.Fstat(handle, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: shown, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Ino != meta.Inode {
		return nil, fmt.Errorf("%s: %w", shown, errReplaced)
	}
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	self := "/proc/self/fd/" + strconv.Itoa(handle) // proc_pid_fd(5): opens the very file that was looked at
	fd, err := unix.Open(self, flags|unix.O_NOATIME, 0)
	if err == unix.EPERM {
		fd, err = unix.Open(self, flags, 0)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: shown, Err: err}
	}
	return os.NewFile(uintptr(fd), shown), nil
}

// xattrs reads through /proc/self/fd, the one way that neither opens the entry
// nor follows it if it is a link (lgetxattr(2)). Lists and values have at most
// 64 KiB (xattr(7)).
func (d *linuxDir) xattrs(name string) (out []memXattr, err error) {
	at := "/proc/self/fd/" + strconv.Itoa(d.fd()) + "/" + name
	n, err := unix.Llistxattr(at, nil)
	if err != nil || n <= 0 {
		return nil, err
	}
	buf := make([]byte, min(n+1024, 64<<10)) // some room for what is added meanwhile
	if n, err = unix.Llistxattr(at, buf); err != nil {
		return nil, err
	}
	for _, key := range strings.Split(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00") {
		value := make([]byte, 256)
		n, e := unix.Lgetxattr(at, key, value)
		if e == unix.ERANGE {
			value = make([]byte, 64<<10)
			n, e = unix.Lgetxattr(at, key, value)
		}
		if e != nil {
			err = fmt.Errorf("%s: %w", key, e)
			continue
		}
		out = append(out, memXattr{key, string(value[:n])})
	}
	return out, err
}
