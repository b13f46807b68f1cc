package isolate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/packager/signed"
	"hozen/service/durable"
)

// Causes of a Change.
const (
	byCommand  = "command"
	byJob      = "job"
	byBoot     = "boot"
	byWatch    = "restored"
	byDeadline = "expired"
)

// On isolates the machine, or puts other hubs and another time in the place of those that
// hold. First the file says so, then the kernel, in one transaction: after an error or a
// crash the rules are the old ones or the new ones. It returns when the kernel was asked.
func (m *Machine) On(ctx context.Context, o Options) (Change, error) {
	if err := o.Check(); err != nil {
		return Change{}, err
	}
	without := m.unreachable(ctx, o.Hubs, "hub %s cannot be reached before: %v") // before the time begins to run
	now := m.Now()
	s := State{Type: StateType, Want: Cut, Since: signed.Wall(now), Until: signed.Wall(now.Add(o.For)),
		Hubs: []string{}, Next: []string{}, Case: o.Case, Reason: o.Reason, Operator: o.Operator, Job: o.Job}
	for _, h := range o.Hubs {
		s.Hubs = append(s.Hubs, h.String())
	}
	cause := byCommand
	if o.Job != "" {
		cause = byJob
	}
	return m.alone(ctx, func() (Change, error) {
		old, err := m.load()
		if err != nil {
			m.Log.Warn("isolation: the file of state is written anew", "why", err)
		}
		c, err := m.apply(ctx, s, cause)
		c.Warnings = slices.Insert(c.Warnings, 0, without...)
		if err != nil && !c.Verified && c.Event == "" { // nothing was changed: the file says what it said
			if old != nil {
				err = fault.Join(err, m.save(*old))
			} else {
				err = fault.Join(err, m.forget())
			}
		}
		return c, err
	})
}

// Check says what of the options cannot be, and puts the usual time where none is given.
func (o *Options) Check() error {
	if o.For == 0 {
		o.For = UsualFor
	}
	if o.For < MinFor || o.For > MaxFor {
		return fmt.Errorf("for %v: want %v to %v", o.For, MinFor, MaxFor)
	}
	o.For = o.For.Truncate(time.Second)
	switch {
	case len(o.Hubs) == 0 && !o.NoHub:
		return ErrNoHub
	case len(o.Hubs) > 0 && o.NoHub:
		return errors.New("hubs are given, and that none is to be kept")
	case len(o.Hubs) > MaxHubs:
		return fmt.Errorf("%d hubs: at most %d", len(o.Hubs), MaxHubs)
	}
	for _, h := range o.Hubs {
		if err := checkHub(h); err != nil {
			return err
		}
	}
	return nil
}

// checkHub refuses what is no machine's address.
func checkHub(h netip.AddrPort) error {
	a := h.Addr()
	if h.Port() == 0 || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" || a.Is4In6() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return fmt.Errorf("hub %s: want the address and the port of one machine, without a zone", h)
	}
	return nil
}

// alone runs f while no other process changes isolation, and records what was changed.
func (m *Machine) alone(ctx context.Context, f func() (Change, error)) (Change, error) {
	if err := ctx.Err(); err != nil {
		return Change{}, err
	}
	if err := private.MkdirAll(filepath.Dir(m.File), private.Mine); err != nil {
		return Change{}, err
	}
	lock, err := locked(ctx, m.File+".lock")
	if err != nil {
		return Change{}, err
	}
	c, err := f()
	if told := m.record(c); told != nil {
		err = fault.Join(err, fmt.Errorf("not recorded: %w", told))
	}
	return c, fault.Join(err, lock.Close())
}

