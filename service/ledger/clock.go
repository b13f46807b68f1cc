package ledger

import (
	"fmt"
	"time"

	"hozen/service/job"
)

// A clock is what this endpoint believes of time. It goes back only by RepairClock.
type clock struct {
	mark  time.Time // the latest time that was ever seen here
	floor time.Time // jobs that were issued before it are not taken: they may have been forgotten
	last  time.Time // the latest time at which a job that was taken had been issued
}

// beatEvery is how far the wall clock must have gone on for a heartbeat to be written.
const beatEvery = time.Minute

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// at is the clock when the wall says so.
func (c clock) at(wall time.Time) clock {
	c.mark = later(c.mark, wall.UTC().Truncate(time.Second))
	return c
}

// Now gives the time by which expiry is judged: the later of wall and mark.
func (l *Ledger) Now(wall time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return later(l.clock.mark, wall)
}

// Mark gives the latest time that was ever seen here.
func (l *Ledger) Mark() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock.mark
}

// Beat remembers the time, so that a clock that is set back later cannot make expired
// jobs valid. It is to be called every few minutes; it writes at most once a minute.
func (l *Ledger) Beat(wall time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(wall); err != nil {
		return err
	}
	if wall.Sub(l.clock.mark) < beatEvery {
		return nil
	}
	return l.write(l.clock.at(wall), wall, nil, "")
}

// RepairClock sets the mark back to wall: the clock had been far ahead, and everything
// has expired since. Only somebody who may write the ledger's file can do it, with the
// service stopped; it must go into the audit log, too. Jobs that were issued before now,
// or before the latest one that was ever taken, are refused from then on: they may have
// been forgotten while the clock was ahead. why says who did it, and why.
func (l *Ledger) RepairClock(wall time.Time, why string) (was time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(wall); err != nil {
		return was, err
	}
	was = l.clock.mark
	c := l.clock
	c.mark = wall.UTC().Truncate(time.Second)
	if !c.mark.Before(was) {
		return was, fmt.Errorf("ledger: the mark is %s: not ahead of %s", job.Time(was), job.Time(c.mark))
	}
	c.floor = later(c.mark, c.last.Add(time.Second))
	if c.floor.After(was) {
		c.floor = was
	}
	return was, l.write(c, wall, nil, note(why))
}
