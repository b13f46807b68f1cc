// Package ledger remembers which jobs this endpoint has seen and how far they got, so
// that none is run twice and none is lost, whatever happens in between: a crash, a full
// disk, a clock that was set back. Begin with Open and Ledger.Accept; record.go has the
// lines of the file, store.go how they come onto the disk, clock.go what time it is.
//
// The file has one line of JSON for each change, written at once and flushed before
// anything is done. What must hold afterwards:
//
//   - A job that Accept took is Pending after a crash until it has ended, and runs if it
//     had not started.
//   - A job that had started is never run again.
//   - A job is forgotten only when it has expired by the mark, the latest time that this
//     endpoint has ever seen, and expiry is judged by the mark.
//   - After an error the file is read again before the next change, and what it says is
//     what is so: an Accept that failed may have been written; to ask again is no replay.
package ledger

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"hozen/service/job"
)

// A State is how far a job got.
type State string

// The states: accepted → started → sealed, partial, failed, done → delivered. Nothing
// follows failed, done, delivered, refused and cancelled.
const (
	Accepted  State = "accepted"  // it is to be run
	Started   State = "started"   // its collection has begun, or what else it does
	Sealed    State = "sealed"    // a whole archive waits for delivery
	Partial   State = "partial"   // an interrupted one waits for delivery
	Failed    State = "failed"    // there is no archive
	Done      State = "done"      // it asked for none (isolate, rejoin, cancel), and is done
	Delivered State = "delivered" // a receipt, or what the destination gives for one, is here
	Refused   State = "refused"   // it was authentic, and will not be run
	Cancelled State = "cancelled" // before it had started
)

// follows says what may come after a state.
func follows(s State) []State {
	switch s {
	case Accepted:
		return []State{Started, Failed, Refused, Cancelled}
	case Started:
		return []State{Sealed, Partial, Failed, Done}
	case Sealed, Partial:
		return []State{Delivered}
	}
	return nil
}

// An Entry is what is known of a job.
type Entry struct {
	ID         string `json:"id"`
	Nonce      string `json:"nonce"` // "" of a trigger that is no signed job
	Sum        string `json:"sum"`   // SHA-256 of the payload in hex; "" likewise
	Issued     string `json:"issued"`
	Expires    string `json:"expires"` // both as job.Time writes them
	Seq        int64  `json:"seq"`     // number of the line that first had it: the order in which jobs came
	State      State  `json:"state"`
	Collection string `json:"collection"` // from started on; "" if there is none
	Note       string `json:"note"`       // why it was refused, failed, cancelled, called off; at most MaxNote bytes
	Envelope   []byte `json:"envelope"`   // of a job that has not ended, as it came
}

// Bounds.
const (
	MaxJobs    = 4096 // entries that have not expired
	MaxWaiting = 64   // jobs that are accepted or started
	MaxNote    = 512  // bytes
)

// Why a job is not taken.
var (
	ErrSeen   = errors.New("seen before")
	ErrOld    = errors.New("issued before this ledger was begun, or before its clock was repaired")
	ErrLate   = errors.New("expired")
	ErrFull   = errors.New("the ledger is full")
	ErrOrder  = errors.New("not possible in this state")
	ErrBroken = errors.New("ledger damaged")
)

// A Ledger is open in one process at a time. Its methods may be called concurrently.
type Ledger struct {
	mu      sync.Mutex
	store   store
	entries map[string]*Entry
	nonces  map[string]string // nonce or sum → ID
	clock   clock
	seq     int64 // of the last line
	// doubtful are jobs that could not be written, and may be in the file all the same:
	// to ask again for the same is no replay.
	doubtful map[string]bool
}

// EntryOf makes the entry of a checked job.
func EntryOf(s *job.Signed) (Entry, error) {
	b, err := s.Envelope.Encode()
	return Entry{ID: s.Job.ID, Nonce: s.Job.Nonce, Sum: s.Sum(), Issued: s.Job.Issued, Expires: s.Job.Expires, Envelope: b}, err
}

// Accept writes down that a job is to be run, and returns when that is on the medium.
// Only then it may be run. wall is the clock on the wall. ErrSeen, ErrOld, ErrLate and
// ErrFull say that it must not be run; after any other error Accept may be called again
// with the same job, and until that succeeds it must not be run.
func (l *Ledger) Accept(e Entry, wall time.Time) error {
	e.State = Accepted
	return l.add(e, wall)
}

// Refuse writes down that a job, which was authentic, is never to be run: nobody who
// only relays it can have it run later. Its envelope is not kept.
func (l *Ledger) Refuse(e Entry, why string, wall time.Time) error {
	e.State, e.Note, e.Envelope = Refused, note(why), nil
	return l.add(e, wall)
}

