package volatile

import (
	"context"

	"hozen/collector"
	"hozen/packager/evidence"
)

func collectProcesses(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	return readProcesses(ctx, h, to)
}
