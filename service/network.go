package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/audit"
	"hozen/service/isolate"
	"hozen/service/job"
	"hozen/service/ledger"
)

// Isolation cuts this machine off and joins it again, as package isolate does.
type Isolation interface {
	On(ctx context.Context, o isolate.Options) (isolate.Change, error)
	Off(ctx context.Context, w isolate.Why) (isolate.Change, error)
	Watch(ctx context.Context) error
	Until() string // when it ends; "" if this machine is not isolated
}

// errNoIsolation says that no isolation was made for this system.
var errNoIsolation = errors.New("this machine cannot be isolated")

// act does what waits for no collection: isolation, its release, cancellations.
func (a *Agent) act(ctx context.Context) error {
	return each(ctx, a.immediate, func(s *job.Signed) error {
		id := s.Job.ID
		if e, ok := a.Ledger.Get(id); !ok || e.State != ledger.Accepted {
			return nil
		}
		if a.Policy.Vetoed() {
			return a.failed(id, "", a.vetoed().Error())
		}
		if err := a.Ledger.Move(id, ledger.Started, "", "", a.Now()); err != nil {
			return err
		}
		return a.finish(ctx, s)
	})
}

// finish does a job that takes no evidence, and writes down how it went.
func (a *Agent) finish(ctx context.Context, s *job.Signed) error {
	id := s.Job.ID
	if err := a.do(ctx, s); err != nil {
		return a.failed(id, "", err.Error())
	}
	if err := a.Ledger.Move(id, ledger.Done, "", "", a.Now()); err != nil {
		return err
	}
	return a.note(fact{event: audit.Done, job: id})
}

func (a *Agent) do(ctx context.Context, s *job.Signed) error {
	if a.Isolation == nil && s.Job.Action != job.Cancel {
		return errNoIsolation
	}
	switch s.Job.Action {
	case job.Isolate:
		_, err := a.isolate(ctx, s)
		return err
	case job.Rejoin:
		_, err := a.Isolation.Off(ctx, isolate.Why{Case: s.Job.Case, Reason: s.Job.Reason, Operator: s.Job.Operator, Job: s.Job.ID})
		return err
	case job.Cancel:
		return a.cancel(s)
	}
	return fmt.Errorf("action %q: not one of this endpoint's", s.Job.Action)
}

// isolate cuts this machine from all networks but the hub's, unless there is a veto: that
// holds for what a collection asked for and for what a restart takes up, too. What changed
// is in the audit log by then: Isolation tells NoteChange.
func (a *Agent) isolate(ctx context.Context, s *job.Signed) (isolate.Change, error) {
	if a.Isolation == nil {
		return isolate.Change{}, errNoIsolation
	}
	if a.Policy.Vetoed() {
		return isolate.Change{}, a.vetoed()
	}
	return a.Isolation.On(ctx, isolate.Options{
		Hubs: a.Hubs, For: time.Duration(s.Job.Params.IsolateS) * time.Second,
		Case: s.Job.Case, Reason: s.Job.Reason, Operator: s.Job.Operator, Job: s.Job.ID,
	})
}

// isolateDuring isolates behind the volatile checkpoint, and puts that into the custody
// log of the collection that goes on. It says whether the machine is isolated: if not, it is
// tried again at the collection's end.
func (a *Agent) isolateDuring(ctx context.Context, s *job.Signed, w *packager.Writer) bool {
	c, err := a.isolate(ctx, s)
	if err != nil {
		a.isolationFailed(s, err)
		if c.Event == "" {
			return false
		}
	}
	if err := w.Event(c.CustodyEvent()); err != nil {
		a.Log.Error("the custody log was not told of the isolation", "error", err)
	}
	return c.Verified
}

// isolateAfter isolates when the collection ended before its volatile state was safe, or
// when that failed behind it: whoever asked for isolation must get it, unless stopped says that it was called off.
func (a *Agent) isolateAfter(ctx context.Context, s *job.Signed, r Result, stopped error) {
	if isCalledOff(stopped) {
		a.isolationFailed(s, stopped)
		return
	}
	c, err := a.isolate(context.WithoutCancel(ctx), s)
	if err != nil {
		a.isolationFailed(s, err)
	}
	if c.Event == "" || r.Archive == "" {
		return
	}
	if err := packager.AppendEvent(a.Outbox.Dir(), r.Collection, a.Device, c.CustodyEvent(), a.Now()); err != nil {
		a.Log.Error("the custody log was not told of the isolation", "error", err)
	}
}

func (a *Agent) isolationFailed(s *job.Signed, err error) {
	if noteErr := a.note(fact{event: audit.Failed, signed: s, reason: "isolation", text: err.Error()}); noteErr != nil {
		a.Log.Error("cannot be written down", "error", fault.Join(err, noteErr))
	}
}

// NoteChange writes a change of the isolation into the audit log, and the rules before and
// after into files beside it. It is what Isolation's Tell is set to.
func (a *Agent) NoteChange(c isolate.Change) error {
	if err := c.KeepRules(a.StateDir); err != nil {
		a.Log.Error("isolation", "error", err) // the line has their hashes all the same
	}
	_, err := a.Audit.Append(c.AuditEntry(), a.Now())
	wake(a.audited)
	if a.Hub != nil {
		a.Hub.Announce() // whether we are isolated
	}
	return err
}

// watchIsolation keeps this machine isolated while it is to be, and releases it at its time.
func (a *Agent) watchIsolation(ctx context.Context) error {
	if a.Isolation == nil {
		return nil
	}
	if err := a.Isolation.Watch(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, isolate.ErrUnsupported) {
		a.Log.Error("isolation is not watched", "error", err)
	}
	return nil
}
