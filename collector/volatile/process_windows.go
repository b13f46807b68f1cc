package volatile

import (
	"context"

	"hozen/collector"
	"hozen/packager/evidence"
)

// collectProcesses reads a fixture's /proc as on Linux. Those of a running Windows are
// taken by package onwindows.
func collectProcesses(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	return readProcesses(ctx, h, to)
}
