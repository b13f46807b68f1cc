package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"hozen/service/deliver"
	"hozen/service/durable"
	"hozen/service/protocol"
)

// A Target is a destination, with the way to a receipt where there is one.
type Target struct {
	deliver.Destination
	// Receipt tells the other side that both files are whole and waits for its signed
	// answer, which it has checked; nil: it gives none.
	Receipt func(context.Context, protocol.CommitRequest) (protocol.SignedReceipt, protocol.Receipt, error)
}

// Options say how the box is emptied.
type Options struct {
	// Target gives the destination of a name.
	Target func(name string) (Target, error)
	// Delete takes the local copy away once it is proved that the other side has it.
	Delete bool
	// Changed is told of each entry whose state changed. It must not wait. May be nil.
	Changed func(Entry)
	Log     *slog.Logger  // nil: silent
	First   time.Duration // pause after the first failure, doubled after each; 0: 5 s
	Most    time.Duration // the longest pause; 0: 15 min
	Patient time.Duration // how long a receipt is waited for at once; 0: 2 min
}

// Deliver sends what waits, the oldest first, until ctx ends. What fails is tried again
// later, and the others meanwhile.
func (b *Box) Deliver(ctx context.Context, o Options) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.First, o.Most, o.Patient = cmp.Or(o.First, 5*time.Second), cmp.Or(o.Most, 15*time.Minute), cmp.Or(o.Patient, 2*time.Minute)
	for ctx.Err() == nil {
		id, wait := b.due(o.Delete)
		if id != "" {
			b.one(ctx, id, o)
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-b.wake:
			b.hurry()
		}
		t.Stop()
	}
}

// due gives a collection that something is to be done with, or how long to wait. It is
// the one that was left alone for longest, so that none keeps the others from their turn;
// of those that were never tried, the oldest.
func (b *Box) due(remove bool) (id string, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait = time.Hour
	var tried time.Time
	for _, e := range b.list() {
		if e.State == Delivered && (e.Deleted || !remove || !e.proved()) {
			continue
		}
		left := time.Until(e.Next)
		if left > 0 && left <= 24*time.Hour { // more: the clock was set back
			wait = min(wait, left)
		} else if id == "" || e.Tried.Before(tried) {
			id, tried = e.Collection, e.Tried
		}
	}
	return id, wait
}

// hurry forgets the pauses.
func (b *Box) hurry() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		e.Next = time.Time{}
	}
}

// one does the next step of one collection and notes how it went.
func (b *Box) one(ctx context.Context, id string, o Options) {
	b.mu.Lock()
	e := *b.entries[id]
	b.mu.Unlock()
	before := e
	err := b.step(ctx, &e, o)
	e.Tried = now(time.Now())
	log := o.Log.With("collection", id, "to", e.To)
	switch {
	case err != nil && ctx.Err() != nil: // it is no failure of the destination's
	case err != nil:
		e.Attempts++
		e.Error, e.Next = fmt.Sprintf("%.2000s", err), now(time.Now().Add(pause(e.Attempts, o, err)))
		log.Warn("not delivered", "error", err, "attempt", e.Attempts, "next", e.Next)
	default:
		if e.Attempts, e.Error, e.Next = 0, "", (time.Time{}); e.State != before.State {
			log.Info("outbox", "state", e.State, "verdict", e.Verdict, "proof", e.Archive.Proof)
		}
	}
	b.mu.Lock()
	*b.entries[id] = e
	err = b.save(&e)
	b.mu.Unlock()
	if err != nil {
		log.Error("state not kept", "error", err)
		select { // a full disk is not helped by trying at once
		case <-ctx.Done():
		case <-time.After(o.First):
		}
	}
	if o.Changed != nil && (e.State != before.State || e.Deleted != before.Deleted || e.Error != before.Error) {
		o.Changed(e)
	}
}

// pause grows with each failure, and differs between machines. What trying again does
// not help is tried seldom.
func pause(attempts int, o Options, err error) time.Duration {
	d := o.First << min(attempts-1, 20)
	if d > o.Most || d <= 0 || errors.Is(err, deliver.ErrDiffers) || errors.Is(err, deliver.ErrChanged) {
		d = o.Most
	}
	return d/2 + rand.N(d/2+1)
}

func (b *Box) step(ctx context.Context, e *Entry, o Options) error {
	if e.State == Delivered {
		return b.remove(e)
	}
	t, err := o.Target(e.To)
	if err != nil {
		return err
	}
	// The archive first: whoever has the log alone knows of evidence that is nowhere.
	for _, f := range []*File{&e.Archive, &e.Log} {
		if e.State == Waiting {
			if err := b.send(ctx, t, f); err != nil {
				return err
			}
		}
	}
	e.State = Sent
	if t.Receipt == nil {
		e.State, e.DeliveredAt = Delivered, now(time.Now())
		return nil
	}
	return b.receipt(ctx, e, t, o)
}

// send sends one file. A file that grew since the last try is sent as it is now, if
// nothing of it is said to be whole there.
func (b *Box) send(ctx context.Context, t Target, f *File) error {
	file, err := os.Open(filepath.Join(b.dir, f.Name))
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return err
	}
	if f.Proof == "" {
		f.Bytes, f.SHA256 = st.Size(), ""
	}
	tell := func(n int64) { f.Acked = n }
	s, err := deliver.Send(ctx, t, deliver.File{Name: f.Name, ReaderAt: file, Size: f.Bytes, SHA256: f.SHA256}, tell)
	if err != nil {
		return err
	}
	f.SHA256, f.Proof, f.Acked = s.SHA256, s.Proof, s.Size
	return nil
}

func (b *Box) receipt(ctx context.Context, e *Entry, t Target, o Options) error {
	if err := b.save(e); err != nil {
		return err
	}
	want := protocol.CommitRequest{Collection: e.Collection, Job: e.Job, Archive: e.Archive.whole(), Log: e.Log.whole()}
	bounded, cancel := context.WithTimeout(ctx, o.Patient)
	defer cancel()
	signed, r, err := t.Receipt(bounded, want)
	if err == nil && (r.Collection != e.Collection || r.Archive != want.Archive || r.Log != want.Log) {
		err = fmt.Errorf("receipt of %.80q: not of what was sent", r.Collection)
	}
	if err != nil && bounded.Err() == nil {
		e.State = Waiting // it may be that not all of it is there any more: Send looks
	}
	if err != nil {
		return err
	}
	e.Receipt, e.Verdict, e.State, e.DeliveredAt = &signed, r.Verdict, Delivered, now(time.Now())
	return nil
}

// remove takes the local archive away. The custody log stays, which has grown by the
// delivery since, and so does the state file with the receipt.
func (b *Box) remove(e *Entry) error {
	name := filepath.Join(b.dir, e.Archive.Name)
	if st, err := os.Lstat(name); err == nil && st.Size() != e.Archive.Bytes {
		return fmt.Errorf("%s: %w: %d bytes, %d were delivered: the local copy is kept", e.Archive.Name, deliver.ErrChanged, st.Size(), e.Archive.Bytes)
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	e.Deleted = true
	return durable.SyncFolder(b.dir)
}
