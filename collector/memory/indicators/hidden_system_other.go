//go:build !linux

package indicators

import (
	"runtime"

	"hozen/collector"
	"hozen/packager/evidence"
)

func newPIDSystem(*collector.Host, []pidfdAt, *evidence.Tally) (sys pidSystem, end func(), err error) {
	return sys, nil, evidence.Skip("not on %s", runtime.GOOS)
}

func ownPIDs(*collector.Host) (same, first bool, err error) {
	return false, false, evidence.Skip("not on %s", runtime.GOOS)
}
