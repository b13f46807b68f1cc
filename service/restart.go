package service

import (
	"context"
	"os"
	"path/filepath"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/job"
	"hozen/service/ledger"
	"hozen/service/outbox"
)

const interrupted = "the agent was interrupted"

// restart takes up what an earlier run left: jobs that had not begun are done, those
// that had are never begun again: what they had taken is recovered.
func (a *Agent) restart(ctx context.Context) error {
	if err := a.callOff(a.Ledger.Pending()); err != nil {
		return err
	}
	var errs []error
	for _, e := range a.Ledger.Pending() {
		switch e.State {
		case ledger.Accepted:
			errs = append(errs, a.takeUp(ctx, e))
		case ledger.Started:
			errs = append(errs, a.takeOver(ctx, e))
		case ledger.Sealed, ledger.Partial:
			errs = append(errs, a.takeArrival(e))
		}
	}
	return fault.Join(append(errs, a.recoverOthers(ctx))...)
}

// callOff has a collection that had started know of a cancellation that came and was not done
// yet, before it is taken over.
func (a *Agent) callOff(pending []ledger.Entry) error {
	for _, e := range pending {
		s, err := job.Parse(e.Envelope)
		if err != nil || s.Job.Action != job.Cancel {
			continue
		}
		if err := a.Ledger.CallOff(s.Job.Params.Job, cancelledBy(s), a.Now()); err != nil {
			return err
		}
	}
	return nil
}

// takeUp hands a job over that was accepted and had not begun.
func (a *Agent) takeUp(ctx context.Context, e ledger.Entry) error {
	s, err := job.Parse(e.Envelope)
	if err != nil {
		return a.failed(e.ID, "", "the ledger's copy cannot be read: "+err.Error())
	}
	if err := a.note(fact{event: "accepted", signed: s, text: "before this start; it had not begun"}); err != nil {
		return err
	}
	return a.enqueue(ctx, s)
}

// takeOver ends a job that had begun.
func (a *Agent) takeOver(ctx context.Context, e ledger.Entry) error {
	s, err := job.Parse(e.Envelope)
	if e.Collection == "" {
		if err != nil {
			return a.failed(e.ID, "", "the ledger's copy cannot be read: "+err.Error())
		}
		// Done twice is as done once. A veto holds back isolation; a release or a
		// cancellation that had begun is brought to its end.
		return a.finish(ctx, s)
	}
	why, stopped := interrupted, error(nil)
	if e.CalledOff() {
		why, stopped = interrupted+"; "+e.Note, calledOff(e.Note)
	}
	if err == nil && s.Job.Params.IsolateS > 0 && a.Isolation != nil && a.Isolation.Until() == "" {
		a.isolateAfter(ctx, s, Result{}, stopped)
	}
	for _, name := range packager.FileNames(e.Collection) {
		if _, err := os.Lstat(filepath.Join(a.Outbox.Dir(), name)); err == nil {
			state, f := ledger.Sealed, fact{event: "sealed", job: e.ID, collection: e.Collection, text: why + " (after the seal)"}
			if n, _ := packager.ParseFileName(name); n.Incomplete {
				state, f.event, f.text = ledger.Partial, "partial", why
			}
			return a.archived(state, e.ID, destinationOf(e), f)
		}
	}
	return a.recovered(ctx, e, why)
}

// takeArrival makes good what a crash left out: that a collection waits, or that it has
// arrived.
func (a *Agent) takeArrival(l ledger.Entry) error {
	for _, e := range a.Outbox.List() {
		if e.Collection == l.Collection && e.State == outbox.Delivered {
			return a.tellArrival(e)
		}
	}
	return nil
}

// recoverOthers recovers what collections without a job left: local triggers, a shutdown.
func (a *Agent) recoverOthers(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(a.Outbox.Dir(), "*.partial"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if n, ok := packager.ParseFileName(filepath.Base(file)); !ok || !n.Partial {
			continue
		}
		r, err := packager.Recover(ctx, a.Outbox.Dir(), filepath.Base(file), a.Device, a.Tool, []string{"service"}, a.Now())
		if err != nil {
			a.Log.Warn("an unfinished archive is kept as it is", "file", file, "error", err)
			continue
		}
		if err := a.note(fact{event: "partial", collection: r.Report.Collection, text: interrupted}); err != nil {
			return err
		}
		if err := a.putOut(r.Report.Collection, "", ""); err != nil {
			return err
		}
	}
	return nil
}
