//go:build !linux

package packet

import (
	"runtime"

	"hozen/collector"
	"hozen/packager/evidence"
)

func newWires(*collector.Host) (wires, error) {
	return nil, evidence.Skip("not on %s: packets are captured on Linux", runtime.GOOS)
}
