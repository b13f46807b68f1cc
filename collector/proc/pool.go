package proc

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// PoolWorkers is how many processes a Pool reads at once.
	PoolWorkers = 2
	// poolAhead is how many processes may be read, or be being read, before the
	// one that is given next: it bounds memory.
	poolAhead = 8
	// Patience is how long a process may take before it is left behind.
	Patience = 10 * time.Second
	// poolLosses is how many may be left behind before the rest is given up: each
	// holds a thread and a buffer.
	poolLosses = 64
	// leastPatience is what Patience shrinks to, by half with each loss: many that
	// hang must not hide the others behind them for long.
	leastPatience = time.Second
)

// errTooManyLost is why a Pool gives up: processes hung, one after another.
var errTooManyLost = errors.New("too many processes gave no answer")

// A Pool reads processes ahead, by a few workers, and gives what was read of them
// in order. A process that does not answer is left behind, and another worker
// goes on. R holds what is read of one process.
type Pool[R any] struct {
	ctx     context.Context
	worker  func() func(ctx context.Context, pid int, r *R)
	jobs    chan *job[R]
	free    chan *R
	pending []*job[R] // handed out, in order
	losses  int
	// Patience is the time that a process may take; NewPool sets it to the constant,
	// and every process that took longer halves it.
	Patience time.Duration
	workers  sync.WaitGroup
}

// A job is one process that is to be read.
type job[R any] struct {
	pid  int
	done chan *R     // of one element: a worker never waits to give
	left atomic.Bool // nobody waits for it any more
}

// NewPool starts the workers. Each calls worker once, for a function of its own
// that reads one process after another into an R, new or given to Reuse. end is
// called when the last of them has ended.
func NewPool[R any](ctx context.Context, worker func() func(ctx context.Context, pid int, r *R), end func()) *Pool[R] {
	p := &Pool[R]{ctx: ctx, worker: worker, jobs: make(chan *job[R], poolAhead), free: make(chan *R, poolAhead), Patience: Patience}
	for range PoolWorkers {
		p.start()
	}
	p.workers.Add(1) // until Close: a lost worker may be replaced
	go func() {
		p.workers.Wait()
		end()
	}()
	return p
}

func (p *Pool[R]) start() {
	p.workers.Add(1)
	go func() {
		defer p.workers.Done()
		read := p.worker()
		for j := range p.jobs {
			if p.ctx.Err() != nil {
				continue // nobody waits
			}
			r := p.buffer()
			read(p.ctx, j.pid, r)
			j.done <- r
			if j.left.Load() {
				return // replaced
			}
		}
	}()
}

func (p *Pool[R]) buffer() *R {
	select {
	case r := <-p.free:
		return r
	default:
		return new(R)
	}
}

// Next gives what was read of pids[0], and has the following ones read
// meanwhile. It gives nil for a process that did not answer in time. Its error
// says why nothing more will come.
func (p *Pool[R]) Next(ctx context.Context, pids []int) (*R, error) {
	for len(p.pending) < min(poolAhead, len(pids)) {
		j := &job[R]{pid: pids[len(p.pending)], done: make(chan *R, 1)}
		p.pending = append(p.pending, j)
		p.jobs <- j
	}
	j := p.pending[0]
	p.pending = append(p.pending[:0], p.pending[1:]...)
	select {
	case r := <-j.done:
		return r, nil
	default:
	}
	wait := time.NewTimer(p.Patience)
	defer wait.Stop()
	select {
	case r := <-j.done:
		return r, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-wait.C:
		return nil, p.leave(j)
	}
}

// leave gives a process up, and starts another worker in the place of the one
// that hangs in it.
func (p *Pool[R]) leave(j *job[R]) error {
	j.left.Store(true)
	if p.losses++; p.losses > poolLosses {
		return errTooManyLost
	}
	p.Patience = max(p.Patience/2, min(p.Patience, leastPatience))
	p.start()
	return nil
}

// Reuse gives an R back, for the next process. The caller holds on to nothing of it.
func (p *Pool[R]) Reuse(r *R) {
	select {
	case p.free <- r:
	default:
	}
}

// Close lets the workers end, as soon as what they read lets them.
func (p *Pool[R]) Close() {
	close(p.jobs)
	p.workers.Done()
}
