package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/audit"
	"hozen/service/ledger"
	"hozen/service/outbox"
)

// lookAgain is how often the outbox is looked at without being told: other processes put
// collections there.
const lookAgain = 20 * time.Second

// deliverAll hands over what waits in the outbox, for as long as the agent runs.
func (a *Agent) deliverAll(ctx context.Context) error {
	if a.Destination == nil {
		return nil
	}
	a.Outbox.Kick() // pauses of an earlier run are over
	a.Outbox.Deliver(ctx, outbox.Options{
		Target: func(name string) (outbox.Target, error) {
			d, err := a.Destination(name)
			if err == nil && d == nil {
				err = errNowhere
			}
			if err != nil {
				return outbox.Target{}, err
			}
			return d.Target, nil
		},
		Delete: a.DeleteLocal, Changed: a.changed, Log: a.Log,
	})
	return nil
}

// errNowhere says that the configuration names no destination.
var errNowhere = errors.New("no destination is configured: it stays here")

// listed puts what other processes, or a crash, left in the box onto its list. What a job that
// has not ended took is left to the job, which knows where it goes to.
func (a *Agent) listed(ctx context.Context) error {
	for {
		found, err := a.Outbox.Unlisted()
		for _, id := range found {
			if job := a.jobOf(id); id != a.collection() && job.State != ledger.Started {
				err = fault.Join(err, a.putOut(id, job.ID, ""))
			}
		}
		if err != nil {
			a.Log.Error("outbox", "error", err)
		}
		if !pause(ctx, lookAgain) {
			return nil
		}
	}
}

// putOut puts a collection onto the list of what is to be delivered. Where nothing is
// configured it stays as it is, until something is.
func (a *Agent) putOut(collection, job, destination string) error {
	if a.Destination == nil {
		return nil
	}
	if d, err := a.Destination(destination); err == nil && d == nil {
		return nil
	} else if err == nil {
		destination = d.Name
	}
	_, err := a.Outbox.Add(collection, job, destination)
	return err
}

// jobOf gives the job that a collection was for, if it was for one.
func (a *Agent) jobOf(collection string) ledger.Entry {
	for _, e := range a.Ledger.Entries() {
		if e.Collection == collection {
			return e
		}
	}
	return ledger.Entry{}
}

// changed is told of each step of a delivery.
func (a *Agent) changed(e outbox.Entry) {
	if a.Hub != nil {
		a.Hub.Announce()
	}
	if e.State != outbox.Delivered || e.Deleted {
		return
	}
	if err := a.tellArrival(e); err != nil {
		a.Log.Error("cannot be written down", "collection", e.Collection, "error", err)
	}
	a.rest()
}

// tellArrival tells the collection's own custody log, the audit log and the ledger that it
// is where it should be.
func (a *Agent) tellArrival(e outbox.Entry) error {
	a.telling.Lock()
	defer a.telling.Unlock()
	if err := packager.AppendEvent(a.Outbox.Dir(), e.Collection, a.Device, deliveryEvent(e), a.Now()); err != nil {
		a.Log.Error("the custody log was not told of the delivery", "collection", e.Collection, "error", err)
	}
	if err := a.note(fact{event: audit.Delivered, job: e.Job, collection: e.Collection, text: strings.TrimSuffix("to "+e.To+"; "+a.shortcomingOf(e.Job), "; "),
		details: details("sha256", e.Archive.SHA256, "bytes", fmt.Sprint(e.Archive.Bytes), "proof", string(e.Archive.Proof), "verdict", e.Verdict)}); err != nil {
		return err
	}
	if e.Job == "" {
		return nil
	}
	if err := a.Ledger.Move(e.Job, ledger.Delivered, "", "", a.Now()); err != nil && !errors.Is(err, ledger.ErrOrder) {
		return err
	}
	return nil
}

// shortcomingOf says what the archive of a job lacks, as the ledger has it.
func (a *Agent) shortcomingOf(job string) string {
	e, _ := a.Ledger.Get(job)
	return e.Note
}

// deliveryEvent is a delivery as an event of a custody log: the receipt of whoever gives
// one, else that the archive was released to him.
func deliveryEvent(e outbox.Entry) packager.Event {
	if e.Receipt != nil {
		r := packager.ReceiptEvent(e.Receipt.Payload, e.Receipt.Sig) // verify looks for it there
		r.Verdict, r.Detail = e.Verdict, append(r.Detail, packager.EventDetail{Name: "to", Value: e.To})
		return r
	}
	return packager.Event{Event: "released", Detail: []packager.EventDetail{{Name: "to", Value: e.To}, {Name: "sha256", Value: e.Archive.SHA256}, {Name: "proof", Value: string(e.Archive.Proof)}}}
}
