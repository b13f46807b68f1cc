package walk

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

// maxWaiting is how many bytes of names of subdirectories wait, of one directory;
// then those are walked before the directory is read on.
const maxWaiting = 1 << 20

// linuxLister reads directories by handles.
type linuxLister struct {
	names []byte // getdents64(2)
	link  []byte
	st    unix.Statx_t
}

func newLister(h *collector.Host) lister {
	if h.Image != nil {
		return &nameLister{}
	}
	return &linuxLister{names: make([]byte, 128<<10), link: make([]byte, 64<<10)}
}

// maxOpen is how many directories may be held open for the subdirectories that wait
// in them; those beyond are opened again by their names.
func maxOpen() int64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 64
	}
	return int64(max(min(limit.Cur/4, 512), 16))
}

const (
	dirFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	mountID  = 0x1000 // STATX_MNT_ID, statx(2), since Linux 5.8
)

// openDir opens a directory without access time where that is allowed.
func openDir(at int, name string) (fd int, touched bool, err error) {
	for range 16 {
		fd, err = unix.Openat(at, name, dirFlags|unix.O_NOATIME, 0)
		if err == unix.EPERM {
			touched = true
			fd, err = unix.Openat(at, name, dirFlags, 0)
		}
		if err != unix.EINTR {
			break
		}
	}
	return fd, touched, err
}

// stat describes a name in a directory, or, with the name empty, what is open. The
// name has a NUL after it. errLost if the worker was left behind.
func (l *linuxLister) stat(w *worker, at int, name *byte, e *Entry) error {
	flags := unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_SYNC_AS_STAT
	if *name == 0 {
		flags |= unix.AT_EMPTY_PATH
	}
	const mask = unix.STATX_BASIC_STATS | unix.STATX_BTIME | mountID
	state := w.into()
	_, _, code := unix.Syscall6(unix.SYS_STATX, uintptr(at), uintptr(unsafe.Pointer(name)), uintptr(flags), mask, uintptr(unsafe.Pointer(&l.st)), 0)
	if !w.out(state) {
		return errLost
	}
	if code != 0 {
		return code
	}
	fill(&e.Meta, &l.st)
	return nil
}

var errLost = errors.New("left behind")

func fill(m *Meta, st *unix.Statx_t) {
	m.Mode, m.UID, m.GID, m.Nlink = uint32(st.Mode), st.Uid, st.Gid, uint64(st.Nlink)
	m.Size, m.Blocks, m.Inode = int64(st.Size), int64(st.Blocks), st.Ino
	m.Dev, m.Rdev = unix.Mkdev(st.Dev_major, st.Dev_minor), unix.Mkdev(st.Rdev_major, st.Rdev_minor)
	m.Atime = Time{st.Atime.Sec, st.Atime.Nsec, true}
	m.Mtime = Time{st.Mtime.Sec, st.Mtime.Nsec, true}
	m.Ctime = Time{st.Ctime.Sec, st.Ctime.Nsec, true}
	if st.Mask&unix.STATX_BTIME != 0 {
		m.Btime = Time{st.Btime.Sec, st.Btime.Nsec, true}
	}
	m.Attributes = st.Attributes & st.Attributes_mask
}

// begin implements lister.
func (l *linuxLister) begin(w *worker, root int) *node {
	t, name := &w.s.roots[root], w.s.options.Roots[root].Path
	w.path = append(w.path[:0], name...)
	e := &w.entry
	*e = Entry{Root: root, Path: w.path}
	state := w.into()
	handle, private, err := openRoot(w.s.host, name)
	if !w.out(state) {
		unix.Close(handle)
		return nil
	}
	if err != nil {
		e.Err = fmt.Errorf("open %s: %w", name, err)
		w.s.giveUp(root, e.Err)
		w.give()
		return nil
	}
	t.handle.Store(int64(handle) + 1)
	t.private.Store(private)
	none := byte(0)
	if err = l.stat(w, handle, &none, e); err == errLost {
		return nil
	}
	if err == nil && !e.Meta.Directory() {
		e.at.fd = handle
		l.readLink(w, handle, &none, e)
		w.known(e)
		return nil
	}
	if l.st.Mask&mountID != 0 {
		t.mount.Store(l.st.Mnt_id)
	}
	return l.opened(w, &node{name: name, root: root, length: len(name)}, e, handle, ".")
}

// enter implements lister.
func (l *linuxLister) enter(w *worker, parent *node, name string) *node {
	w.in(parent)
	e := w.begins(parent, []byte(name))
	w.stopped(e) // for Covered: one that is not to be entered did not wait
	n := &node{parent: parent, name: name, root: parent.root, depth: parent.depth + 1, length: len(w.path), covered: e.Covered}
	at := parent.fd
	if at < 0 {
		state := w.into()
		again, err := l.reopen(w, parent)
		if !w.out(state) {
			unix.Close(again)
			return nil
		}
		if err != nil {
			e.Err = fmt.Errorf("open the directory above again: %w", err)
			w.give()
			return nil
		}
		defer unix.Close(again)
		at = again
	}
	return l.opened(w, n, e, at, name)
}

