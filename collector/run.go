package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A Keeper is a sink that can promise that what it was given is safe.
type Keeper interface {
	evidence.Sink
	// Checkpoint signs and flushes all that was put before, and gives the number
	// of the checkpoint. Puts may be under way: hung ones, and those of a step that
	// runs beside the others.
	Checkpoint() (int, error)
}

// A Hider is a Keeper that can take its private keys out of memory.
type Hider interface {
	Keeper
	// Blackout signs and flushes all that was put before, takes the private keys out
	// of memory, calls during, takes the key back and signs what during put. An error
	// of during is given back after that; any other says that evidence can no longer
	// be kept. What could not be taken out is recorded, never a reason to fail.
	Blackout(ctx context.Context, during func() error) error
}

// A Watcher is told how a run goes. Its methods are called one at a time, from
// the goroutine that runs the plan.
type Watcher interface {
	// StepBegan says that step n of m begins.
	StepBegan(n, m int, s Step)
	// StepEnded says that it ended after took; err is why the run must stop.
	StepEnded(n, m int, s Step, took time.Duration, err error)
	// StepBeside says that step n of m runs beside the others from now on; StepBegan
	// follows when all others have ended and it has not.
	StepBeside(n, m int, s Step)
	// VolatileSafe says that the last volatile step of the plan is behind the
	// flushed checkpoint k. It is called at most once.
	VolatileSafe(k int)
}

// Run runs the plan. A step that the plan skips, or that is not reached when ctx
// ends or the plan's time limit is over, is put into the archive as one skipped
// item. After every volatile step there is a checkpoint. Run returns an error
// only when evidence can no longer be kept; the caller seals in any case.
func Run(ctx context.Context, p *Plan, h *Host, to Keeper, w Watcher) error {
	if p.TimeLimit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.TimeLimit, fmt.Errorf("the time limit of the collection (%v) is over: %w", p.TimeLimit, context.DeadlineExceeded))
		defer cancel()
	}
	r := runner{host: h, to: to, watch: w, lastVolatile: lastVolatile(p), total: len(p.Running())}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	aside := r.besides(ctx, p)
	for i, s := range p.Steps {
		if s.beside() {
			continue
		}
		if err := r.step(ctx, i, s); err != nil {
			stop()
			return fault.Join(err, r.await(ctx, aside))
		}
	}
	return r.await(ctx, aside)
}

type runner struct {
	host         *Host
	to           Keeper
	watch        Watcher
	lastVolatile int // index into the plan's steps; -1 if none
	n, total     int
}

func lastVolatile(p *Plan) int {
	last := -1
	for i, s := range p.Steps {
		if s.Skip == "" && s.Collector.Volatility.Volatile() && (!s.beside() || last < 0) {
			last = i
		}
	}
	return last
}

func (r *runner) step(ctx context.Context, i int, s Step) error {
	if s.Skip != "" {
		return r.leaveOut(ctx, s, evidence.Skip("%s", s.Skip))
	}
	r.n++
	r.watch.StepBegan(r.n, r.total, s)
	began := time.Now()
	return r.ended(ctx, i, r.n, s, began, r.hidden(ctx, s))
}

// ended is what follows a step: the checkpoint, if it was volatile.
func (r *runner) ended(ctx context.Context, i, n int, s Step, began time.Time, err error) error {
	k := 0
	if err == nil && s.Collector.Volatility.Volatile() {
		k, err = r.to.Checkpoint()
	}
	r.watch.StepEnded(n, r.total, s, time.Since(began), err)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Collector.Name, err)
	}
	if i == r.lastVolatile && ctx.Err() == nil {
		r.watch.VolatileSafe(k)
	}
	return nil
}

// hidden runs a step, with the keys out of memory if that is what it needs.
func (r *runner) hidden(ctx context.Context, s Step) error {
	to, ok := r.to.(Hider)
	if !ok || !s.Collector.Blackout || ctx.Err() != nil {
		return r.collect(ctx, s)
	}
	return to.Blackout(ctx, func() error { return r.collect(ctx, s) })
}

func (r *runner) collect(ctx context.Context, s Step) error {
	if ctx.Err() != nil {
		return r.leaveOut(ctx, s, context.Cause(ctx))
	}
	limit := s.Collector.Limit.Time
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the time limit of %s (%v) is over: %w", s.Collector.Name, limit, context.DeadlineExceeded))
		defer cancel()
	}
	return r.bounded(ctx, s)
}

// bounded runs a collector on a goroutine of its own. When its time is over it
// gets a moment to end; then it is left behind, and nothing that it still brings
// is taken: a file system that never answers costs its own step and no other.
func (r *runner) bounded(ctx context.Context, s Step) error {
	to := &stepSink{Sink: r.to, name: s.Collector.Name, limit: s.Collector.Limit.Bytes}
	done := make(chan error, 1)
	go func() { done <- guard(ctx, s, r.host, to) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	moment := time.NewTimer(hungMoment)
	defer moment.Stop()
	select {
	case err := <-done:
		return err
	case <-moment.C:
		to.left.Store(true)
		return r.leaveOut(ctx, s, fmt.Errorf("left behind, it did not end when its time was over: %w", context.Cause(ctx)))
	}
}

// hungMoment is how long a collector may take to end after its context did. A
// Put of the archive takes one second to leave a hung fill.
const hungMoment = 3 * time.Second

// guard runs a collector; a panic outside a fill becomes a failed item, for it
// is a fact about our reading of this host, not a reason to lose the rest.
func guard(ctx context.Context, s Step, h *Host, to evidence.Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = to.Put(ctx, stepItem(s), func(io.Writer) error { return fmt.Errorf("collector stopped: panic: %v", p) })
		}
	}()
	return s.Collector.Collect(ctx, h, to)
}

func (r *runner) leaveOut(ctx context.Context, s Step, why error) error {
	ctx = context.WithoutCancel(ctx)
	return r.to.Put(ctx, stepItem(s), func(io.Writer) error { return why })
}

func stepItem(s Step) evidence.Item {
	return evidence.Item{Path: "collector/" + s.Collector.Name, Source: "collector " + s.Collector.Name, Collector: s.Collector.Name}
}

// A stepSink is what a collector puts its items into: it writes the collector's
// name into each, holds it to its limit of bytes, and takes nothing more from one
// that was left behind.
type stepSink struct {
	evidence.Sink
	name  string
	limit int64
	taken atomic.Int64
	left  atomic.Bool
}

var errLeftBehind = errors.New("the collector was left behind: nothing more is taken from it")

// Put implements evidence.Sink. The limit is for what is taken raw: tables say
// what is missing, and are never cut by it.
func (s *stepSink) Put(ctx context.Context, item evidence.Item, fill func(io.Writer) error) error {
	if s.left.Load() {
		return errLeftBehind
	}
	item.Collector = s.name
	if s.limit <= 0 || strings.HasSuffix(item.Path, ".jsonl") {
		return s.Sink.Put(ctx, item, fill)
	}
	return s.Sink.Put(ctx, item, func(w io.Writer) error { return fill(&limitedWriter{w, s}) })
}

type limitedWriter struct {
	w    io.Writer
	sink *stepSink
}

func (l *limitedWriter) Write(b []byte) (int, error) {
	if l.sink.taken.Add(int64(len(b))) > l.sink.limit {
		return 0, evidence.Cut("the limit of %s (%d bytes) is reached", l.sink.name, l.sink.limit)
	}
	return l.w.Write(b)
}
