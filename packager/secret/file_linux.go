package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence/fault"
)

// readFile reads a whole file past the page cache into b, whose beginning and
// length are aligned to pages.
func readFile(file string, b []byte) (n int, kept, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	if !st.Mode().IsRegular() {
		n, err = readPlain(f, b)
		return n, fmt.Errorf("%s: %w: it is no regular file, and cannot be read again", file, ErrKept), err
	}
	if st.Size() >= int64(len(b)) {
		return 0, nil, fmt.Errorf("%s: %d bytes: not a key file", file, st.Size())
	}
	fd := int(f.Fd())
	if cached(fd, st.Size()) {
		kept = fmt.Errorf("%s: %w: somebody had read or written it before, or its file system lives there", file, ErrKept)
	}
	if n, err = pread(fd, b); errors.Is(err, unix.EINVAL) {
		kept = fmt.Errorf("%s: %w: its file system is read through the page cache only", file, ErrKept)
		n, err = readPlain(f, b)
	}
	if err != nil {
		return 0, nil, &os.PathError{Op: "read", Path: file, Err: err}
	}
	unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
	return n, kept, nil
}

// pread reads directly: EINVAL where that cannot be (open(2), O_DIRECT).
func pread(fd int, b []byte) (n int, err error) {
	if err := direct(fd); err != nil {
		return 0, err
	}
	defer buffered(fd)
	for {
		if n, err = unix.Pread(fd, b, 0); err != unix.EINTR {
			return n, err
		}
	}
}

// direct sets O_DIRECT on an open file: open(2) with it would leave a new file
// behind where it cannot be.
func direct(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_DIRECT)
	}
	return err
}

func buffered(fd int) {
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil {
		unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&^unix.O_DIRECT)
	}
}

// writeFile writes whole blocks into a new file, past the page cache, or leaves none.
func writeFile(file string, b []byte) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // to be mapped, too
	if err != nil {
		return err
	}
	err = writeDirect(f, file, b)
	if err == nil {
		err = f.Sync()
	}
	if err = fault.Join(err, f.Close()); err != nil {
		return fault.Join(err, os.Remove(file))
	}
	return syncDir(filepath.Dir(file))
}

func writeDirect(f *os.File, file string, b []byte) error {
	fd := int(f.Fd())
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err == nil && (int64(fs.Type) == unix.TMPFS_MAGIC || int64(fs.Type) == unix.RAMFS_MAGIC) {
		return fmt.Errorf("%s: %w: its file system lives there", file, ErrKept)
	}
	err := direct(fd)
	if err == nil {
		_, err = unix.Pwrite(fd, b, 0)
	}
	switch {
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%s: %w: its file system is written through the page cache only", file, ErrKept)
	case err != nil:
		return &os.PathError{Op: "write", Path: file, Err: err}
	case cached(fd, int64(len(b))):
		// Not what was asked for: wipe what is there.
		clear(b)
		_, err = unix.Pwrite(fd, b, 0)
		return fault.Join(fmt.Errorf("%s: %w: its file system keeps it there", file, ErrKept), err)
	}
	return nil
}

func overwrite(file string, zeros []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	direct(int(f.Fd())) // else through the cache: zeros may stay there
	_, err = unix.Pwrite(int(f.Fd()), zeros, 0)
	return fault.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err = d.Sync(); errors.Is(err, unix.EINVAL) {
		err = nil // file systems without it
	}
	return fault.Join(err, d.Close())
}

// cached says whether any page of the file is in the page cache (mincore(2); to
// who may not write the file it says yes).
func cached(fd int, size int64) bool {
	b, err := unix.Mmap(fd, 0, int(size), unix.PROT_NONE, unix.MAP_SHARED)
	if err != nil {
		return false // not every file system maps: then it has said no to direct reading, too
	}
	defer unix.Munmap(b)
	in := make([]byte, (len(b)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, e := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(unsafe.Pointer(unsafe.SliceData(in)))); e != 0 {
		return false
	}
	for _, page := range in {
		if page&1 != 0 {
			return true
		}
	}
	return false
}
