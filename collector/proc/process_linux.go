package proc

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Open gives the function by which processes are opened, and one that ends
// its use. On the live host names are resolved from a handle of the process's
// directory, which spares the kernel half of each look-up, stays with the
// process when its number is used again (proc(5): reads then give ESRCH), and
// refuses what is mounted over any part of it.
func Open(h *collector.Host) (open func() func(pid int) (Dir, error), end func(), err error) {
	if h.Root != "/" {
		return func() func(int) (Dir, error) {
			return func(pid int) (Dir, error) { return openHostDir(h, pid) }
		}, func() {}, nil
	}
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	open = func() func(int) (Dir, error) {
		d := &liveDir{proc: proc, entries: make([]byte, 1<<15)}
		return d.open
	}
	return open, func() { unix.Close(proc) }, nil
}

// A liveDir is a process's directory on the running host. It is used again for
// the next process, and by one goroutine only.
type liveDir struct {
	proc, dir int
	fds       int // handle of the directory fd; -1 if not open
	entries   []byte
	how       unix.OpenHow
	plain     bool // the kernel is older than openat2 (5.6)
}

func (d *liveDir) open(pid int) (Dir, error) {
	fd, err := d.openat(d.proc, strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	d.dir, d.fds = fd, -1
	return d, nil
}

func (d *liveDir) openat(at int, name string, flags int) (int, error) {
	flags |= unix.O_CLOEXEC | unix.O_NOFOLLOW
	for !d.plain {
		d.how = unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS}
		fd, err := unix.Openat2(at, name, &d.how)
		switch err {
		case unix.EINTR, unix.EAGAIN:
			continue
		case unix.EXDEV:
			return -1, ErrMounted
		case unix.ENOSYS:
			d.plain = true
		default:
			return fd, err
		}
	}
	for {
		fd, err := unix.Openat(at, name, flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func (d *liveDir) Get(dst []byte, name string, link bool, limit int) ([]byte, error) {
	if link {
		return d.link(dst, name)
	}
	fd, err := d.openat(d.dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return dst, err
	}
	defer unix.Close(fd)
	start := len(dst)
	for {
		if cap(dst)-len(dst) < 1<<12 {
			dst = slices.Grow(dst, max(1<<14, len(dst)-start))
		}
		n, err := unix.Read(fd, dst[len(dst):cap(dst)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return dst, err
		case n <= 0:
			return dst, nil
		}
		dst = dst[:len(dst)+n]
		if len(dst)-start > limit {
			return dst[:start+limit], collector.ErrTooLong
		}
	}
}

// link reads a link; those in fd through the handle that list left open.
func (d *liveDir) link(dst []byte, name string) ([]byte, error) {
	at := d.dir
	if fd, ok := strings.CutPrefix(name, "fd/"); ok && d.fds >= 0 {
		at, name = d.fds, fd
	}
	dst = slices.Grow(dst, 1<<13) // the kernel gives at most a page
	n, err := unix.Readlinkat(at, name, dst[len(dst):cap(dst)])
	if err != nil {
		return dst, err
	}
	return dst[:len(dst)+n], nil
}

func (d *liveDir) List(dst []int, name string, limit int) ([]int, error) {
	fd, err := d.openat(d.dir, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return dst, err
	}
	if name == "fd" {
		d.fds = fd
	} else {
		defer unix.Close(fd)
	}
	for {
		n, err := unix.Getdents(fd, d.entries)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return dst, err
		case n <= 0:
			slices.Sort(dst)
			return dst, nil
		}
		dst = AppendEntryNumbers(dst, d.entries[:n])
		if len(dst) > limit {
			return dst[:limit], evidence.Cut("more than %d entries", limit)
		}
	}
}

// Close ends the use of one process.
func (d *liveDir) Close() error {
	err := unix.Close(d.dir)
	if d.fds >= 0 {
		err = fault.Join(err, unix.Close(d.fds))
		d.fds = -1
	}
	return err
}
