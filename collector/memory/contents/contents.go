package contents

import (
	"context"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Options says what is taken, and how much. Limits of 0 have the meaning given.
type Options struct {
	// Suspects are told by the collector indicators, which is run before.
	Suspects *memory.Suspects
	// Dump names processes that are taken whole.
	Dump []int
	// Freeze stops a process while it is dumped.
	Freeze bool

	PerFile    int64 // bytes of data of one file; 0: 1 GiB
	PerProcess int64 // bytes of the regions of one process; 0: 256 MiB
	PerLow     int64 // bytes of the regions of a process all of whose indicators are of level low; 0: 16 MiB
	Total      int64 // bytes of all files and regions; 0: 4 GiB. Cores are not counted
}

func (o Options) orDefault() Options {
	for _, l := range []struct {
		at *int64
		is int64
	}{{&o.PerFile, 1 << 30}, {&o.PerProcess, 256 << 20}, {&o.PerLow, 16 << 20}, {&o.Total, 4 << 30}} {
		if *l.at <= 0 {
			*l.at = l.is
		}
	}
	return o
}

const (
	table  = "memory/contents.jsonl"
	folder = "memory/contents/"
)

// Contents takes what dies with its process. On a directory that holds a host's
// files it says skipped.
func Contents(o Options) collector.Collector {
	return collector.Collector{
		Name: "contents", Doc: "deleted images and files, memfds, suspicious memory, and processes to be dumped",
		Volatility: collector.Memory,
		Limit:      collector.Limit{Time: 30 * time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			if !h.Live {
				return to.Put(ctx, tableItem(), func(io.Writer) error { return collector.ErrNotLive })
			}
			t := &taking{ctx: ctx, host: h, to: to, o: o.orDefault()}
			t.left = t.o.Total
			return t.run()
		},
	}
}

func tableItem() evidence.Item {
	return evidence.Item{Path: table, Source: "/proc/PID/exe, fd, map_files, mem"}
}

// A taking is one run of the collector.
type taking struct {
	ctx   context.Context
	host  *collector.Host
	to    evidence.Sink
	o     Options
	left  int64 // bytes that may still be taken of files and regions
	rows  []Content
	tally evidence.Tally
}

// run takes what is asked for by name first, then what indicators point to, then
// what was deleted: in this order it is lost with its process. It gives only
// errors of the sink.
func (t *taking) run() error {
	found := t.scan()
	for _, step := range []func() error{
		t.dumps,
		func() error { return t.files(found.of("image")) },
		t.regions,
		func() error { return t.files(found.of("mapped_file")) },
		func() error { return t.files(found.of("memfd")) },
		func() error { return t.files(found.of("deleted_file")) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return t.to.Put(context.WithoutCancel(t.ctx), tableItem(), func(w io.Writer) error {
		return fault.Join(jsonl.Write(w, t.rows), t.tally.Err())
	})
}