// opened opens the directory of a node, and visits it.
func (l *linuxLister) opened(w *worker, n *node, e *Entry, at int, name string) *node {
	if n.length > maxPath {
		return l.closed(w, e, at, name, evidence.Cut("not listed: its path has more than %d bytes", maxPath))
	}
	state := w.into()
	fd, touched, err := openDir(at, name)
	if !w.out(state) {
		unix.Close(fd)
		return nil
	}
	if err != nil {
		return l.closed(w, e, at, name, err)
	}
	n.fd, n.close = fd, w.s.closeDir
	w.s.open.Add(1)
	n.refs.Store(1)
	none := byte(0)
	if err := l.stat(w, fd, &none, e); err != nil {
		n.release()
		e.Err = err
		if err != errLost {
			w.give()
		}
		return nil
	}
	n.inode = e.Meta.Inode
	e.Known = true
	if mount := w.s.roots[n.root].mount.Load(); mount != 0 && l.st.Mask&mountID != 0 && l.st.Mnt_id != mount {
		e.Err = evidence.Skip("not listed: another file system was mounted here since the mounts were listed")
		w.give()
		n.release()
		return nil
	}
	if w.walked(e) || !w.give() {
		n.release()
		return nil
	}
	if touched {
		w.count.touched++
	}
	w.count.directories++
	return n
}

// closed visits a directory that could not be opened.
func (l *linuxLister) closed(w *worker, e *Entry, at int, name string, why error) *node {
	p, err := unix.BytePtrFromString(name)
	if err == nil {
		err = l.stat(w, at, p, e)
	}
	switch {
	case err == errLost:
		return nil
	case err == unix.ENOENT:
		e.Err = errGone
	case err != nil:
		e.Err = err
	case !e.Meta.Directory():
		e.Known, e.Err = true, errReplaced
	default:
		e.Known, e.Err = true, why
	}
	w.give()
	return nil
}

var errGone = evidence.Gone("gone since its directory was listed")

// read implements lister.
func (l *linuxLister) read(w *worker, n *node) (more bool) {
	for {
		state := w.into()
		k, err := unix.Getdents(n.fd, l.names)
		if !w.out(state) {
			return false
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil || k <= 0 {
			if err != nil && err != unix.ENOENT { // ENOENT: the directory was removed
				w.broke(n, fmt.Errorf("list: %w", err))
			}
			return false
		}
		for rest := l.names[:k]; len(rest) > 0; {
			var d dirent
			if d, rest, err = nextDirent(rest); err != nil {
				w.broke(n, err)
				return false
			}
			if !dots(d.name) && !l.one(w, n, d) {
				return false
			}
		}
		if len(w.waits) >= maxWaiting {
			return true
		}
	}
}

// one visits one name; false when the walk ends, or the worker was left behind.
func (l *linuxLister) one(w *worker, n *node, d dirent) bool {
	e := w.begins(n, d.name)
	if !possible(d.name) {
		e.Err = errors.New("not looked at: no name that a file can have")
		return w.give()
	}
	if w.stopped(e) {
		return !w.s.stop.Load()
	}
	if d.kind == kindDir {
		w.wait(d.name)
		return true
	}
	e.at = place{fd: n.fd, name: d.name}
	switch err := l.stat(w, n.fd, &d.name[0], e); {
	case err == errLost:
		return false
	case err == unix.ENOENT:
		e.Err = errGone
		return w.give()
	case err != nil:
		e.Err = err
		return w.give()
	case e.Meta.Directory():
		w.wait(d.name)
		return true
	}
	return l.readLink(w, n.fd, &d.name[0], e) && w.known(e)
}

// readLink reads the target of a symbolic link; false if the worker was left behind.
func (l *linuxLister) readLink(w *worker, at int, name *byte, e *Entry) bool {
	if e.Meta.Type() != evidence.ModeSymlink {
		return true
	}
	state := w.into()
	k, _, code := unix.Syscall6(unix.SYS_READLINKAT, uintptr(at), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&l.link[0])), uintptr(len(l.link)), 0, 0)
	if !w.out(state) {
		return false
	}
	if code != 0 {
		e.Err = fmt.Errorf("readlink: %w", code)
		return true
	}
	e.Link = l.link[:k]
	return true
}

func (s *walker) closeDir(fd int) {
	unix.Close(fd)
	s.open.Add(-1)
}

func closeHandle(fd int) { unix.Close(fd) }

// open opens the contents of the file that m describes: first a handle that reads
// nothing, then, when that is the very file, for reading (open(2), proc_pid_fd(5)).
func (p *place) open(m *Meta) (collector.Reader, error) {
	handle := p.fd
	if len(p.name) > 0 {
		var err error
		if handle, err = unix.Openat(p.fd, string(p.name), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err != nil {
			return nil, err
		}
		defer unix.Close(handle)
	}
	var st unix.Stat_t
	if err := unix.Fstat(handle, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Ino != m.Inode {
		return nil, errReplaced
	}
	return reopen(handle)
}

// xattr reads through /proc/self/fd, the one way that neither opens the object nor
// follows it (lgetxattr(2)).
func (p *place) xattr(name string) ([]byte, error) {
	at := "/proc/self/fd/" + strconv.Itoa(p.fd)
	if len(p.name) > 0 {
		at += "/" + string(p.name)
	}
	value := make([]byte, 64)
	n, err := unix.Lgetxattr(at, name, value)
	if err == unix.ERANGE {
		value = make([]byte, 64<<10)
		n, err = unix.Lgetxattr(at, name, value)
	}
	switch {
	case err == unix.ENODATA, err == unix.EOPNOTSUPP:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return value[:n], nil
}
