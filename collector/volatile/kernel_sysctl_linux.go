package volatile

import (
	"errors"

	"golang.org/x/sys/unix"
)

// noValue says whether an error of reading a sysctl means that it has none now.
func noValue(err error) bool {
	for _, e := range []error{unix.EIO, unix.EINVAL, unix.ENODEV, unix.ENODATA, unix.ENXIO, unix.EBUSY, unix.ENOTTY} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
