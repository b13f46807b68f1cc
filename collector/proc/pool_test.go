package proc

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestPoolGoesOnBesideManyThatHang: those that never answer are left behind, and
// hide none of those after them.
func TestPoolGoesOnBesideManyThatHang(t *testing.T) { synctest.Test(t, goesOnBesideManyThatHang) }

func goesOnBesideManyThatHang(t *testing.T) {
	const hang, all = 40, 60
	free, ended := make(chan struct{}), make(chan struct{})
	p := NewPool(t.Context(), func() func(context.Context, int, *int) {
		return func(_ context.Context, pid int, r *int) {
			if *r = pid; pid <= hang {
				<-free
			}
		}
	}, func() { close(ended) })
	p.Patience = 20 * time.Millisecond
	var pids []int
	for pid := 1; pid <= all; pid++ {
		pids = append(pids, pid)
	}
	for i, pid := range pids {
		r, err := p.Next(t.Context(), pids[i:])
		if err != nil {
			t.Fatalf("%d: %v", pid, err)
		}
		if (r == nil) != (pid <= hang) || r != nil && *r != pid {
			t.Errorf("%d: %v", pid, r)
		}
	}
	p.Close()
	close(free)
	<-ended
}

func TestPoolGivesUp(t *testing.T) {
	free := make(chan struct{})
	defer close(free)
	p := NewPool(t.Context(), func() func(context.Context, int, *int) {
		return func(context.Context, int, *int) { <-free }
	}, func() {})
	defer p.Close()
	p.Patience = time.Millisecond
	pids := make([]int, 2*poolLosses)
	for i := range pids {
		if _, err := p.Next(t.Context(), pids[i:]); err != nil {
			if i != poolLosses {
				t.Errorf("gave up after %d: %v", i, err)
			}
			return
		}
	}
	t.Error("it never gave up")
}
