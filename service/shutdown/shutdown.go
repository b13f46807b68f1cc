// Package shutdown uses the last seconds of a machine that is being switched off. Hold
// (shutdown.go) waits for the moment and holds the shutdown for a bounded time, where
// logind lets it (logind_linux.go); Stopping (stopping_linux.go, utmp.go) says, to a service
// that is told to end, whether the whole machine ends.
package shutdown

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrUnsupported says that nobody here can be asked to wait: only the time that the service
// manager gives for ending is left.
var ErrUnsupported = errors.New("the shutdown cannot be held here")

// ErrSwitchedOff is the cause of the end of a service's context where the whole machine ends,
// and the service manager said so itself (Windows' preshutdown): it waits.
var ErrSwitchedOff = errors.New("the machine is being switched off")

// ErrByService says that the service manager itself makes a shutdown wait for the service, and
// tells it so: see ErrSwitchedOff.
var ErrByService = errors.New("the service manager holds the shutdown")

// A manager is who switches the machine off.
type manager interface {
	// inhibit asks it to wait, until release is called or this process ends.
	inhibit() (release func() error, err error)
	// coming tells each shutdown that begins (true) or is called off (false); it is closed
	// when the manager can no longer be heard.
	coming() <-chan bool
	// patience is how long it waits at most; 0 if it does not say.
	patience() time.Duration
	close()
}

// Hold waits for the machine to be switched off, and runs f before that goes on: until f
// returns, or until the limit, when f's context ends and the shutdown goes on in any
// case, whatever f does. Where the manager waits for a shorter time than limit, that
// holds, less a second. It returns nil when ctx ends, or f has returned and the shutdown
// went on; a shutdown that is called off is waited for anew. held, if not nil, is told once
// that a shutdown will wait, and for how long.
func Hold(ctx context.Context, limit time.Duration, held func(time.Duration), f func(context.Context)) error {
	m, err := connect(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	defer m.close()
	return hold(ctx, m, limit, held, f)
}

func hold(ctx context.Context, m manager, limit time.Duration, held func(time.Duration), f func(context.Context)) error {
	if p := m.patience(); p > 0 {
		limit = min(limit, max(p-time.Second, time.Second))
	}
	release, err := m.inhibit()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	defer func() { release() }()
	if held != nil {
		held(limit)
	}
	coming := m.coming()
	for {
		select {
		case <-ctx.Done():
			return nil
		case begins, ok := <-coming:
			if !ok {
				return errors.New("logind: the connection has ended")
			}
			if !begins {
				continue
			}
		}
		bounded(ctx, limit, f)
		if err := release(); err != nil {
			return fmt.Errorf("release of the shutdown: %w", err)
		}
		// Either the machine goes off now, or it is called off.
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-coming:
			if !ok {
				return nil
			}
		}
		if release, err = m.inhibit(); err != nil {
			release = func() error { return nil }
			return fmt.Errorf("hold the next shutdown: %w", err)
		}
	}
}

// bounded runs f, and leaves it behind a moment after the limit.
func bounded(ctx context.Context, limit time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the machine is switched off, and waits no longer than %v: %w", limit, context.DeadlineExceeded))
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		select { // f sees the end of its context, and may still write a line
		case <-done:
		case <-time.After(time.Second / 2):
		}
	}
}
