package remote

import (
	"context"
	"errors"
	"testing"

	"hozen/service/protocol"
)

// A sign that comes before the job itself is enough.
func TestNudgeTooEarly(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	c := client(t, state)
	jobs := c.Jobs(soon(t))
	h.give("first")
	if q := <-jobs; q.Envelope != "first" {
		t.Fatalf("%q", q.Envelope)
	}
	asked := make(chan bool, 10)
	h.with(func() { h.onAsk = func(string) { asked <- true } })
	h.nudge(protocol.JobSubject)
	<-asked
	h.with(func() {
		h.onAsk = nil
		h.jobs = append(h.jobs, protocol.QueuedJob{Seq: 20, Envelope: "late"})
	})
	if q := <-jobs; q.Envelope != "late" {
		t.Fatalf("%q", q.Envelope)
	}
}

// Who waits for a receipt asks when told, not only after longer and longer times: seven
// questions would take a minute.
func TestToldOfReceipt(t *testing.T) {
	h := newHub(t)
	c := client(t, enrolled(t, h))
	until(t, "connected", c.Connected)
	asked := make(chan bool, 10)
	h.with(func() {
		h.onAsk = func(verb string) {
			if verb == protocol.VerbReceipt {
				asked <- true
			}
		}
	})
	ctx, cancel := context.WithCancel(soon(t))
	ended := make(chan error, 1)
	go func() {
		_, _, err := c.Receipt(ctx, protocol.CommitRequest{Collection: "pc-1-20261122t000000z-000000"})
		ended <- err
	}()
	for range 8 {
		select {
		case <-asked:
			h.nudge(protocol.ReceiptSubject)
		case err := <-ended:
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
