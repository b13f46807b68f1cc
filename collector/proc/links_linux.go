package proc

import (
	"os"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

// A LinkReader reads very many symbolic links of /proc through buffers of its
// own: one system call a link and no allocation, on a live host. What it gives
// is valid until the next call.
type LinkReader struct {
	h      *collector.Host
	dents  []byte
	target []byte
}

// NewLinkReader makes one; it is for one goroutine.
func NewLinkReader(h *collector.Host) *LinkReader {
	return &LinkReader{h: h, dents: make([]byte, 32<<10), target: make([]byte, 4096)}
}

// Readlink is Host.Readlink.
func (l *LinkReader) Readlink(name string) ([]byte, error) {
	if l.h.Root != "/" {
		t, err := l.h.Readlink(name)
		return []byte(t), err
	}
	n, err := unix.Readlink(name, l.target)
	if err != nil {
		return nil, &os.PathError{Op: "readlink", Path: name, Err: err}
	}
	return l.target[:n], nil
}

// Each calls f with the name and target of every link in a directory, until f
// says false. Links that end meanwhile are passed over; of others that cannot be
// read the first error is given, after all.
func (l *LinkReader) Each(dir string, f func(name, target []byte) bool) error {
	return l.Below(dir, "", f)
}

// Below is Each for the link of one name below every entry of the directory:
// with "/ns/net" below /proc/PID/task the namespace of every thread.
func (l *LinkReader) Below(dir, link string, f func(name, target []byte) bool) error {
	if l.h.Root != "/" {
		return eachLinkBelow(l.h, dir, link, f)
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(fd)
	var denied error
	for {
		n, err := unix.Getdents(fd, l.dents)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "read", Path: dir, Err: err}
		}
		if n <= 0 {
			return denied
		}
		more, err := l.dirents(fd, l.dents[:n], link, f)
		if err != nil && denied == nil {
			denied = &os.PathError{Op: "readlink", Path: dir, Err: err}
		}
		if !more {
			return denied
		}
	}
}

// dirents reads the link of each entry of what getdents64(2) gave.
func (l *LinkReader) dirents(fd int, b []byte, link string, f func(name, target []byte) bool) (more bool, denied error) {
	for {
		name, rest, ok := nextEntry(b)
		if !ok {
			return true, denied
		}
		if b = rest; len(name) == 0 || name[0] == '.' { // the directory itself and its parent
			continue
		}
		n, err := unix.Readlinkat(fd, string(name)+link, l.target)
		if err != nil && err != unix.ENOENT && err != unix.ESRCH {
			denied = err
		}
		if err == nil && !f(name, l.target[:n]) {
			return false, denied
		}
	}
}
