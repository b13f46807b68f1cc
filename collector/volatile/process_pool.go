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
	// procPatience is how long a process may take before it is left behind.
	procPatience = 10 * time.Second
	// poolLosses is how many may be left behind before the rest is given up.
	poolLosses = 16
	// keepBytes is the largest buffer that is kept for the next process.
	keepBytes = 1 << 20
)

// A procPool reads processes ahead, by a few workers, and gives them in order.
type procPool struct {
	ctx     context.Context
	fetcher func() *procReader
	jobs    chan *procJob
	free    chan *procRead
	pending []*procJob // handed out, in order
	losses  int
	// patience is procPatience, shorter in tests.
	patience time.Duration
	workers  sync.WaitGroup
}

// A procJob is one process that is to be read.
type procJob struct {
	pid  int
	done chan *procRead // of one element: a worker never waits to give
	left atomic.Bool    // nobody waits for it any more
}

// newProcPool starts the workers; end is called when the last of them has ended.
func newProcPool(ctx context.Context, fetcher func() *procReader, end func()) *procPool {
	p := &procPool{ctx: ctx, fetcher: fetcher, jobs: make(chan *procJob, poolAhead), free: make(chan *procRead, poolAhead), patience: procPatience}
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

func (p *procPool) start() {
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

func (p *procPool) buffer() *procRead {
	select {
	case r := <-p.free:
		return r
	default:
		return &procRead{}
	}
}

// next gives pids[0], and has the following ones read meanwhile. Its error says
// why nothing more will come.
func (p *procPool) next(ctx context.Context, pids []int) (*procRead, error) {
	for len(p.pending) < min(poolAhead, len(pids)) {
		j := &procJob{pid: pids[len(p.pending)], done: make(chan *procRead, 1)}
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
	wait := time.NewTimer(p.patience)
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
func (p *procPool) leave(j *procJob) (*procRead, error) {
	j.left.Store(true)
	p.losses++
	if p.losses > poolLosses {
		return nil, errTooManyLost
	}
	p.start()
	r := &procRead{pid: j.pid}
	r.unread = fmt.Errorf("no answer within %v", p.patience)
	r.fail(r.unread)
	return r, nil
}

// reuse gives the buffers of a process back. When ctx has ended a fill may
// still hold them.
func (p *procPool) reuse(ctx context.Context, r *procRead) {
	if ctx.Err() != nil || max(cap(r.raw), cap(r.files), cap(r.maps)) > keepBytes {
		return
	}
	select {
	case p.free <- r:
	default:
	}
}

// close lets the workers end, as soon as what they read lets them.
func (p *procPool) close() {
	close(p.jobs)
	p.workers.Done()
}
