package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hozen/packager"
	"hozen/service/job"
	"hozen/service/ledger"
)

// running is the collection that runs.
type running struct {
	job  string // its id; "" of another trigger
	id   string // of the collection, once it has one
	stop context.CancelCauseFunc
	safe chan struct{} // closed behind the checkpoint of the last volatile step
	done chan struct{} // closed at its end
}

// orderOf is what a job asks for.
func orderOf(s *job.Signed) Order {
	return Order{
		Trigger: "job", Job: s, Profile: s.Job.Profile.Name, Params: s.Job.Params, Case: s.Job.Case,
		Evidence: s.Job.Evidence, Operator: s.Job.Operator, Reason: s.Job.Reason, Recipients: s.Job.Readers(),
	}
}

// collectJob does a job that asks for a collection. What it does is in the ledger before
// it is done; an error is of the ledger or the audit log, and nothing goes on without those.
func (a *Agent) collectJob(ctx context.Context, s *job.Signed) error {
	id := s.Job.ID
	if e, ok := a.Ledger.Get(id); !ok || e.State != ledger.Accepted {
		return nil // cancelled while it waited
	}
	if why := a.cannotBegin(s); why != "" {
		return a.failed(id, "", why)
	}
	reach := a.tryDestination(ctx, s.Job.Destination)
	var broken error
	m := Moments{
		Began: func(collection string) error {
			if broken = a.Ledger.Move(id, ledger.Started, collection, "", a.Now()); broken == nil {
				broken = a.note(fact{event: "started", signed: s, collection: collection, text: reach})
			}
			return broken
		},
		Tell: func(line []byte) { a.tell(id, line) },
	}
	isolated := false
	if s.Job.Params.IsolateS > 0 {
		m.Safe = func(w *packager.Writer) { isolated = a.isolateDuring(ctx, s, w) }
	}
	r, stopped := a.collect(ctx, orderOf(s), id, m)
	if errors.Is(broken, ledger.ErrOrder) {
		return nil // cancelled at the last moment, before anything was taken
	}
	if broken != nil {
		return broken
	}
	if s.Job.Params.IsolateS > 0 && !isolated {
		a.isolateAfter(ctx, s, r, stopped)
	}
	return a.ended(ctx, s, r)
}

// collect makes one collection; another waits. stopped says who ended it before its time;
// nil if nobody did.
func (a *Agent) collect(ctx context.Context, o Order, id string, m Moments) (r Result, stopped error) {
	a.one.Lock()
	defer a.one.Unlock()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	now := &running{job: id, stop: stop, safe: make(chan struct{}), done: make(chan struct{})}
	a.setRunning(now)
	defer func() { a.setRunning(nil); close(now.done) }()
	began := m.Began
	m.Began = func(collection string) error {
		a.mu.Lock()
		now.id = collection
		a.mu.Unlock()
		if a.Doing != nil {
			a.Doing(collection)
		}
		if began != nil {
			return began(collection)
		}
		return nil
	}
	wanted := m.Safe
	m.Safe = func(w *packager.Writer) {
		if wanted != nil && !isCalledOff(context.Cause(ctx)) {
			wanted(w)
		}
		close(now.safe)
	}
	r = a.Collector.Collect(ctx, o, m)
	return r, context.Cause(ctx)
}

// cannotBegin says why a job that was accepted is not begun after all.
func (a *Agent) cannotBegin(s *job.Signed) string {
	if expires, err := job.ParseTime(s.Job.Expires); err != nil || !a.Ledger.Now(a.Now()).Before(expires) {
		return "it expired before its turn came"
	}
	if a.Policy.Vetoed() {
		return a.vetoed().Error()
	}
	if err := a.Outbox.Room(); err != nil {
		return err.Error()
	}
	return ""
}