// Forbid is Refuse for a job that never came: its cancellation came first. It is kept
// until expires, at most job.Longest from now.
func (l *Ledger) Forbid(id, why string, expires, wall time.Time) error {
	l.mu.Lock()
	from := later(later(l.clock.mark, l.clock.floor), wall) // the clock may have been set back since
	l.mu.Unlock()
	until := from.Add(min(max(expires.Sub(wall), time.Hour), job.Longest*time.Hour))
	return l.add(Entry{ID: id, State: Cancelled, Note: note(why), Issued: job.Time(from), Expires: job.Time(until)}, wall)
}

func (l *Ledger) add(e Entry, wall time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(wall); err != nil {
		return err
	}
	issued, expires, err := e.check()
	if err != nil {
		return err
	}
	if old := l.seen(e); old != nil {
		if l.doubtful[old.ID] && old.ID == e.ID && old.Sum == e.Sum && old.State == e.State {
			delete(l.doubtful, e.ID) // it was written after all, and nobody was told
			return nil
		}
		return fmt.Errorf("job %s: %w: %s", e.ID, ErrSeen, old.State)
	}
	c := l.clock.at(wall)
	switch {
	case issued.Before(c.floor):
		return fmt.Errorf("job %s: %w: issued %s, want %s or later", e.ID, ErrOld, e.Issued, job.Time(c.floor))
	case !expires.After(c.mark):
		return fmt.Errorf("job %s: %w at %s; here it is %s", e.ID, ErrLate, e.Expires, job.Time(c.mark))
	}
	if len(l.entries) >= MaxJobs {
		if err := l.compact(c); err != nil {
			return err
		}
	}
	if len(l.entries) >= MaxJobs || e.State == Accepted && l.waiting() >= MaxWaiting {
		return fmt.Errorf("job %s: %w", e.ID, ErrFull)
	}
	c.last = later(c.last, issued)
	e.Seq = l.seq + 1
	if err := l.write(c, wall, &e, ""); err != nil {
		l.doubtful[e.ID] = true
		return err
	}
	delete(l.doubtful, e.ID)
	return nil
}

// seen finds a job of the same id, nonce or content.
func (l *Ledger) seen(e Entry) *Entry {
	if old := l.entries[e.ID]; old != nil {
		return old
	}
	for _, key := range []string{e.Nonce, e.Sum} {
		if id, ok := l.nonces[key]; ok && key != "" {
			return l.entries[id]
		}
	}
	return nil
}

func (l *Ledger) waiting() (n int) {
	for _, e := range l.entries {
		if e.State == Accepted || e.State == Started {
			n++
		}
	}
	return n
}

// Move writes down that a job has come to a state; collection is its collection's id
// from started on, "" leaves it as it was. To be in that state already is no error.
// ErrOrder: the job is unknown, or cannot come there.
func (l *Ledger) Move(id string, to State, collection, why string, wall time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(wall); err != nil {
		return err
	}
	e := l.entries[id]
	if e == nil {
		return fmt.Errorf("job %.80q: %w: unknown", id, ErrOrder)
	}
	if e.State == to && (collection == "" || collection == e.Collection) {
		return nil
	}
	next := *e
	if next.State = to; to != Started {
		next.Envelope = nil
	}
	if collection != "" {
		next.Collection = collection
	}
	if why != "" || e.CalledOff() { // what was called off too late has ended as it was to end
		next.Note = note(why)
	}
	if !may(e.State, to) {
		return fmt.Errorf("job %s: %w: %s after %s", id, ErrOrder, to, e.State)
	}
	if _, _, err := next.check(); err != nil {
		return err
	}
	return l.write(l.clock.at(wall), wall, &next, "")
}

// CallOff writes down why a job that has started is wanted no more: what it has taken by then
// is kept, and what it has not done yet is not done, also after a crash. Of any other job, and
// of one that was called off before, nothing is written.
func (l *Ledger) CallOff(id, why string, wall time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(wall); err != nil {
		return err
	}
	e := l.entries[id]
	if e == nil || e.State != Started || e.Note != "" {
		return nil
	}
	next := *e
	next.Note = note(why)
	return l.write(l.clock.at(wall), wall, &next, "")
}

// CalledOff says whether CallOff was called of a job that has not ended.
func (e *Entry) CalledOff() bool { return e.State == Started && e.Note != "" }

func may(from, to State) bool {
	for _, s := range follows(from) {
		if s == to {
			return true
		}
	}
	return false
}

// Get gives what is known of a job.
func (l *Ledger) Get(id string) (Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[id]; e != nil {
		return *e, true
	}
	return Entry{}, false
}

// Pending gives the jobs that have not ended, in the order in which they came: accepted
// ones are to be run (unless they have expired by now), started ones to be recovered and
// never run again, sealed and partial ones to be delivered.
func (l *Ledger) Pending() (out []Entry) {
	return l.list(func(e *Entry) bool { return len(follows(e.State)) > 0 })
}

// Entries gives all that is known, in the order in which it came.
func (l *Ledger) Entries() []Entry { return l.list(func(*Entry) bool { return true }) }
