package disk

import (
	"context"
	"fmt"
	"maps"
	"path"
	"strings"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/proc"
)

// How long a host may take for one answer. A disk that is failing tries for a minute
// before it says so; a file system behind a program or a network answers soon or,
// where that is gone, never.
const (
	patienceDisk   = 90 * time.Second
	patienceRemote = 5 * time.Second
	watchEvery     = 100 * time.Millisecond
	// A file must come with this speed, and a minute more.
	slowest = 256 << 10
)

// errHung is why something was left behind.
type errHung struct {
	name string
	wait time.Duration
}

func (e *errHung) Error() string {
	return fmt.Sprintf("%s: no answer for %v: left behind", e.name, e.wait.Round(100*time.Millisecond))
}

// Unwrap makes it a shortfall of the kind that a deadline is.
func (e *errHung) Unwrap() error { return context.DeadlineExceeded }

// A watch looks at the pulses of what is asked of a host, and ends what gets no answer.
type watch struct {
	mounts []proc.Mount
	stop   context.CancelFunc
	mu     sync.Mutex
	active map[*vigil]bool
	remote time.Duration // patience with a file system behind a program or a network
}

// A vigil is one thing that is watched.
type vigil struct {
	pulse *collector.Pulse
	until time.Time // it must have ended by then; zero: as long as it gets answers
	end   context.CancelCauseFunc
}

func newWatch(h *collector.Host, patience time.Duration) *watch {
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{stop: stop, active: map[*vigil]bool{}, remote: patience}
	if h.Live {
		if text, _, err := proc.OwnMountinfo(h); err == nil {
			w.mounts, _, _ = proc.ParseMounts(string(text))
		}
	}
	go w.loop(ctx)
	return w
}

func (w *watch) loop(ctx context.Context) {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		w.mu.Lock()
		all := maps.Clone(w.active)
		w.mu.Unlock()
		for v := range all {
			w.look(v)
		}
	}
}

func (w *watch) look(v *vigil) {
	name, since := v.pulse.Waiting()
	switch {
	case since > watchEvery && since > w.patience(name):
		v.end(&errHung{name, since})
	case !v.until.IsZero() && time.Now().After(v.until):
		v.end(fmt.Errorf("it came too slowly: %w", context.DeadlineExceeded))
	}
}

// begin watches until end is called; what it ends has the reason as the cause of its context.
func (w *watch) begin(ctx context.Context, pulse *collector.Pulse, limit time.Duration) (context.Context, *vigil) {
	ctx, cancel := context.WithCancelCause(ctx)
	v := &vigil{pulse: pulse, end: cancel}
	if limit > 0 {
		v.until = time.Now().Add(limit)
	}
	w.mu.Lock()
	w.active[v] = true
	w.mu.Unlock()
	return ctx, v
}

func (w *watch) over(v *vigil) {
	w.mu.Lock()
	delete(w.active, v)
	w.mu.Unlock()
	v.end(nil)
}

// ask runs f on a goroutine that is left behind when the host, of which f gets a copy,
// does not answer; what f gives must be its own.
func ask[T any](ctx context.Context, w *watch, h *collector.Host, f func(*collector.Host) T) (T, error) {
	own := *h
	own.Pulse = &collector.Pulse{}
	return wait(ctx, w, own.Pulse, func() T { return f(&own) })
}

// wait is ask for what has a host, and its pulse, already.
func wait[T any](ctx context.Context, w *watch, pulse *collector.Pulse, f func() T) (T, error) {
	ctx, v := w.begin(ctx, pulse, 0)
	defer w.over(v)
	done := make(chan T, 1)
	go func() { done <- f() }()
	select {
	case t := <-done:
		return t, nil
	case <-ctx.Done():
	}
	select {
	case t := <-done:
		return t, nil
	case <-time.After(watchEvery): // it may be about to end by itself
		var none T
		return none, context.Cause(ctx)
	}
}

// patience is how long the host may take to answer for a name.
func (w *watch) patience(name string) time.Duration {
	if m, ok := proc.MountAt(w.mounts, path.Clean(name)); ok && remote(m.Type) {
		return w.remote
	}
	return patienceDisk
}

// mountOf gives the point of the mount that a name lies on; "" for the root's.
func (w *watch) mountOf(name string) string {
	if m, ok := proc.MountAt(w.mounts, path.Clean(name)); ok && m.Point != "/" {
		return m.Point
	}
	return ""
}

// isMount says whether something is mounted on a name.
func (w *watch) isMount(name string) bool {
	for i := range w.mounts {
		if w.mounts[i].Point == name {
			return true
		}
	}
	return false
}

// remote says whether a program or another machine answers for a file system.
func remote(fstype string) bool {
	for _, p := range []string{"fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "autofs", "glusterfs", "lustre", "virtiofs"} {
		if strings.HasPrefix(fstype, p) {
			return true
		}
	}
	return false
}
