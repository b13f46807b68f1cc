package onwindows

import (
	"context"
	"io"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Containers is the collector "containers", which has nothing of its own to take here.
func Containers() collector.Collector {
	return none("containers", "containers of Windows", "volatile/containers.jsonl",
		"not on Windows: a container's processes are in processes, and what Docker keeps is among the files of disk")
}

// Temporary is the collector "temporary", which has nothing of its own to take here.
func Temporary() collector.Collector {
	return none("temporary", "file systems that live in memory", "volatile/temporary.jsonl",
		"not on Windows: it has no file systems in memory of its own; a RAM disk is a volume among the others")
}

// none is a collector that says why there is nothing: the vocabulary of profiles and jobs
// is the same on every system.
func none(name, doc, item, why string) collector.Collector {
	volatility := collector.Live
	if name == "temporary" {
		volatility = collector.Temporary
	}
	return collector.Collector{
		Name: name, Doc: doc, Volatility: volatility, Needs: collector.LiveHost,
		Collect: func(ctx context.Context, _ *collector.Host, to evidence.Sink) error {
			return to.Put(ctx, evidence.Item{Path: item, Source: doc}, func(io.Writer) error { return evidence.Skip("%s", why) })
		},
	}
}
