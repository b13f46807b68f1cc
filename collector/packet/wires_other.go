//go:build !linux && !windows

package packet

import (
	"runtime"

	"hozen/collector"
	"hozen/packager/evidence"
)

func newWires(*collector.Host) (wires, way, error) {
	return nil, way{}, evidence.Skip("not on %s: packets are captured on Linux and Windows", runtime.GOOS)
}
