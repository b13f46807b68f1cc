package packet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/packet/filter"
	"hozen/packager/evidence"
)

// Options say what is captured.
type Options struct {
	// For is how long; 0: DefaultFor.
	For time.Duration
	// Interfaces are the names of those that are listened to; none: all that are up,
	// loopback included. One that comes up later is taken from then on.
	Interfaces []string
	// Filter is in the language of package filter (tcpdump's, a part of it); "": everything.
	Filter string
	// Snaplen is how many bytes of each frame are taken at most; 0 (and more than
	// that): 262144, as tcpdump takes.
	Snaplen int
	// Size bounds the pcapng, in bytes; 0: DefaultSize.
	Size int64
	// Version is our own, for the files' headers.
	Version string
}

// The bounds where Options give none.
const (
	DefaultFor        = time.Minute
	DefaultSize int64 = 4 << 30
)

func (o Options) orDefault() Options {
	if o.For <= 0 {
		o.For = DefaultFor
	}
	if o.Size <= 0 {
		o.Size = DefaultSize
	}
	if o.Snaplen <= 0 || o.Snaplen > maxSnaplen {
		o.Snaplen = maxSnaplen
	}
	return o
}

// CheckFilter says what in a filter is not understood, where, and what is
// allowed: a *filter.Error. nil: Packets will take it.
func CheckFilter(text string) error {
	_, err := filter.Parse(text)
	return err
}

// Packets captures the traffic of this host's network namespace beside all other
// collectors: its Ready is closed when every interface is listened to (or cannot
// be). It ends when Options.For is over, at Options.Size, or with its context, and
// keeps what it has in any case. Items:
//
//	network/capture-000001.pcapng …  a few seconds each, as they go by; joined with cat they are one file
//	network/capture.jsonl            an InterfaceRow for each interface, with what was lost and why it ended
//	network/flows.jsonl …            the tables of package flow
//
// Frames that were lost are a shortfall of capture.jsonl.
func Packets(o Options) collector.Collector {
	o = o.orDefault()
	ready := make(chan struct{})
	var once sync.Once
	isReady := func() { once.Do(func() { close(ready) }) }
	return collector.Collector{
		Name: "packets", Doc: "traffic that passes while everything else is taken",
		Volatility: collector.Traffic, Needs: collector.LiveHost, Asked: "--pcap",
		Limit:    collector.Limit{Time: o.For + 2*time.Minute},
		Estimate: func(*collector.Host) collector.Estimate { return collector.Estimate{Time: o.For} },
		Ready:    ready,
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			defer isReady()
			err := capturePackets(ctx, h, to, o, isReady)
			var why *cannotError
			if errors.As(err, &why) {
				return to.Put(context.WithoutCancel(ctx), evidence.Item{Path: captureTable, Source: captureSource},
					func(io.Writer) error { return why.err })
			}
			return err
		},
	}
}

const (
	captureTable  = "network/capture.jsonl"
	captureSource = "every interface"
)

// capturePackets gives a cannotError where there is nothing to capture.
func capturePackets(ctx context.Context, h *collector.Host, to evidence.Sink, o Options, ready func()) error {
	if ctx.Err() != nil {
		return &cannotError{context.Cause(ctx)}
	}
	if !h.Live {
		return &cannotError{collector.ErrNotLive}
	}
	f, err := filter.Parse(o.Filter)
	if err != nil {
		return &cannotError{err}
	}
	w, by, err := newWires(h)
	if err != nil {
		return &cannotError{err}
	}
	c := newCapture(h, to, o, f, w, by)
	if err := c.begin(); err != nil {
		if len(by.limits) > 0 {
			err = fmt.Errorf("%w; %s", err, by.limits[0])
		}
		return &cannotError{err}
	}
	ready()
	c.run(ctx)
	return c.finish(ctx)
}

// A cannotError says why there is no capture at all.
type cannotError struct{ err error }

func (e *cannotError) Error() string { return fmt.Sprintf("no capture: %v", e.err) }

func (e *cannotError) Unwrap() error { return e.err }
