package service

import (
	"context"
	"errors"
	"time"

	"hozen/service/audit"
)

// vetoEvery is how often the veto file is looked for.
const vetoEvery = 2 * time.Second

// calledOff is why a collection ended that this machine's owner or an operator wants no
// more: isolation that it asked for and that has not come yet comes no more, either.
type calledOff string

func (c calledOff) Error() string { return string(c) }

func isCalledOff(stopped error) bool {
	var off calledOff
	return errors.As(stopped, &off)
}

func (a *Agent) vetoed() error {
	return calledOff(a.Policy.VetoFile + " is there: nothing is run on this machine")
}

// watchVeto stops what runs while the veto file is there: what was taken is sealed. It looks
// each time, since a collection may have been on its way when the file came. That the file
// came or went is in the audit log.
func (a *Agent) watchVeto(ctx context.Context) error {
	was := false
	for pause(ctx, vetoEvery) {
		now := a.Policy.Vetoed()
		if r := a.current(); now && r != nil {
			r.stop(a.vetoed())
		}
		if now == was {
			continue
		}
		was = now
		f := fact{event: audit.Vetoed, reason: "over", text: a.Policy.VetoFile + " is gone"}
		if now {
			f.reason, f.text = "begun", a.Policy.VetoFile+" is there"
		}
		if err := a.note(f); err != nil {
			return err
		}
	}
	return nil
}
