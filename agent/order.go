package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"hozen/packager"
	"hozen/service"
	"hozen/service/config"
	"hozen/service/remote"
)

// orders makes collections for the resident agent. It is a service.Collector.
type orders struct {
	a      *app
	out    string         // where archives are written: the outbox
	key    string         // the device key's file
	config *config.Config // whom all archives are encrypted to, and who is asked about the time
	// hubClock is what is known of the hub's clock; nil: there is no hub.
	hubClock func() (remote.Clock, bool)
}

// Collect implements service.Collector. It speaks in events only.
func (r *orders) Collect(ctx context.Context, o service.Order, m service.Moments) service.Result {
	a := *r.a
	a.stdout, a.stderr = io.Discard, io.Discard
	if m.Tell != nil {
		a.stdout = &lines{tell: m.Tell}
	}
	options := r.options(o)
	options.moments = moments{began: m.Began, safe: m.Safe}
	debug.SetMemoryLimit(memoryLimit)
	c := a.newCollection(options)
	err := c.run(ctx)
	debug.SetMemoryLimit(memoryLimit)
	return resultOf(c, err)
}

func (r *orders) options(o service.Order) collectOptions {
	p := o.Params
	c := collectOptions{
		out: r.out, root: "/", key: r.key, json: true, profile: o.Profile, only: p.Only, skip: p.Skip,
		limit: time.Duration(p.TimeLimitS) * time.Second, ram: p.RAM, swap: p.Swap, dump: p.Dump,
		caseNo: o.Case, evidenceNo: o.Evidence, operator: o.Operator, reason: o.Reason, place: o.Place,
		ioc:     iocOptions{lines: p.IOC, inMemory: p.IOCMemory},
		packets: packetOptions{duration: time.Duration(p.PcapS) * time.Second, filter: p.Filter},
		disk:    diskOptions{integrity: p.Integrity, maxSize: p.MaxSize}, hubClock: r.hubClock,
	}
	c.asConfigured(r.config)
	c.encrypt.to = slices.Concat(c.encrypt.to, o.Recipients)
	slices.Sort(c.encrypt.to)
	c.encrypt.to = slices.Compact(c.encrypt.to)
	if o.Trigger == "shutdown" {
		c.stamp.time = shutdownTime
	}
	if o.Job != nil {
		c.job = &packager.Job{Payload: o.Job.Envelope.Payload, Signatures: o.Job.Envelope.Signatures}
	}
	return c
}

func resultOf(c *collection, err error) service.Result {
	out := service.Result{Collection: c.name, Exit: codeOf(err)}
	var e *exitError
	if err != nil && !(errors.As(err, &e) && e.err == nil) {
		out.Error = err.Error()
	}
	if s := c.result; s != nil {
		out.Archive, out.Log, out.Verdict, out.Head = s.Archive, s.Log, s.Verdict, s.Head
		out.Stopped, out.Short = s.Stopped, s.Shortfalls
	}
	return out
}

// lines passes whole lines on, without their newlines.
type lines struct {
	tell func([]byte)
	rest []byte
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.tell(line)
		l.rest = append(l.rest[:0], rest...)
	}
}
