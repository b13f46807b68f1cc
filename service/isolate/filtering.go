package isolate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hozen/packager/evidence/fault"
)

// A wfpObject is one thing of ours in the filtering platform.
type wfpObject struct {
	kind   wfpKind
	id     guid
	filter wfpFilter // of a filter that is added
}

type wfpKind string

const (
	aProvider wfpKind = "provider"
	aSublayer wfpKind = "sublayer"
	aFilter   wfpKind = "filter"
)

func (o wfpObject) String() string {
	if o.filter.name != "" {
		return fmt.Sprintf("%s %s (%s, %s)", o.kind, o.id, o.filter.name, o.filter.layer)
	}
	return fmt.Sprintf("%s %s", o.kind, o.id)
}

// What a wfpEngine says of an object.
var (
	errThere = errors.New("is there already")
	errGone  = errors.New("is not there")
)

// A wfpEngine is a session with the filtering platform. Each call is a transaction of its own.
type wfpEngine interface {
	// read gives everything but boot-time filters.
	read() (wfpState, error)
	// add adds an object of ours; errThere if one with its key is there.
	add(wfpObject) error
	// remove removes it by its key; errGone if there is none.
	remove(wfpObject) error
}

// filtering is isolation through the filtering platform.
type filtering struct {
	// open begins a session; close ends it.
	open   func() (e wfpEngine, close func() error, err error)
	around func(hubs []netip.AddrPort) (Around, error)
	now    func() time.Time
}

// Read implements Firewall.
func (f filtering) Read(ctx context.Context) (r Ruleset, err error) {
	err = f.session(ctx, func(e wfpEngine) error {
		s, err := e.read()
		if err == nil {
			r = s.ruleset(f.now())
		}
		return err
	})
	return r, err
}

// Around implements Firewall.
func (f filtering) Around(_ context.Context, hubs []netip.AddrPort) (Around, error) {
	return f.around(hubs)
}

func (f filtering) session(ctx context.Context, do func(wfpEngine) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e, end, err := f.open()
	if err != nil {
		return err
	}
	return fault.Join(do(e), end())
}

// Replace implements Firewall. What is wanted is added before what is not is removed, permits
// before blocks, so that nothing leaks and the hub is never cut in between; what is wanted
// and there already stays untouched. After an error what was added is removed again, in
// reverse, and what blocks stays in any case; should an old permit be gone by then, the next
// look of Watch mends it. A release (nil) goes as far as it can, and says what is left.
func (f filtering) Replace(ctx context.Context, w *Want) (besides []string, err error) {
	err = f.session(ctx, func(e wfpEngine) error {
		s, err := e.read()
		if err != nil {
			return err
		}
		if w == nil {
			besides, err = release(e, s)
			return err
		}
		t := &wfpChange{engine: e}
		if err := t.make(s, w.wfpPlan(f.now())); err != nil {
			return fault.Join(err, t.undo())
		}
		return nil
	})
	return besides, err
}

// wfpChange is what was done so far.
type wfpChange struct {
	engine wfpEngine
	undone []func() error
}

func (t *wfpChange) add(o wfpObject) error {
	err := t.engine.add(o)
	switch {
	case errors.Is(err, errThere):
		return nil // with this key it is the same thing
	case err != nil:
		return fmt.Errorf("add %s: %w", o, err)
	}
	t.undone = append(t.undone, func() error { return t.engine.remove(o) })
	return nil
}

// make adds what is wanted, removes what is ours and not wanted, and reads back.
func (t *wfpChange) make(s wfpState, plan []wfpFilter) error {
	for _, o := range append(standing(), objects(plan)...) {
		if err := t.add(o); err != nil {
			return err
		}
	}
	now, err := t.engine.read()
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if err := now.has(plan); err != nil {
		return err
	}
	// From here on the new isolation is whole. Old permits and deadlines go; one that cannot be
	// removed would keep a way open that is not wanted.
	wanted := map[guid]bool{}
	for _, f := range plan {
		wanted[f.key()] = true
	}
	for _, old := range s.filters {
		if old.ours() && !wanted[old.id] {
			if err := t.engine.remove(wfpObject{kind: aFilter, id: old.id}); err != nil && !errors.Is(err, errGone) {
				return fmt.Errorf("remove the filter %s that held before: %w", old.id, err)
			}
		}
	}
	return nil
}

