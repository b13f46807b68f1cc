package volatile

import (
	"strconv"

	"hozen/collector"
	"hozen/packager/evidence"
)

// A hostDir reads a process's directory by names: in a fixture, on any system.
type hostDir struct {
	host *collector.Host
	path string // with a final slash
}

func openHostDir(h *collector.Host, pid int) (procDir, error) {
	path := "/proc/" + strconv.Itoa(pid)
	if _, err := h.Lstat(path); err != nil {
		return nil, err
	}
	return hostDir{h, path + "/"}, nil
}

func (d hostDir) get(dst []byte, name string, link bool, limit int) ([]byte, error) {
	if !link {
		return d.host.AppendFile(dst, d.path+name, limit)
	}
	target, err := d.host.Readlink(d.path + name)
	return append(dst, target...), err
}

func (d hostDir) list(dst []int, name string, limit int) ([]int, error) {
	all, err := d.host.Names(d.path + name)
	dst = appendNumbers(dst, all)
	if err == nil && len(dst) > limit {
		dst, err = dst[:limit], evidence.Cut("more than %d entries", limit)
	}
	return dst, err
}

// Close has nothing to close.
func (d hostDir) Close() error { return nil }
