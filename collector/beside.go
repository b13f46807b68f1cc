package collector

import (
	"context"
	"time"
)

// readyMoment is how long the others wait for a step that runs beside them.
const readyMoment = 5 * time.Second

// beside says whether the step is run beside the others.
func (s Step) beside() bool { return s.Skip == "" && s.Collector.Ready != nil }

// An aside is a step that runs beside the others.
type aside struct {
	i, n  int // in the plan, and of those that are run
	step  Step
	began time.Time
	done  chan error
}

// besides starts the steps that run beside the others, and waits for each until it
// is ready.
func (r *runner) besides(ctx context.Context, p *Plan) (all []aside) {
	for i, s := range p.Steps {
		if !s.beside() {
			continue
		}
		r.n++
		a := aside{i: i, n: r.n, step: s, began: time.Now(), done: make(chan error, 1)}
		go func() { a.done <- r.collect(ctx, s) }()
		moment := time.NewTimer(readyMoment)
		select {
		case <-s.Collector.Ready:
			r.watch.StepBeside(a.n, r.total, s)
		case err := <-a.done: // it is no longer there to wait for
			a.done <- err
		case <-moment.C:
		case <-ctx.Done():
		}
		moment.Stop()
		all = append(all, a)
	}
	return all
}

// await waits for the steps that ran beside the others.
func (r *runner) await(ctx context.Context, all []aside) error {
	var first error
	for _, a := range all {
		var err error
		select {
		case err = <-a.done:
		default:
			r.watch.StepBegan(a.n, r.total, a.step)
			err = <-a.done
		}
		if err := r.ended(ctx, a.i, a.n, a.step, a.began, err); err != nil && first == nil {
			first = err
		}
	}
	return first
}
