package proc

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"

	"hozen/collector"
	"hozen/packager/evidence"
)

// A Dir is one process's directory in /proc. It stands for the process, not
// for its number: once the process has ended, nothing of another that got the
// number is read through it.
type Dir interface {
	// Get appends what a file says, at most limit bytes of it, or where a
	// symbolic link leads.
	Get(dst []byte, name string, link bool, limit int) ([]byte, error)
	// List appends the numbers that are names in a directory, in order.
	List(dst []int, name string, limit int) ([]int, error)
	Close() error
}

// ErrMounted is what a reader says where /proc/PID has something mounted over
// it: an old way to hide a process.
var ErrMounted = errors.New("something else is mounted over it")

// IsGone says whether an error of a read means that the process has ended.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// A hostDir reads a process's directory by names: in a fixture, on any system.
type hostDir struct {
	host *collector.Host
	path string // with a final slash
}

// openHostDir is what Open gives for a directory that holds a host's files.
func openHostDir(h *collector.Host, pid int) (Dir, error) {
	path := "/proc/" + strconv.Itoa(pid)
	if _, err := h.Lstat(path); err != nil {
		return nil, err
	}
	return hostDir{h, path + "/"}, nil
}

func (d hostDir) Get(dst []byte, name string, link bool, limit int) ([]byte, error) {
	if !link {
		return d.host.AppendFile(dst, d.path+name, limit)
	}
	target, err := d.host.Readlink(d.path + name)
	return append(dst, target...), err
}

func (d hostDir) List(dst []int, name string, limit int) ([]int, error) {
	all, err := d.host.Names(d.path + name)
	dst = AppendNumbers(dst, all)
	if err == nil && len(dst) > limit {
		dst, err = dst[:limit], evidence.Cut("more than %d entries", limit)
	}
	return dst, err
}

// Close has nothing to close.
func (d hostDir) Close() error { return nil }
