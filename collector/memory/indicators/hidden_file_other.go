//go:build !linux

package indicators

import (
	"runtime"

	"hozen/collector"
	"hozen/packager/evidence"
)

func newFileView(*collector.Host) (*fileView, error) {
	return nil, evidence.Skip("not on %s", runtime.GOOS)
}
