package volatile

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"hozen/packager/evidence"
)

// readKernelLog writes the ring buffer's bytes, from the oldest record to the
// newest, and never waits for a new one.
func readKernelLog(ctx context.Context, w io.Writer, limit int) error {
	err := readKmsg(ctx, w, limit)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		if e := readSyslog(w, limit); e == nil || !errors.Is(e, unix.EPERM) {
			return e
		}
	}
	return err
}

// readKmsg reads /dev/kmsg, one record a read; EPIPE says that records were
// overwritten before we came to them, EAGAIN that there are no more.
func readKmsg(ctx context.Context, w io.Writer, limit int) error {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 11) { // devices.txt: 1:11 is kmsg
		return unix.ENODEV
	}
	buf := make([]byte, 16<<10)
	for total := 0; total < limit; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EPIPE || err == unix.EINTR:
			continue
		case err == unix.EAGAIN || n == 0 && err == nil:
			return nil
		case err != nil:
			return err
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		total += n
	}
	return evidence.Cut("/dev/kmsg: more than %d bytes", limit)
}

// readSyslog is SYSLOG_ACTION_READ_ALL of syslog(2), which reads without clearing.
func readSyslog(w io.Writer, limit int) error {
	const readAll, sizeBuffer = 3, 10
	size, err := unix.Klogctl(sizeBuffer, nil)
	if err != nil {
		return err
	}
	buf := make([]byte, min(max(size, 1<<10), limit))
	n, err := unix.Klogctl(readAll, buf)
	if err != nil {
		return err
	}
	_, err = w.Write(buf[:n])
	return err
}
