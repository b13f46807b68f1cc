//go:build !linux && !windows

package volatile

import (
	"context"
	"io"
	"runtime"

	"hozen/collector"
	"hozen/packager/evidence"
)

// socketsElsewhere says why a live system without a reader of its own is passed
// over: gopsutil would start lsof or netstat there.
func socketsElsewhere(ctx context.Context, h *collector.Host, to evidence.Sink) (bool, error) {
	if !h.Live {
		return false, nil
	}
	return true, to.Put(ctx, evidence.Item{Path: socketsTable, Source: "sockets of " + runtime.GOOS}, func(io.Writer) error {
		return evidence.Skip("not on %s: without a program such as lsof, which is not started, sockets cannot be listed", runtime.GOOS)
	})
}

func (j *socketJob) dumpNamespace(context.Context, netNS) (func(), error) { return func() {}, nil }

func socketProtocolName(string, uint64) string { return "" }
