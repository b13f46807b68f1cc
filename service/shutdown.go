package service

import (
	"context"
	"errors"
)

var errSwitchedOff = errors.New("the machine is being switched off")

// Last takes what power-off destroys, once, when the machine is being switched off; it
// returns when that is safe or ctx has ended. A collection that runs already is let come
// to where its volatile state is safe, and is sealed there.
func (a *Agent) Last(ctx context.Context) {
	a.last.Do(func() {
		if r := a.current(); r != nil {
			select {
			case <-r.safe:
			case <-r.done:
			case <-ctx.Done():
			}
			r.stop(errSwitchedOff)
			return
		}
		if a.Policy.Vetoed() || a.Outbox.Room() != nil {
			return
		}
		r, _ := a.collect(ctx, Order{Trigger: "shutdown", Profile: "volatile", Reason: errSwitchedOff.Error()}, "", Moments{
			Began: func(id string) error { return a.note(fact{event: "started", collection: id, reason: "shutdown"}) },
		})
		f := fact{event: "sealed", collection: r.Collection, reason: "shutdown", details: details("verdict", r.Verdict, "head", r.Head)}
		if r.Archive == "" {
			f.event, f.text = "failed", r.Error
		}
		if err := a.note(f); err != nil {
			a.Log.Error("cannot be written down", "error", err)
		}
	})
}

func (a *Agent) current() *running {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.running
}
