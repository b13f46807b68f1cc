package isolate

import (
	"context"
	"errors"
	"time"
)

// How often Watch looks without being told of a change, and how soon after one change it
// acts on the next.
const (
	lookEvery = 5 * time.Second
	settle    = time.Second
	// quietest bounds how often it is told that rules were put back, where somebody keeps
	// removing them.
	quietest = time.Minute
)

// Watch keeps the machine as its file says until ctx ends: it puts the rules back when
// somebody flushed them (nft flush ruleset, the restart of another firewall), hangs them on
// interfaces that came, and releases the machine when the time is over. It looks whenever
// the kernel says that rules or interfaces changed, and every few seconds. Each change is
// told; where rules are removed again and again, the first and then at most one a minute.
func (m *Machine) Watch(ctx context.Context) error {
	changed := changes(ctx)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	q := quiet{now: m.Now}
	w := *m
	w.Tell = q.tell(m.Tell)
	for {
		switch c, err := w.alone(ctx, func() (Change, error) { return w.mend(ctx, byWatch) }); {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrUnsupported):
			return err
		case err != nil:
			m.Log.Error("isolation", "error", err)
		case c.Event != "":
			m.Log.Warn("isolation", "event", c.Event, "cause", c.Cause, "verified", c.Verified, "warnings", c.Warnings)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settle): // what comes together is looked at together
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-m.deadline():
		case <-changed:
		}
	}
}

// deadline fires when the time of the file is over.
func (m *Machine) deadline() <-chan time.Time {
	s, err := m.load()
	if err != nil || s == nil || s.Want != Cut {
		return nil
	}
	return time.After(min(s.left(m.Now()), lookEvery))
}

// quiet lets through what is told, but not the same thing again and again.
type quiet struct {
	now    func() time.Time
	last   time.Time
	silent int
}

func (q *quiet) tell(to func(Change) error) func(Change) error {
	if to == nil {
		return nil
	}
	return func(c Change) error {
		if c.Cause == byWatch && q.now().Sub(q.last) < quietest && !q.last.IsZero() {
			q.silent++
			return nil
		}
		if c.Cause == byWatch {
			q.last = q.now()
			if q.silent > 0 {
				c.Warnings = append(c.Warnings, "and "+plural(q.silent)+" before, since this was last recorded")
				q.silent = 0
			}
		}
		return to(c)
	}
}