// locked waits for a lock that the system lets go when the process dies.
func locked(ctx context.Context, name string) (io.Closer, error) {
	for {
		lock, err := durable.TryLock(name)
		if !errors.Is(err, durable.ErrInUse) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// record tells a change, after those that wait, or keeps it until somebody can.
func (m *Machine) record(c Change) error {
	if m.Tell == nil {
		if c.Event == "" {
			return nil
		}
		return m.keep(c)
	}
	if err := m.tellUntold(); err != nil || c.Event == "" {
		return err
	}
	return m.Tell(c)
}

// apply makes the kernel hold s.
func (m *Machine) apply(ctx context.Context, s State, cause string) (Change, error) {
	now := m.Now()
	c := s.change(Isolated, cause, now)
	around, err := m.Firewall.Around(ctx, s.hubs())
	if err != nil {
		return Change{}, err
	}
	before, err := m.Firewall.Read(ctx)
	if err != nil {
		return Change{}, err
	}
	s.Rules = ""
	s.seen(around.Next)
	if err := m.save(s); err != nil {
		return Change{}, err
	}
	want := &Want{Hubs: s.hubs(), Next: s.next(), Links: around.Links, Left: s.left(m.Now())}
	if want.Left <= 0 {
		return Change{}, errors.New("the time is over")
	}
	missing, err := m.Firewall.Replace(ctx, want)
	if err != nil {
		return Change{}, err
	}
	c.Missing = append(c.Missing, missing...)
	c.Outside = append(c.Outside, around.Outside...)
	c.Warnings = append(c.Warnings, around.Warnings...)
	after, err := m.Firewall.Read(ctx)
	if err != nil {
		return c, fmt.Errorf("isolated, but the rules cannot be read back: %w", err)
	}
	after, alone, err := m.untilAlone(ctx, want, before, after)
	if err != nil {
		return c, fmt.Errorf("isolated, but somebody changed rules meanwhile, and ours were not put again: %w", err)
	}
	c.compare(before, after)
	c.Rivals = append(c.Rivals, after.rivals()...)
	if got, why := after.ours(); got != Cut {
		return c, fmt.Errorf("isolation is not in the kernel: %s", why)
	}
	c.Verified = true
	if s.Rules = after.oursSum(); !alone { // the next look puts them again
		s.Rules = ""
		c.Warnings = append(c.Warnings, "rules are changed by somebody else all the time: whether ours are as they were put is not known")
	}
	if err := m.save(s); err != nil {
		return c, err
	}
	if cause == byCommand || cause == byJob {
		c.Warnings = append(c.Warnings, m.unreachable(ctx, s.hubs(), "hub %s cannot be reached now: %v")...)
	}
	return c, nil
}

// untilAlone puts the rules again as long as somebody else changed some between the last two
// readings: what was read could have his rule among ours, and be taken for ours from then on.
func (m *Machine) untilAlone(ctx context.Context, w *Want, before, after Ruleset) (Ruleset, bool, error) {
	for range 5 {
		if after.followsAlone(before) {
			return after, true, nil
		}
		if _, err := m.Firewall.Replace(ctx, w); err != nil {
			return after, false, err
		}
		again, err := m.Firewall.Read(ctx)
		if err != nil {
			return after, false, err
		}
		before, after = after, again
	}
	return after, after.followsAlone(before), nil
}

// change begins the account of a change to or from s.
func (s State) change(event, cause string, now time.Time) Change {
	c := Change{Event: event, Cause: cause, At: signed.Wall(now), Hubs: append([]netip.AddrPort{}, s.hubs()...),
		Case: s.Case, Reason: s.Reason, Operator: s.Operator, Job: s.Job,
		Others: []string{}, Missing: []string{}, Outside: []string{}, Warnings: []string{}, Rivals: []string{}}
	if event == Isolated {
		c.Until = s.Until
	}
	return c
}

func (c *Change) compare(before, after Ruleset) {
	c.Before, c.After = before.rules(), after.rules()
	c.Others = append(c.Others, differences(before, after)...)
}

// unreachable says in this form which hubs do not answer, and why. All are asked at once: a cut must not wait.
func (m *Machine) unreachable(ctx context.Context, hubs []netip.AddrPort, form string) (out []string) {
	if m.Dial == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	said := make([]string, len(hubs))
	var all sync.WaitGroup
	for i, h := range hubs {
		all.Go(func() {
			if err := m.Dial(ctx, h); err != nil {
				said[i] = fmt.Sprintf(form, h, err)
			}
		})
	}
	all.Wait()
	return slices.DeleteFunc(said, func(s string) bool { return s == "" })
}

// Off releases the machine and asks the kernel whether it is so: only a Change that is
// Verified says that our tables are gone. One whose Event is empty says that there was
// nothing to release. A machine whose file cannot be written is released all the same.
func (m *Machine) Off(ctx context.Context, w Why) (Change, error) {
	cause := byCommand
	if w.Job != "" {
		cause = byJob
	}
	return m.alone(ctx, func() (Change, error) {
		s, err := m.load()
		if err != nil {
			m.Log.Warn("isolation: the file of state is not understood", "why", err)
			s = nil
		}
		c := Change{Cause: cause, Case: w.Case, Reason: w.Reason, Operator: w.Operator, Job: w.Job}
		return m.release(ctx, s, c)
	})
}

// release takes our tables away, whatever the file says.
func (m *Machine) release(ctx context.Context, s *State, as Change) (Change, error) {
	if s == nil {
		s = &State{}
	}
	c := s.change(Rejoined, as.Cause, m.Now())
	c.Case, c.Reason, c.Operator, c.Job = firstOf(as.Case, c.Case), as.Reason, as.Operator, as.Job
	before, err := m.Firewall.Read(ctx)
	if err != nil {
		return Change{}, err
	}
	var errs []error
	if s.Want == Cut { // a crash from here on is completed, not undone
		gone := *s
		gone.Want = Released
		errs = append(errs, m.save(gone))
	}
	if had, _ := before.ours(); had == Open {
		c.Event = ""
	}
	// Also where nothing of ours is seen: not everything can be seen (boot-time filters).
	unseen, err := m.Firewall.Replace(ctx, nil)
	if err != nil {
		return Change{}, fault.Join(append(errs, fmt.Errorf("%w: %w", ErrNotReleased, err))...)
	}
	if c.Event == "" && len(unseen) > 0 {
		c.Event, c.Warnings = Rejoined, append(c.Warnings, unseen...)
	}
	after, err := m.Firewall.Read(ctx)
	if err != nil {
		return c, fault.Join(append(errs, fmt.Errorf("%w: the rules cannot be read back: %w", ErrNotReleased, err))...)
	}
	c.compare(before, after)
	if had, why := after.ours(); had != Open {
		return c, fault.Join(append(errs, fmt.Errorf("%w: %s", ErrNotReleased, why))...)
	}
	c.Verified = true
	return c, fault.Join(append(errs, m.forget())...)
}

func firstOf(a ...string) string {
	return a[max(0, slices.IndexFunc(a, func(s string) bool { return s != "" }))]
}

// Restore isolates the machine again after a reboot if its file says so and the time is
// not over; else it removes what is left. Event is empty if there was nothing to do.
func (m *Machine) Restore(ctx context.Context) (Change, error) {
	return m.alone(ctx, func() (Change, error) { return m.mend(ctx, byBoot) })
}

// mend makes the kernel what the file says. It is called with the lock held.
func (m *Machine) mend(ctx context.Context, cause string) (Change, error) {
	s, err := m.load()
	if err != nil || s == nil {
		return Change{}, err
	}
	if s.Want == Released {
		return m.release(ctx, s, Change{Cause: byCommand, Reason: "a release that was interrupted"})
	}
	have, err := m.Firewall.Read(ctx)
	if err != nil {
		return Change{}, err
	}
	is, why := have.ours()
	if s.left(m.Now()) == 0 || is == Expired {
		c, err := m.release(ctx, s, Change{Cause: byDeadline, Reason: "the time that was given is over"})
		if c.Verified && c.Event == "" { // released with the kernel, by a reboot
			c.Event = Rejoined
		}
		return c, err
	}
	if is == Cut && have.oursSum() == s.Rules {
		around, err := m.Firewall.Around(ctx, s.hubs())
		if err != nil {
			return Change{}, err
		}
		switch lost := around.uncovered(have); {
		case len(lost) > 0:
			why = "interfaces came: " + strings.Join(lost, ", ")
		case s.seen(around.Next):
			why = "another router is on the way to a hub"
		default:
			return Change{}, nil
		}
	} else if is == Cut {
		why = "our rules are not as they were put"
	}
	c, err := m.apply(ctx, *s, cause)
	if c.Event != "" && why != "" {
		c.Warnings = append(c.Warnings, why)
	}
	return c, err
}
