package volatile

import (
	"context"
	"io"
	"runtime"

	"hozen/collector"
	"hozen/packager/evidence"
)

// ReadSockets gives the rows that the collector Sockets would put now, without
// keeping what they were made of: for those who compare views more than once.
// Rows come with an error where some of the views could not be read whole;
// UnseenBy of a row names only views that were.
func ReadSockets(ctx context.Context, h *collector.Host) ([]*SocketRow, error) {
	if !h.Live {
		return nil, collector.ErrNotLive
	}
	if runtime.GOOS != "linux" {
		return nil, evidence.Skip("not on %s: there is one view of sockets", runtime.GOOS)
	}
	var to forgetful
	j := newSocketJob(ctx, h, &to)
	list := j.scan.namespaces(ctx, h)
	if err := j.take(ctx, list); err != nil {
		return nil, err
	}
	rows := j.table.finish(h, j.scan, list)
	j.scan.tally.Merge(&to.tally)
	return rows, j.scan.tally.Err()
}

// A forgetful sink keeps nothing but what went wrong.
type forgetful struct{ tally evidence.Tally }

// Put implements evidence.Sink.
func (f *forgetful) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	if ctx.Err() != nil {
		f.tally.Add(item.Path, context.Cause(ctx))
		return nil
	}
	f.tally.Add(item.Path, fill(io.Discard))
	return nil
}
