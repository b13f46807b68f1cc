package ram

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

func systemOpener() opener { return openSystem }

func systemDriver() driverOpener { return nil }

// openSystem opens regular files as the host does, and the two devices only if
// they are what they are called: opening another device might do something.
func openSystem(h *collector.Host, name string) (device, error) {
	want := uint64(0)
	switch name {
	case memName:
		want = unix.Mkdev(1, 1) // Documentation/admin-guide/devices.txt
	case crashName:
		text, err := h.ReadFile("/sys/class/misc/crash/dev", 64)
		if err != nil {
			return nil, err
		}
		if want, err = parseDev(string(text)); err != nil {
			return nil, err
		}
	default:
		f, err := h.Open(name)
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	if h.Root != "/" {
		return nil, &os.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return openNode(name, unix.S_IFCHR, want, 0)
}

// openNode opens a device node of a kind and number for reading, looked at before
// it is opened.
func openNode(name string, kind uint32, number uint64, flags int) (*os.File, error) {
	handle, err := unix.Open(name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(handle)
	var st unix.Stat_t
	if err := unix.Fstat(handle, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != kind || uint64(st.Rdev) != number {
		return nil, fmt.Errorf("%s: not opened: it is not the device %d:%d", name, unix.Major(number), unix.Minor(number))
	}
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(handle), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY|flags, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// parseDev reads "major:minor\n".
func parseDev(text string) (uint64, error) {
	major, minor, _ := strings.Cut(strings.TrimSpace(text), ":")
	a, err1 := strconv.ParseUint(major, 10, 32)
	b, err2 := strconv.ParseUint(minor, 10, 32)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("%.40q: no device number", text)
	}
	return unix.Mkdev(uint32(a), uint32(b)), nil
}
