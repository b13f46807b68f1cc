package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hozen/service/job"
)

var start = time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC)

// entry is that of job number n, issued at a time and valid for an hour.
func entry(n int, issued time.Time) Entry {
	return Entry{
		ID: fmt.Sprintf("job-%04d", n), Nonce: fmt.Sprintf("%032x", n), Sum: fmt.Sprintf("%064x", n),
		Issued: job.Time(issued), Expires: job.Time(issued.Add(time.Hour)), Envelope: []byte(strings.Repeat("x", 300)),
	}
}

// An endpoint does jobs as the run loop does, and counts.
type endpoint struct {
	disk *memDisk
	l    *Ledger
	now  time.Time
	ran  map[string]int
	took map[string]bool // Accept said yes
}

func (e *endpoint) open() error {
	l, err := OpenOn(e.disk, "ledger", e.now)
	if err == nil {
		l.store.large = 1500 // many compactions
		e.l = l
	}
	return err
}

const jobs = 6

// round offers all jobs, as a hub does that has heard of none, and does what is pending.
// The first error ends it.
func (e *endpoint) round() error {
	e.now = e.now.Add(2 * time.Minute)
	if err := e.l.Beat(e.now); err != nil {
		return err
	}
	for n := range jobs {
		j := entry(n, start)
		switch err := e.l.Accept(j, e.now); {
		case err == nil:
			e.took[j.ID] = true
		case !errors.Is(err, ErrSeen):
			return err
		}
	}
	for _, p := range e.l.Pending() {
		if err := e.do(p); err != nil {
			return err
		}
	}
	return nil
}

func (e *endpoint) do(p Entry) error {
	switch p.State {
	case Accepted:
		if err := e.l.Move(p.ID, Started, "collection-"+p.ID, "", e.now); err != nil {
			return err
		}
		e.ran[p.ID]++
		if err := e.l.Move(p.ID, Sealed, "", "", e.now); err != nil {
			return err
		}
	case Started: // of another life
		if err := e.l.Move(p.ID, Partial, "", "interrupted", e.now); err != nil {
			return err
		}
	}
	return e.l.Move(p.ID, Delivered, "", "", e.now)
}

// check says what of the promises is broken, once all is done.
func (e *endpoint) check() (bad []string) {
	for n := range jobs {
		id := entry(n, start).ID
		got, ok := e.l.Get(id)
		if e.ran[id] > 1 {
			bad = append(bad, fmt.Sprintf("%s ran %d times", id, e.ran[id]))
		}
		if !ok || got.State != Delivered {
			bad = append(bad, fmt.Sprintf("%s is lost: %+v (accepted: %v)", id, got, e.took[id]))
		}
		if ok && e.ran[id] == 0 && got.Note != "interrupted" {
			bad = append(bad, fmt.Sprintf("%s never ran: %+v", id, got))
		}
	}
	return bad
}

// TestEveryWriteFails breaks each call of the disk in turn, in each way, with and
// without a power cut after it. No job may run twice, and none be lost.
func TestEveryWriteFails(t *testing.T) {
	ifLong(t)
	calls := wholeLife(t, 0, 0, false, false, false)
	if calls < 50 {
		t.Fatalf("only %d calls", calls)
	}
	for at := 1; at <= calls; at++ {
		for mode := range failModes {
			for _, how := range []struct{ crash, lucky, down bool }{{false, false, false}, {true, false, true}, {true, true, true}} {
				wholeLife(t, at, mode, how.crash, how.lucky, how.down)
			}
		}
	}
}

func ifLong(t *testing.T) {
	if t.Helper(); testing.Short() {
		t.Skip("long test: one goroutine, thousands of times")
	}
}

// wholeLife does all jobs on a disk that breaks once, and gives the number of calls.
func wholeLife(t *testing.T, at, mode int, crash, lucky, down bool) int {
	t.Helper()
	e := &endpoint{disk: newDisk(), now: start, ran: map[string]int{}, took: map[string]bool{}}
	e.disk.breaks, e.disk.mode, e.disk.down = at, mode, down
	for try := 0; ; try++ {
		if try > 20 {
			t.Fatalf("call %d, mode %d: it never ends", at, mode)
		}
		var err error
		if e.l == nil {
			err = e.open()
		}
		if err == nil {
			err = e.round()
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errBroken) {
			t.Fatalf("call %d, mode %d, crash %v: %v", at, mode, crash, err)
		}
		if crash {
			e.disk, e.l = e.disk.reboot(lucky), nil
		}
	}
	calls := e.disk.calls
	// What the medium has must say the same.
	e.disk = e.disk.reboot(false)
	if err := e.open(); err != nil {
		t.Fatalf("call %d, mode %d: opened at last: %v", at, mode, err)
	}
	for _, bad := range e.check() {
		t.Errorf("call %d, mode %d, crash %v, lucky %v: %s", at, mode, crash, lucky, bad)
	}
	return calls
}

// TestFaultsAreNoticed: a ledger that did not flush would be found out by the test above.
func TestFaultsAreNoticed(t *testing.T) {
	d := newDisk()
	l, err := OpenOn(d, "ledger", start)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Accept(entry(1, start), start); err != nil {
		t.Fatal(err)
	}
	f := d.files["ledger"]
	f.synced = f.synced[:len(f.synced)-10]
	again, err := OpenOn(d.reboot(false), "ledger", start)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := again.Get("job-0001"); ok {
		t.Error("what was not flushed is there after a power cut")
	}
}

// TestAcceptAgainAfterAnError: to hand the same job over again is no replay, and it is
// taken once.
func TestAcceptAgainAfterAnError(t *testing.T) {
	for at := 1; at <= 2; at++ {
		for mode := range failModes {
			d := newDisk()
			l := open(t, d, start)
			d.breaks, d.mode = d.calls+at, mode
			if err := l.Accept(entry(1, start), start); !errors.Is(err, errBroken) {
				t.Fatalf("call %d, mode %d: %v", at, mode, err)
			}
			if err := l.Accept(entry(1, start), start); err != nil {
				t.Errorf("call %d, mode %d: again: %v", at, mode, err)
			}
			if err := l.Accept(entry(1, start), start); !errors.Is(err, ErrSeen) {
				t.Errorf("call %d, mode %d: a third time: %v", at, mode, err)
			}
			if p := open(t, d.reboot(false), start).Pending(); len(p) != 1 {
				t.Errorf("call %d, mode %d: pending %+v", at, mode, p)
			}
		}
	}
}

// TestForbidWithAClockThatWasSetBack: a cancellation counts whatever the clock says.
func TestForbidWithAClockThatWasSetBack(t *testing.T) {
	l := open(t, newDisk(), start)
	if err := l.Beat(start.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := l.Forbid("job-0001", "cancelled", start.Add(time.Hour), start); err != nil {
		t.Error(err)
	}
	if e, ok := l.Get("job-0001"); !ok || e.State != Cancelled {
		t.Errorf("%+v", e)
	}
}
