package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/service/audit"
	"hozen/service/job"
	"hozen/service/ledger"
	"hozen/service/policy"
)

// Reasons of refusals that are this package's, beside those of packages job and policy.
const (
	Replayed = "replayed" // seen before, whatever became of it
	TooOld   = "too_old"  // issued before this endpoint's ledger was begun
	Full     = "full"     // too many jobs wait already
)

// Handle decides about one envelope as it came, writes the decision down, and has what
// was accepted done. It returns when the decision is on the medium; after an error the
// same envelope must be handed over again. What is wrong with a job is no error.
func (a *Agent) Handle(ctx context.Context, envelope []byte) error {
	now := a.Now()
	s, no := a.Policy.Check(envelope, a.Ledger.Now(now))
	if no != nil {
		return a.refuse(envelope, no, now)
	}
	e, err := ledger.EntryOf(s)
	if err != nil {
		return err
	}
	if err := a.Ledger.Accept(e, now); err != nil && !a.half(e, err) {
		return a.notTaken(envelope, s, err)
	}
	if err := a.note(fact{event: "accepted", signed: s, envelope: envelope, details: signersOf(s)}); err != nil {
		return err
	}
	return a.enqueue(ctx, s)
}

// half says whether a job that was seen before was only written down by then: it was not
// handed over, because the audit log could not be written.
func (a *Agent) half(e ledger.Entry, err error) bool {
	old, known := a.Ledger.Get(e.ID)
	a.mu.Lock()
	defer a.mu.Unlock()
	return errors.Is(err, ledger.ErrSeen) && known && old.State == ledger.Accepted && old.Sum == e.Sum && !a.taken[e.ID]
}

// signersOf names whose signatures a job has.
func signersOf(s *job.Signed) (out []audit.Detail) {
	for i, who := range s.Job.Signers() {
		if key, err := s.SignedBy(i); err == nil {
			out = append(out, audit.Detail{Name: who, Value: ssh.FingerprintSHA256(key)})
		}
	}
	return out
}

// refuse writes a refusal down. A job that operators really asked for is remembered, so
// that nobody who only relays it has it run at another time.
func (a *Agent) refuse(envelope []byte, no *policy.Refusal, now time.Time) error {
	if no.Remember() {
		e, err := ledger.EntryOf(no.Job)
		if err != nil {
			return err
		}
		if err := a.Ledger.Refuse(e, no.Reason, now); err != nil {
			return a.notTaken(envelope, no.Job, err)
		}
	}
	return a.note(fact{event: "refused", signed: no.Job, envelope: envelope, reason: no.Reason, text: no.Text})
}

// notTaken says why the ledger did not take a job. Errors of the medium are returned.
func (a *Agent) notTaken(envelope []byte, s *job.Signed, err error) error {
	for _, why := range []struct {
		is     error
		reason string
	}{{ledger.ErrSeen, Replayed}, {ledger.ErrOld, TooOld}, {ledger.ErrLate, policy.Expired}, {ledger.ErrFull, Full}} {
		if errors.Is(err, why.is) {
			return a.note(fact{event: "refused", signed: s, envelope: envelope, reason: why.reason, text: err.Error()})
		}
	}
	return err
}

// enqueue hands an accepted job to who does it. Changes of the network and cancellations
// wait for no collection.
func (a *Agent) enqueue(ctx context.Context, s *job.Signed) error {
	a.mu.Lock()
	a.taken[s.Job.ID] = true
	a.mu.Unlock()
	to := a.collections
	if s.Job.Action != job.Collect {
		to = a.immediate
	}
	select {
	case to <- s:
		return nil
	case <-ctx.Done():
		return nil // it is pending in the ledger: the next start does it
	}
}

// cancel stops a job: one that runs is sealed with what it has and does not isolate any
// more, one that waits does not begin, one that has not come yet is never taken. What is
// isolated by then stays so: a release is a job of its own.
func (a *Agent) cancel(s *job.Signed) error {
	id, now, why := s.Job.Params.Job, a.Now(), cancelledBy(s)
	written := a.Ledger.CallOff(id, why, now) // first: a crash must not forget it
	if a.stopRunning(id, calledOff(why)) || written != nil {
		return written
	}
	e, known := a.Ledger.Get(id)
	switch {
	case !known:
		return a.Ledger.Forbid(id, why, now.Add(job.Longest*time.Hour), now)
	case e.State == ledger.Accepted:
		if err := a.Ledger.Move(id, ledger.Cancelled, "", why, now); err != nil {
			return err
		}
		return a.note(fact{event: "cancelled", job: id, text: why})
	}
	return fmt.Errorf("job %s: too late: %s", id, e.State)
}

func cancelledBy(s *job.Signed) string {
	return fmt.Sprintf("cancelled by %s (job %s)", s.Job.Operator, s.Job.ID)
}
