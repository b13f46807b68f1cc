package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"hozen/collector/jsonl"
	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/signed"
	"hozen/service/remote/witness"
)

// clockTime bounds how long time servers are asked, all at once.
const clockTime = 3 * time.Second

// clockRow is a line of clock-servers.jsonl: what another clock says of that of the
// machine that collects.
type clockRow struct {
	Kind       string `json:"kind"` // ntp, hub
	Server     string `json:"server"`
	Asked      string `json:"asked,omitempty"`     // of a hub: when, by our clock
	Age        *int64 `json:"asked_ms,omitempty"`  // and how long ago, by the monotonic clock
	OffsetMS   *int64 `json:"offset_ms,omitempty"` // its time less ours
	RTTMS      *int64 `json:"rtt_ms,omitempty"`
	MaxErrorMS *int64 `json:"max_error_ms,omitempty"` // how wrong ours may be, by it
	Error      string `json:"error,omitempty"`
}

func (o *collectOptions) checkClocks(a *app) error {
	for _, s := range o.ntp {
		if err := witness.CheckServer(s); err != nil {
			return usage(fmt.Errorf("--ntp: %w", err), "")
		}
	}
	if len(o.ntp) > witness.MaxServers {
		return usage(fmt.Errorf("--ntp: more than %d time servers", witness.MaxServers), "")
	}
	return nil
}

// askClocks asks the time servers of --ntp, if there are any, beside what is done until
// the function that it gives is called; that waits for their answers and keeps them. Of the
// hub's clock it takes what is known already.
func (c *collection) askClocks(ctx context.Context) (keep func() error) {
	if len(c.o.ntp) == 0 || ctx.Err() != nil {
		return func() error { return c.keepClocks(c.hubClock()) }
	}
	ctx, cancel := context.WithTimeout(ctx, clockTime)
	answers := make(chan []witness.Clock, 1)
	go func() { answers <- witness.Clocks(ctx, c.o.ntp) }()
	return func() error {
		defer cancel()
		return c.keepClocks(append(c.hubClock(), <-answers...))
	}
}

// hubClock is what is known of the hub's clock, as a clock that was asked: by the resident
// agent, or on the way of what goes to the hub.
func (c *collection) hubClock() []witness.Clock {
	ask := c.o.hubClock
	if h := c.o.to.hub; ask == nil && h != nil {
		ask = h.client.Clock
	}
	if ask == nil {
		return nil
	}
	k, known := ask()
	if !known {
		return nil
	}
	source := packager.ClockSource{Kind: "hub", ID: plain(k.Hub), OffsetMS: k.Offset.Milliseconds(), RTTMS: k.RTT.Milliseconds()}
	clock := witness.Clock{ClockSource: source, MaxError: k.Offset.Abs() + k.RTT/2, Asked: k.Asked, Elapsed: k.Elapsed}
	if k.Moved.Abs() > time.Second {
		clock.Err = errClockMoved
	}
	return []witness.Clock{clock}
}

var errClockMoved = errors.New("since it was asked, this machine's clock was set, or the machine slept")

// boundOf is how wrong this machine's clock may be by all the clocks that answered. Clocks
// that cannot all be right, by the bounds that they give themselves, give none.
func boundOf(clocks []witness.Clock) (most time.Duration, agree bool) {
	lowest, highest := time.Duration(math.MinInt64), time.Duration(math.MaxInt64)
	for _, k := range clocks {
		if k.Err != nil {
			continue
		}
		offset := time.Duration(k.OffsetMS) * time.Millisecond
		unsure := max(k.MaxError-offset.Abs(), 0) + time.Millisecond // offsets are rounded
		lowest, highest = max(lowest, offset-unsure), min(highest, offset+unsure)
		most = max(most, k.MaxError)
	}
	return most, lowest <= highest
}

// keepClocks puts the answers into the archive, and an event of them into the log.
func (c *collection) keepClocks(clocks []witness.Clock) error {
	if len(clocks) == 0 {
		return nil
	}
	e := packager.Event{Event: "clock"}
	var rows []clockRow
	for _, k := range clocks {
		row := clockRow{Kind: k.Kind, Server: k.ID}
		if !k.Asked.IsZero() {
			row.Asked, row.Age = signed.Wall(k.Asked), new(k.Elapsed.Milliseconds())
		}
		if k.Err != nil {
			row.Error = k.Err.Error()
			c.ui.warn("no_time_server", c.a.text(mClockSilent, escape(k.ID), escape(row.Error)))
		} else {
			row.OffsetMS, row.RTTMS, row.MaxErrorMS = new(k.OffsetMS), new(k.RTTMS), new(roundUp(k.MaxError))
			e.Time.Sources = append(e.Time.Sources, k.ClockSource)
		}
		rows = append(rows, row)
	}
	if most, agree := boundOf(clocks); agree {
		e.Time.MaxErrorMS = roundUp(most)
	} else {
		e.Detail = append(e.Detail, packager.EventDetail{Name: "clocks", Value: "disagree"})
		c.ui.warn("clocks_disagree", c.a.text(mClocksDisagree))
	}
	item := evidence.Item{Path: "clock-servers.jsonl", Source: "time servers that were to be asked, and the hub", Collector: "clock"}
	err := tapped(c.writer, c.model).Put(context.Background(), item, func(w io.Writer) error {
		t := jsonl.NewWriter(w)
		for _, row := range rows {
			if err := t.Row(row); err != nil {
				return err
			}
		}
		return t.Flush()
	})
	if err != nil || len(e.Time.Sources) == 0 {
		return err
	}
	return c.writer.Event(e)
}
