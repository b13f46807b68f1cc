package main

import (
	"context"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// selfTestRow is a row of self-test.jsonl: one call of the system that a collection makes,
// tried on this machine.
type selfTestRow struct {
	Collector string           `json:"collector"`
	Probe     jsonl.Text       `json:"probe"`             // what is read or called
	Expects   jsonl.Text       `json:"expects,omitempty"` // what is seen where all is well
	Outcome   evidence.Outcome `json:"outcome"`
	Seen      jsonl.Text       `json:"seen,omitempty"` // what came back, in a word
	Note      jsonl.Text       `json:"note,omitempty"` // why it is not collected
	MS        int64            `json:"ms"`             // how long it took, in milliseconds
}

// selfTest is the collector of `doctor --self-test`: it tries every probe and changes
// nothing.
func selfTest(probes []probe) collector.Collector {
	return collector.Collector{
		Name: "self-test", Doc: "whether each call of this system gives what collectors expect of it",
		// Nothing of what it takes is lost with the power: nobody shall be told to wait for it.
		Volatility: collector.Disk, Limit: collector.Limit{Time: 10 * time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return to.Put(ctx, evidence.Item{Path: "self-test.jsonl", Source: "the system's calls, one by one"}, func(w io.Writer) error {
				return trySelf(ctx, h, w, probes)
			})
		},
	}
}

func trySelf(ctx context.Context, h *collector.Host, w io.Writer, probes []probe) error {
	rows := jsonl.NewWriter(w)
	var tally evidence.Tally
	for _, p := range probes {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		began := time.Now()
		seen, err := p.run(ctx, h)
		row := selfTestRow{Collector: p.collector, Probe: jsonl.Text(p.name), Expects: jsonl.Text(p.expects), Seen: jsonl.Text(seen), MS: time.Since(began).Milliseconds()}
		var note string
		row.Outcome, note, _ = evidence.Classify(err, 0)
		row.Note = jsonl.Text(note)
		tally.Add(p.collector+": "+p.name, err)
		if err := rows.Row(row); err != nil {
			return err
		}
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	return tally.Err()
}

// selfTest takes the answers of this machine into an archive of their own.
func (a *app) selfTest(ctx context.Context, out string) error {
	probes := append(doctorProbes(), selfTestProbes()...)
	b := *a
	b.collectors = func(request) []collector.Collector { return []collector.Collector{selfTest(probes)} }
	return b.newCollection(collectOptions{out: out, root: "/", profile: "standard"}).run(ctx)
}
