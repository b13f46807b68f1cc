package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/audit"
	"hozen/service/job"
	"hozen/service/ledger"
	"hozen/service/outbox"
	"hozen/service/policy"
	"hozen/service/protocol"
)

// Hub is the connection to the hub, as package remote makes it.
type Hub interface {
	// Jobs gives the envelopes in their order; Done says that one need not come again.
	Jobs(ctx context.Context) <-chan protocol.QueuedJob
	Done(q protocol.QueuedJob) error
	// Status returns when the hub has the audit line for good.
	Status(ctx context.Context, line []byte) error
	// Progress tells what a collection does, if the connection stands.
	Progress(p protocol.Progress)
	// Announce says hello anew, because something changed.
	Announce()
}

// A Destination is where archives go, with what the configuration calls it.
type Destination struct {
	Name string
	outbox.Target
}

// Parts are what an agent stands on, made by whoever runs it.
type Parts struct {
	Device    packager.Device
	Tool      string
	Policy    *policy.Policy
	Ledger    *ledger.Ledger
	Audit     *audit.Log
	Outbox    *outbox.Box
	Isolation Isolation        // nil: this machine cannot be isolated
	Hubs      []netip.AddrPort // what an isolated machine still reaches
	Collector Collector
	Hub       Hub // nil: there is none
	// Destination gives a destination by its name, "" the usual one; nil: it stays here.
	Destination func(name string) (*Destination, error)
	StateDir    string
	DeleteLocal bool // the local copy goes when a receipt carries its hash
	Log         *slog.Logger
	Now         func() time.Time
	// Doing is told which collection runs, "" when none does: after each, after a delivery,
	// and now and then. May be nil.
	Doing func(collection string)
}

// An Agent is the resident agent.
type Agent struct {
	Parts
	collections chan *job.Signed // accepted, in their order
	immediate   chan *job.Signed // what waits for no collection
	audited     chan struct{}    // the audit log has grown

	one     sync.Mutex // held while a collection is made
	telling sync.Mutex // held while it is written down that there is an archive, or that it has arrived: in that order
	mu      sync.Mutex
	running *running        // nil: none is
	taken   map[string]bool // jobs that were handed over in this run
	last    sync.Once
}

// New makes an agent, which does nothing before Run.
func New(p Parts) *Agent {
	return &Agent{
		Parts: p, collections: make(chan *job.Signed, ledger.MaxWaiting), immediate: make(chan *job.Signed, ledger.MaxWaiting),
		audited: make(chan struct{}, 1), taken: map[string]bool{},
	}
}

// beat is how often the ledger writes the time down and the audit log what it only counted.
const beat = 10 * time.Minute

// Run is the life of the agent: it ends when ctx does, after what runs was sealed, or
// with an error of the ledger or the audit log, without which nothing may be done.
func (a *Agent) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := a.note(fact{event: audit.Began, text: a.Tool}); err != nil {
		return err
	}
	if err := a.restart(ctx); err != nil {
		return err
	}
	var all sync.WaitGroup
	for name, part := range map[string]func(context.Context) error{
		"jobs": a.receive, "collections": a.work, "immediate": a.act, "delivery": a.deliverAll, "outbox": a.listed,
		"report": a.report, "time": a.beats, "isolation": a.watchIsolation, "veto": a.watchVeto,
	} {
		all.Go(func() {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	<-ctx.Done()
	all.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return fault.Join(err, a.note(fact{event: audit.Ended}))
}

// receive takes envelopes from the hub. One that cannot be written down is tried again:
// the order of jobs is kept.
func (a *Agent) receive(ctx context.Context) error {
	if a.Hub == nil {
		return nil
	}
	for q := range a.Hub.Jobs(ctx) {
		for wait := time.Second; ; wait = min(2*wait, time.Minute) {
			err := a.Handle(ctx, []byte(q.Envelope))
			if err == nil {
				err = a.Hub.Done(q)
			}
			if err == nil {
				break
			}
			a.Log.Error("a job cannot be written down", "error", err)
			if !pause(ctx, wait) {
				return nil
			}
		}
	}
	return nil
}

// work makes collections one after another.
func (a *Agent) work(ctx context.Context) error {
	return each(ctx, a.collections, func(s *job.Signed) error { return a.collectJob(ctx, s) })
}

func each(ctx context.Context, jobs <-chan *job.Signed, do func(*job.Signed) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-jobs:
			if ctx.Err() != nil {
				return nil // it is pending in the ledger
			}
			if err := do(s); err != nil {
				return err
			}
		}
	}
}

// beats keeps the mark of time, and writes what the audit log has only counted.
func (a *Agent) beats(ctx context.Context) error {
	for pause(ctx, beat) {
		if err := fault.Join(a.Ledger.Beat(a.Now()), a.Audit.Beat(a.Now())); err != nil {
			a.Log.Error("cannot be written down", "error", err)
		}
		a.rest()
	}
	return nil
}

// rest says that nothing is being done, if nothing is.
func (a *Agent) rest() {
	if a.Doing != nil && a.Busy() == "" {
		a.Doing("")
	}
}

// pause waits, and says whether there is more to do.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// setRunning says which collection runs.
func (a *Agent) setRunning(r *running) {
	a.mu.Lock()
	a.running = r
	a.mu.Unlock()
	if r == nil {
		a.rest()
	}
	if a.Hub != nil {
		a.Hub.Announce()
	}
}

// Busy gives the job that runs, or the word for another trigger; "" if nothing runs.
func (a *Agent) Busy() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.running == nil:
		return ""
	case a.running.job == "":
		return "local"
	}
	return a.running.job
}

// stopRunning ends the collection of a job: what was taken is sealed.
func (a *Agent) stopRunning(id string, why error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running == nil || a.running.job != id || id == "" {
		return false
	}
	a.running.stop(why)
	return true
}

// collection gives the id of the collection that runs.
func (a *Agent) collection() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running == nil {
		return ""
	}
	return a.running.id
}
