//go:build !windows

package collector

import (
	"io/fs"
	"syscall"

	"hozen/packager/evidence"
)

func (h *Host) imageReadlink(name string) (string, error) {
	m, err := h.imageMeta("readlink", name, false)
	if err == nil && m.Mode&evidence.ModeType != evidence.ModeSymlink {
		err = &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
	}
	if err != nil {
		return "", err
	}
	return m.LinkTarget, nil
}
