//go:build !linux

package proc

import "hozen/collector"

// Open gives the function by which processes of a fixture are opened.
func Open(h *collector.Host) (open func() func(pid int) (Dir, error), end func(), err error) {
	return func() func(int) (Dir, error) {
		return func(pid int) (Dir, error) { return openHostDir(h, pid) }
	}, func() {}, nil
}