// undo takes back what was added, the newest first.
func (t *wfpChange) undo() (err error) {
	for _, f := range slices.Backward(t.undone) {
		if e := f(); e != nil && !errors.Is(e, errGone) {
			err = fault.Join(err, fmt.Errorf("undo: %w", e))
		}
	}
	return err
}

// has says which filter of a plan is not there as it should be.
func (s wfpState) has(plan []wfpFilter) error {
	seen := map[guid]wfpSeen{}
	for _, f := range s.filters {
		seen[f.id] = f
	}
	for _, want := range plan {
		f, ok := seen[want.key()]
		switch {
		case want.boot: // not shown
		case !ok:
			return fmt.Errorf("filter %s of %s is not there after it was added", want.name, want.layer)
		case f.layer != want.layer || f.block != want.block || !f.ours():
			return fmt.Errorf("filter %s of %s is another: %s", want.name, want.layer, plainLine(f.text))
		}
	}
	return nil
}

// standing is what filters stand in.
func standing() []wfpObject {
	return []wfpObject{{kind: aProvider, id: wfpProvider()}, {kind: aSublayer, id: wfpSublayer()}}
}

func objects(plan []wfpFilter) (out []wfpObject) {
	for _, f := range plan {
		out = append(out, wfpObject{aFilter, f.key(), f})
	}
	return out
}

// release removes all that is ours: blocks first, then permits, the boot-time ones by their
// keys, last what they stand in, which can only be removed when no filter names it. It asks
// for everything a second time: what is gone says so. What it gives is in a sentence what was
// there though s does not show it: somebody who deletes filters by hand leaves those.
func release(e wfpEngine, s wfpState) (unseen []string, err error) {
	permits, blocks := wfpBase()
	all := append(objects(blocks), objects(permits)...)
	for _, block := range []bool{true, false} {
		for _, f := range s.filters {
			if f.ours() && f.block == block && !slices.ContainsFunc(all, func(o wfpObject) bool { return o.id == f.id }) {
				all = append(all, wfpObject{kind: aFilter, id: f.id})
			}
		}
	}
	all = append(all, standing()[1], standing()[0])
	boot := 0
	for _, o := range all {
		switch e := e.remove(o); {
		case e == nil && o.filter.boot:
			boot++
		case e != nil && !errors.Is(e, errGone):
			err = fault.Join(err, fmt.Errorf("remove %s: %w", o, e))
		}
	}
	if boot > 0 {
		unseen = append(unseen, fmt.Sprintf("%d boot-time filters of ours were there, which no list shows; they are removed", boot))
	}
	if err != nil {
		return unseen, err
	}
	for _, o := range all {
		if again := e.remove(o); !errors.Is(again, errGone) {
			err = fault.Join(err, fmt.Errorf("%s was there after it was removed (%v)", o, again))
		}
	}
	return unseen, err
}

// wfpWayOut is what an administrator can do without this program's file of state. Any copy of
// the program will do; without one, the keys can be deleted by hand while BFE does not run.
func wfpWayOut() string {
	return fmt.Sprintf(`any copy of hozen.exe, as administrator: hozen isolate off; without one, in the recovery environment (the installed system's SYSTEM hive loaded): below ControlSet001\Services\BFE\Parameters\Policy, in Persistent\Filter, Persistent\SubLayer, Persistent\Provider and BootTime\Filter, delete the values that hold the name "Hozen isolation" (provider %s, sublayer %s)`, wfpProvider(), wfpSublayer())
}