// tryDestination says before the collection starts whether the archive could be handed
// over now. It is taken in any case, and waits in the outbox if not.
func (a *Agent) tryDestination(ctx context.Context, name string) string {
	if a.Destination == nil {
		return errNowhere.Error()
	}
	label := name
	d, err := a.Destination(name)
	if err == nil && d == nil {
		return errNowhere.Error()
	}
	if err == nil {
		label = d.Name
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		defer cancel()
		err = d.Try(ctx)
	}
	if err != nil {
		return fmt.Sprintf("destination %s cannot be reached now, the archive waits in the outbox: %v", label, err)
	}
	return fmt.Sprintf("destination %s can be reached", label)
}

// tryTime bounds the trial of a destination: what is volatile does not wait for long.
const tryTime = 5 * time.Second

// ended writes down how a collection ended. One that was not sealed is recovered as far
// as it is authentic.
func (a *Agent) ended(ctx context.Context, s *job.Signed, r Result) error {
	id := s.Job.ID
	switch {
	case r.Archive != "":
		f := fact{event: "sealed", signed: s, collection: r.Collection, text: shortcoming(r), details: details("verdict", r.Verdict, "head", r.Head, "exit", strconv.Itoa(r.Exit))}
		return a.archived(ledger.Sealed, id, s.Job.Destination, f)
	case r.Collection == "":
		return a.failed(id, "", r.Error)
	}
	return a.recovered(ctx, ledger.Entry{ID: id, Collection: r.Collection, Envelope: envelopeOf(s)}, r.Error)
}

// shortcoming says what a sealed archive lacks; "" if nothing.
func shortcoming(r Result) string {
	switch {
	case r.Stopped != "":
		return "ended early: " + r.Stopped
	case r.Short > 0:
		return fmt.Sprintf("sealed, short of the plan in %d items", r.Short)
	}
	return ""
}

// archived writes down that there is an archive, and has it delivered: it may arrive before
// that is written down, but is not told of before.
func (a *Agent) archived(state ledger.State, id, destination string, f fact) error {
	a.telling.Lock()
	defer a.telling.Unlock()
	if err := a.putOut(f.collection, id, destination); err != nil {
		return err
	}
	if err := a.Ledger.Move(id, state, f.collection, f.text, a.Now()); err != nil {
		return err
	}
	return a.note(f)
}

func (a *Agent) failed(id, collection, why string) error {
	if err := a.Ledger.Move(id, ledger.Failed, collection, why, a.Now()); errors.Is(err, ledger.ErrOrder) {
		return nil // it was cancelled meanwhile
	} else if err != nil {
		return err
	}
	return a.note(fact{event: "failed", job: id, collection: collection, text: why})
}

// recovered makes of an interrupted collection what is authentic in it.
func (a *Agent) recovered(ctx context.Context, e ledger.Entry, why string) error {
	partial := packager.ArchiveName(e.Collection) + ".partial"
	if encrypted := packager.EncryptedName(e.Collection) + ".partial"; isThere(filepath.Join(a.Outbox.Dir(), encrypted)) {
		partial = encrypted
	}
	r, err := packager.Recover(ctx, a.Outbox.Dir(), partial, a.Device, a.Tool, []string{"service"}, a.Now())
	if err != nil {
		return a.failed(e.ID, e.Collection, strings.TrimPrefix(why+"; "+err.Error(), "; "))
	}
	f := fact{event: "partial", job: e.ID, collection: e.Collection, text: why,
		details: details("file", filepath.Base(r.Name), "checkpoint", strconv.Itoa(r.Report.Checkpoint), "authentic_bytes", strconv.FormatInt(r.Report.AuthenticBytes, 10))}
	state := ledger.Partial
	if r.Report.Sealed {
		f.event, state = "sealed", ledger.Sealed
	}
	return a.archived(state, e.ID, destinationOf(e), f)
}

func isThere(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// destinationOf gives the destination that a job of the ledger asked for.
func destinationOf(e ledger.Entry) string {
	s, err := job.Parse(e.Envelope)
	if err != nil {
		return "" // the usual one
	}
	return s.Job.Destination
}

func envelopeOf(s *job.Signed) []byte {
	b, err := s.Envelope.Encode()
	if err != nil {
		return nil // it came encoded
	}
	return b
}
