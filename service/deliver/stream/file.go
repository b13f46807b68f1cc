package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/service/deliver"
)

// window is how much of the end of a file is kept in memory, in bytes: more than any
// destination can want again after it acknowledged all before. The largest part of S3
// and one piece fit into it.
const window = 16 << 20

// piece is how much is sent at once, in bytes.
const piece = 256 << 10

// A file is on its way. What is written is in the window first, so that it can be sent
// again.
type file struct {
	d           *Disk
	name, local string

	mu    sync.Mutex
	u     deliver.Upload
	ring  []byte
	total int64 // bytes written
	acked int64 // when it was flushed last
	sum   hash.Hash
	proof deliver.Proof
	rest  *rest // not nil: the link is lost
	dead  error
}

func (f *file) begin() { f.sum = sha256.New() }

// start is where the window begins in the file.
func (f *file) start() int64 { return max(0, f.total-window) }

// remember puts a piece into the window, which grows as it is needed.
func (f *file) remember(p []byte) {
	for len(p) > 0 {
		at := int(f.total % window)
		if at == len(f.ring) && at < window { // grows
			if at+len(p) > 2*piece && cap(f.ring) < window { // at once: growing would take it twice
				f.ring = append(make([]byte, 0, window), f.ring...)
			}
			n := min(len(p), window-at)
			f.ring = append(f.ring, p[:n]...)
			f.total, p = f.total+int64(n), p[n:]
			continue
		}
		n := copy(f.ring[at:], p)
		f.total, p = f.total+int64(n), p[n:]
	}
}

// replay gives what the window has from an offset on, in order.
func (f *file) replay(from int64, to func([]byte) error) error {
	for from < f.total {
		at := from % window
		n := min(f.total-from, int64(len(f.ring))-at, piece)
		if err := to(f.ring[at : at+n]); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// Write implements packager.File.
func (f *file) Write(p []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(p) {
		part := p[n:min(n+piece, len(p))]
		if f.dead != nil {
			return n, f.dead
		}
		f.sum.Write(part)
		f.remember(part)
		n += len(part)
		if f.rest != nil {
			if _, err := f.rest.file.Write(part); err != nil {
				return n, f.die(err)
			}
			continue
		}
		if err := f.u.Write(f.d.ctx, part); err != nil {
			if err := f.again(err); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (f *file) die(err error) error {
	f.dead = err
	return err
}

// Sync implements packager.File: it returns when all that was written is acknowledged,
// or on the local medium, where the link is lost.
func (f *file) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flush()
}

func (f *file) flush() error {
	for f.dead == nil && f.rest == nil {
		err := f.u.Flush(f.d.ctx)
		if err == nil {
			f.acked = f.total
			return nil
		}
		if err := f.again(err); err != nil {
			return err
		}
	}
	if f.dead != nil {
		return f.dead
	}
	return f.rest.file.Sync()
}

// Close implements packager.File. The file is ended by Disk.Rename, if it is whole.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead != nil {
		return nil // it was said
	}
	if err := f.flush(); err != nil || f.rest == nil {
		return err
	}
	return f.rest.file.Close()
}

// hopeless says whether trying again cannot help.
func hopeless(err error) bool {
	return errors.Is(err, deliver.ErrDiffers) || errors.Is(err, deliver.ErrCredentials) || errors.Is(err, deliver.ErrNeedsSize)
}

// again opens the file anew and sends what is not there; for a bounded time. Then the
// rest goes to the local folder, if there is one. nil: the file goes on, here or there.
func (f *file) again(cause error) error {
	if lost := f.d.Lost(); lost != nil {
		return f.spill(lost)
	}
	f.d.o.Told(Lost, cause)
	ctx, cancel := context.WithTimeout(f.d.ctx, f.d.o.Retry)
	defer cancel()
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f.reopen(ctx)
		if err == nil {
			f.d.o.Told(Back, nil)
			return nil
		}
		if ctx.Err() == nil {
			cause = err
		}
		if hopeless(err) {
			break
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		if t.Stop(); ctx.Err() != nil {
			break
		}
	}
	f.d.giveUp(cause)
	return f.spill(cause)
}

// reopen goes on where the other side stopped; what is behind the last flush is not
// believed, because it can have holes.
func (f *file) reopen(ctx context.Context) error {
	u, err := f.d.o.To.Open(ctx, f.name)
	if err != nil {
		return err
	}
	if r, ok := u.(deliver.Resumer); ok {
		r.Rewind(f.acked)
	}
	at := u.Offset()
	if at < f.start() || at > f.total {
		return fmt.Errorf("%s: %w: it has %d bytes, acknowledged were %d of %d", f.name, deliver.ErrDiffers, at, f.acked, f.total)
	}
	if err := f.replay(at, func(p []byte) error { return u.Write(f.d.ctx, p) }); err != nil {
		return err
	}
	f.u = u
	return nil
}

// spill begins the local file with all that the window has.
func (f *file) spill(cause error) error {
	if f.d.o.Rest == "" {
		return f.die(fmt.Errorf("%s: %w: %w", f.d.o.Place, ErrLost, cause))
	}
	r, err := newRest(f.d.o.Rest, f.local, Note{Name: f.name, From: f.start(), Acked: f.acked, To: f.d.o.Place})
	if err == nil {
		err = f.replay(f.start(), func(p []byte) error { _, err := r.file.Write(p); return err })
	}
	if err != nil {
		return f.die(fmt.Errorf("%s is lost (%w), and %s cannot have the rest: %w", f.d.o.Place, cause, f.d.o.Rest, err))
	}
	f.rest, f.u = r, nil
	return nil
}

// commit ends the file where it is. Of a collection whose archive is here, the log is
// here, too.
func (f *file) commit() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := hex.EncodeToString(f.sum.Sum(nil))
	if lost := f.d.Lost(); lost != nil && f.d.o.Rest != "" && f.rest == nil && f.dead == nil {
		if err := f.spillWhole(lost); err != nil {
			return err
		}
	}
	for f.dead == nil && f.rest == nil {
		err := f.u.Commit(f.d.ctx, f.total, sum)
		if err == nil {
			f.proof = deliver.ProofOf(f.u)
			return nil
		}
		if errors.Is(err, deliver.ErrDiffers) {
			return err // the rest would not help
		}
		if err := f.again(err); err != nil {
			return err
		}
		if f.rest != nil { // after Close
			if err := fault.Join(f.rest.file.Sync(), f.rest.file.Close()); err != nil {
				return err
			}
		}
	}
	if f.dead != nil {
		return f.dead
	}
	return f.rest.end(f.total, sum)
}

// spillWhole puts the file, to which nothing more is added, here.
func (f *file) spillWhole(lost error) error {
	if err := f.spill(lost); err != nil {
		return err
	}
	return fault.Join(f.rest.file.Sync(), f.rest.file.Close())
}

func (f *file) arrived() Arrived {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := Arrived{Name: f.name, Bytes: f.total, SHA256: hex.EncodeToString(f.sum.Sum(nil)), Proof: f.proof}
	if f.rest != nil {
		a.Rest, a.From = f.rest.path(), f.rest.note.From
	}
	return a
}

var _ packager.File = (*file)(nil)
