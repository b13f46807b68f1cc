package volatile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	poolWorkers = 2
	// poolAhead is how many processes may be read, or be being read, before the
	// one that is put next: it bounds memory.
	poolAhead = 8
	// patience is how long a process may take before it is left behind.
	patience = 10 * time.Second
	// poolLosses is how many may be left behind before the rest is given up.
	poolLosses = 16
	// keepBytes is the largest buffer that is kept for the next process.
	keepBytes = 1 << 20
)

// A pool reads processes ahead, by a few workers, and gives them in order.
type pool struct {
	ctx     context.Context
	fetcher func() *fetcher
	jobs    chan *job
	free    chan *fetched
	pending []*job // handed out, in order
	losses  int
	workers sync.WaitGroup
}

// A job is one process that is to be read.
type job struct {
	pid  int
	done chan *fetched // of one element: a worker never waits to give
	left atomic.Bool   // nobody waits for it any more
}

// newPool starts the workers; end is called when the last of them has ended.
func newPool(ctx context.Context, fetcher func() *fetcher, end func()) *pool {
	p := &pool{ctx: ctx, fetcher: fetcher, jobs: make(chan *job, poolAhead), free: make(chan *fetched, poolAhead)}
	for range poolWorkers {
		p.start()
	}
	p.workers.Add(1) // until close: a lost worker may be replaced
	go func() {
		p.workers.Wait()
		end()
	}()
	return p
}

func (p *pool) start() {
	p.workers.Add(1)
	go func() {
		defer p.workers.Done()
		f := p.fetcher()
		for j := range p.jobs {
			if p.ctx.Err() != nil {
				continue // nobody waits
			}
			r := p.buffer()
			f.process(p.ctx, j.pid, r)
			j.done <- r
			if j.left.Load() {
				return // replaced
			}
		}
	}()
}

func (p *pool) buffer() *fetched {
	select {
	case r := <-p.free:
		return r
	default:
		return &fetched{}
	}
}

// next gives pids[0], and has the following ones read meanwhile. Its error says
// why nothing more will come.
func (p *pool) next(ctx context.Context, pids []int) (*fetched, error) {
	for len(p.pending) < min(poolAhead, len(pids)) {
		j := &job{pid: pids[len(p.pending)], done: make(chan *fetched, 1)}
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
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case r := <-j.done:
		return r, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-wait.C:
		return p.leave(j)
	}
}

var errTooManyLost = errors.New("too many processes gave no answer")

// leave gives a process up, and starts another worker in the place of the one
// that hangs in it.
func (p *pool) leave(j *job) (*fetched, error) {
	j.left.Store(true)
	p.losses++
	if p.losses > poolLosses {
		return nil, errTooManyLost
	}
	p.start()
	r := &fetched{pid: j.pid}
	r.unread = fmt.Errorf("no answer within %v", patience)
	r.fail(r.unread)
	return r, nil
}

// reuse gives the buffers of a process back. When ctx has ended a fill may
// still hold them.
func (p *pool) reuse(ctx context.Context, r *fetched) {
	if ctx.Err() != nil || max(cap(r.raw), cap(r.files), cap(r.maps)) > keepBytes {
		return
	}
	select {
	case p.free <- r:
	default:
	}
}

// close lets the workers end, as soon as what they read lets them.
func (p *pool) close() {
	close(p.jobs)
	p.workers.Done()
}
