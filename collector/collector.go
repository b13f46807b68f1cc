package collector

import (
	"context"
	"time"

	"hozen/packager/evidence"
)

// Volatility orders collectors after RFC 3227 section 2.1: what dies first is
// taken first.
type Volatility int

// The classes, most volatile first.
const (
	Traffic   Volatility = iota // packets on the wire
	Live                        // tables that the kernel keeps: processes, sockets, routes
	Memory                      // contents of memory
	Temporary                   // temporary file systems, which live in memory
	Disk                        // what survives power-off
)

// String gives the word used in the plan.
func (v Volatility) String() string {
	if v < Traffic || v > Disk {
		return "unknown"
	}
	return [...]string{"traffic", "live", "memory", "temporary", "disk"}[v]
}

// Volatile says whether power-off destroys the class.
func (v Volatility) Volatile() bool { return v < Disk }

// Needs says what a collector cannot do without.
type Needs uint8

// The needs, to be or-ed. A collector that can do part of its work without
// one does not name it: it records what was denied or skipped itself.
const (
	LiveHost  Needs = 1 << iota // the running kernel of this machine, not a directory
	Privilege                   // root on Unix, an elevated administrator on Windows
)

// Limit bounds one collector. Zero means no bound of its own.
type Limit struct {
	Time  time.Duration // of its run
	Bytes int64         // of contents that it takes; the collector enforces it and records the victims
}

// Estimate says what a collector will probably cost on a host, before it is run.
type Estimate struct {
	Time  time.Duration
	Bytes int64 // before compression
}

// A Collector gathers one kind of evidence. It is a value; nothing registers itself.
type Collector struct {
	Name, Doc  string
	Volatility Volatility
	Needs      Needs
	Limit      Limit // time and bytes
	// Blackout says that what it takes may hold our own memory: while it runs, no
	// private key of ours may be there (see Hider).
	Blackout bool
	// Ready is not nil in a collector that runs beside all others (a capture of
	// traffic): the first of the others begins when Collect has closed it, and the
	// run ends when Collect does. It is made anew for every plan.
	Ready chan struct{}
	// Asked names the flag of collect that asks for it ("--ram"), if it is not run
	// in every profile that goes down to its class: without that flag only a profile
	// that takes everything runs it, or its name in --only. Empty: always run.
	Asked string
	// Estimate is a quick guess (a few milliseconds) for the plan; nil if it
	// always costs next to nothing.
	Estimate func(h *Host) Estimate
	// Collect tries everything that it is there for and puts each item into the
	// sink. It returns only an error that to.Put returned.
	Collect func(ctx context.Context, h *Host, to evidence.Sink) error
}
