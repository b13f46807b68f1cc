package indicators

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hozen/collector"
)

// A churn makes 200 short-lived processes a second, as many threads, zombies, and
// programs that are begun by a thread that leads no group, until the test ends.
type churn struct{ processes, threads, execs atomic.Int64 }

// churnMode is the variable by which this test program, run again, is asked to
// begin another program from a thread of its own.
const churnMode = "HOZEN_TEST_EXEC_BY_THREAD"

// TestExecByThread is not a test of its own: it is what the churn starts.
func TestExecByThread(t *testing.T) {
	if os.Getenv(churnMode) == "" {
		return // it was not the churn
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		failed <- syscall.Exec("/bin/sleep", []string{"sleep", "0.02"}, nil)
	}()
	t.Fatal(<-failed)
}

func startChurn(t testing.TB) *churn {
	c := &churn{}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { stop(); all.Wait() })
	every := func(d time.Duration, f func(i int)) {
		all.Go(func() {
			for began, i := time.Now(), 0; ctx.Err() == nil; {
				due := int(time.Since(began) / d)
				for i = max(i, due-8); i < due; i++ { // a little of what a busy machine left undone
					f(i)
				}
				waitFor(ctx, d)
			}
		})
	}
	room := make(chan struct{}, 64) // processes at once, so that a busy machine does not drown
	begin := func(count *atomic.Int64, unreaped time.Duration, name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Env = []string{churnMode + "=1"}
		select {
		case room <- struct{}{}:
		default:
			return
		}
		all.Go(func() {
			defer func() { <-room }()
			if err := cmd.Start(); err != nil {
				return
			}
			count.Add(1)
			if unreaped > 0 {
				waitFor(ctx, unreaped) // a zombie meanwhile
			}
			cmd.Wait()
		})
	}
	every(8*time.Millisecond, func(i int) { // one in four makes three more
		switch i % 4 {
		case 0:
			begin(&c.processes, 15*time.Millisecond, "/bin/true")
		case 1:
			begin(&c.processes, 0, "/bin/sh", "-c", "(exit) & (exit) & (exit); wait")
			c.processes.Add(3)
		default:
			begin(&c.processes, 0, "/bin/true")
		}
	})
	every(5*time.Millisecond, func(int) {
		all.Go(func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			c.threads.Add(1)
			waitFor(ctx, time.Millisecond)
		})
	})
	every(100*time.Millisecond, func(int) { begin(&c.execs, 0, "/proc/self/exe", "-test.run=^TestExecByThread$") })
	return c
}

// TestNothingIsCalledHiddenWhileProcessesComeAndGo makes 50 rounds; the variable
// HOZEN_ROUNDS asks for more (1,000 take some minutes).
func TestNothingIsCalledHiddenWhileProcessesComeAndGo(t *testing.T) {
	rounds := 50
	if n, err := strconv.Atoi(os.Getenv("HOZEN_ROUNDS")); err == nil {
		rounds = n
	}
	if testing.Short() && rounds > 10 {
		rounds = 10
	}
	if same, _, err := ownPIDs(collector.ThisHost()); err != nil || !same {
		t.Skipf("kernel has no /proc of our own pid namespace here: %v", err)
	}
	c := startChurn(t)
	began, cases, left := time.Now(), 0, 0
	var busy time.Duration
	for i := range rounds {
		f := &pidSearch{}
		sys, end, err := newPIDSystem(collector.ThisHost(), nil, &f.tally)
		if err != nil {
			t.Fatal(err)
		}
		f.sys = sys
		at := time.Now()
		f.search(context.Background())
		busy += time.Since(at)
		end()
		cases += f.cases
		if f.left != "" {
			left++
		}
		if len(f.hidden)+len(f.denied) > 0 {
			t.Errorf("round %d:\n%s", i, f.summary())
		}
	}
	took := time.Since(began)
	t.Logf("%d rounds in %v (%v each), %d pids looked at again, %d sweeps not whole; meanwhile %d processes, %d threads, %d programs begun by a thread (%.0f processes a second)",
		rounds, took, busy/time.Duration(rounds), cases, left, c.processes.Load(), c.threads.Load(), c.execs.Load(), float64(c.processes.Load())/took.Seconds())
	if cases == 0 {
		t.Error("nothing ever came or went: this test showed nothing")
	}
}
