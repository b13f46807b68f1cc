//go:build !windows

package collector

import (
	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// LstatStreams is Lstat, and the alternate streams of the file: on this system, none
// (an image lists them beside their files).
func (h *Host) LstatStreams(name string) (*evidence.FileMeta, []winfile.DataStream, error) {
	m, err := h.Lstat(name)
	return m, nil, err
}
