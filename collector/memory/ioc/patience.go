package ioc

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"hozen/packager/evidence"
)

// A pulse says that work goes on. Reading of a process can wait for ever in the
// kernel: for a lock of its address space that somebody holds who waits for a file
// system that never answers.
type pulse struct {
	beats     atomic.Int64
	abandoned atomic.Bool
}

func (p *pulse) beat() { p.beats.Add(1) }

// patiently calls f on a goroutine of its own and gives what it gave. Where the
// pulse does not beat for so long, f is left behind, and whatever it still does
// must have no effect: it has to look at p.abandoned.
func patiently[T any](ctx context.Context, p *pulse, patience time.Duration, f func() (T, error)) (out T, err error) {
	type result struct {
		out T
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if v := recover(); v != nil {
				r.err = fmt.Errorf("panic while searching: %v", v)
			}
			done <- r
		}()
		r.out, r.err = f()
	}()
	look := time.NewTicker(patience)
	defer look.Stop()
	for last := p.beats.Load(); ; {
		select {
		case r := <-done:
			return r.out, r.err
		case <-look.C:
			now := p.beats.Load()
			if now != last {
				last = now
				continue
			}
		}
		p.abandoned.Store(true)
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		return out, evidence.Cut("no answer within %v: left behind", patience)
	}
}
