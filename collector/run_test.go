package collector_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// A keeper is a hosttest.Sink with checkpoints; log tells what happened in which order.
type keeper struct {
	hosttest.Sink
	log    []string
	k      int
	failAt int
}

func (k *keeper) Checkpoint() (int, error) {
	if k.k++; k.k == k.failAt {
		return 0, hosttest.ErrBroken
	}
	k.log = append(k.log, fmt.Sprint("checkpoint ", k.k))
	return k.k, nil
}

func (k *keeper) StepBegan(n, m int, s collector.Step) {
	k.log = append(k.log, fmt.Sprintf("%d/%d %s", n, m, s.Collector.Name))
}
func (k *keeper) StepBeside(n, m int, s collector.Step) {
	k.log = append(k.log, fmt.Sprintf("%d/%d beside %s", n, m, s.Collector.Name))
}
func (k *keeper) StepEnded(int, int, collector.Step, time.Duration, error) {}
func (k *keeper) VolatileSafe(n int)                                       { k.log = append(k.log, fmt.Sprint("safe ", n)) }

func step(name string, v collector.Volatility, collect func(context.Context, *collector.Host, evidence.Sink) error) collector.Collector {
	if collect == nil {
		collect = func(ctx context.Context, _ *collector.Host, to evidence.Sink) error {
			return to.Put(ctx, evidence.Item{Path: "volatile/" + name, Source: name}, func(w io.Writer) error {
				_, err := io.WriteString(w, name)
				return err
			})
		}
	}
	return collector.Collector{Name: name, Doc: name, Volatility: v, Collect: collect}
}

func run(t *testing.T, ctx context.Context, k *keeper, limit time.Duration, all ...collector.Collector) error {
	t.Helper()
	h := &collector.Host{Root: "/"}
	p, err := collector.NewPlan(all, collector.Choice{Profile: "full", TimeLimit: limit}, h)
	if err != nil {
		t.Fatal(err)
	}
	return collector.Run(ctx, p, h, k, k)
}

func TestRunSaysSafeAfterTheLastVolatileCheckpoint(t *testing.T) {
	var k keeper
	if err := run(t, context.Background(), &k, 0, step("a", collector.Live, nil), step("tmp", collector.Temporary, nil), step("disk", collector.Disk, nil)); err != nil {
		t.Fatal(err)
	}
	want := []string{"1/3 a", "checkpoint 1", "2/3 tmp", "checkpoint 2", "safe 2", "3/3 disk"}
	if !slices.Equal(k.log, want) {
		t.Errorf("%q, want %q", k.log, want)
	}
	if r, _ := k.Record("volatile/a"); r.Collector != "a" {
		t.Errorf("record %+v: the runner must say who collected", r)
	}
}

func TestRunRecordsWhatTheTimeLimitCut(t *testing.T) {
	var k keeper
	slow := step("slow", collector.Live, func(ctx context.Context, _ *collector.Host, to evidence.Sink) error {
		<-ctx.Done()
		return to.Put(context.WithoutCancel(ctx), evidence.Item{Path: "volatile/slow"}, func(io.Writer) error { return context.Cause(ctx) })
	})
	if err := run(t, context.Background(), &k, 20*time.Millisecond, slow, step("later", collector.Live, nil)); err != nil {
		t.Fatal(err)
	}
	r, ok := k.Record("collector/later")
	if !ok || r.Outcome != evidence.Skipped || !r.Shortfall || !strings.Contains(r.Note, "time limit") {
		t.Errorf("record of the step that was not reached: %+v", r)
	}
	if slices.ContainsFunc(k.log, func(s string) bool { return strings.HasPrefix(s, "safe") }) {
		t.Errorf("called safe though the limit cut it: %q", k.log)
	}
}

func TestRunKeepsGoingAfterAPanic(t *testing.T) {
	var k keeper
	bad := step("bad", collector.Live, func(context.Context, *collector.Host, evidence.Sink) error { panic("lying length") })
	if err := run(t, context.Background(), &k, 0, bad, step("next", collector.Live, nil)); err != nil {
		t.Fatal(err)
	}
	if r, _ := k.Record("collector/bad"); r.Outcome != evidence.Failed || !strings.Contains(r.Note, "lying length") {
		t.Errorf("record of the panic: %+v", r)
	}
	if k.Body("volatile/next") == nil {
		t.Error("the next collector was not run")
	}
}

func TestRunStopsWhenNothingCanBeKept(t *testing.T) {
	k := keeper{Sink: hosttest.Sink{BreakAt: 1}}
	if err := run(t, context.Background(), &k, 0, step("a", collector.Live, nil), step("b", collector.Live, nil)); !errors.Is(err, hosttest.ErrBroken) {
		t.Errorf("sink broken: %v", err)
	}
	k = keeper{failAt: 1}
	if err := run(t, context.Background(), &k, 0, step("a", collector.Live, nil)); !errors.Is(err, hosttest.ErrBroken) {
		t.Errorf("checkpoint broken: %v", err)
	}
	if slices.Contains(k.log, "safe 1") {
		t.Error("called safe though the checkpoint failed")
	}
}

func TestRunRecordsSkippedSteps(t *testing.T) {
	var k keeper
	c := step("live", collector.Live, nil)
	c.Needs = collector.LiveHost
	if err := run(t, context.Background(), &k, 0, c); err != nil {
		t.Fatal(err)
	}
	if r, _ := k.Record("collector/live"); r.Outcome != evidence.Skipped || r.Shortfall || r.Note != collector.ErrNotLive.Error() {
		t.Errorf("%+v", r)
	}
}

// A collector that never ends, whatever it hangs in, costs its own step only.
func TestRunLeavesAHungCollectorBehind(t *testing.T) {
	synctest.Test(t, leavesAHungCollectorBehind) // its time is over where it hangs, not before it began
}

func leavesAHungCollectorBehind(t *testing.T) {
	var k keeper
	forever, late := make(chan struct{}), make(chan error, 1)
	hung := step("hung", collector.Live, func(ctx context.Context, _ *collector.Host, to evidence.Sink) error {
		<-forever
		late <- to.Put(context.Background(), evidence.Item{Path: "volatile/hung"}, func(io.Writer) error { return nil })
		return nil
	})
	hung.Limit.Time = 10 * time.Millisecond
	if err := run(t, context.Background(), &k, 0, hung, step("next", collector.Live, nil)); err != nil {
		t.Fatal(err)
	}
	r, ok := k.Record("collector/hung")
	if !ok || !r.Shortfall || !strings.Contains(r.Note, "left behind") {
		t.Errorf("record of the hung collector: %+v", r)
	}
	if k.Body("volatile/next") == nil {
		t.Error("the next collector was not run")
	}
	close(forever)
	if err := <-late; err == nil {
		t.Error("what it brought after it was left behind was taken")
	}
	if _, ok := k.Record("volatile/hung"); ok {
		t.Error("an item of the collector that was left behind is there")
	}
}

func TestRunHoldsACollectorToItsBytes(t *testing.T) {
	var k keeper
	big := step("big", collector.Live, func(ctx context.Context, _ *collector.Host, to evidence.Sink) error {
		for _, name := range []string{"volatile/big/1", "volatile/big/2", "volatile/big.jsonl"} {
			if err := to.Put(ctx, evidence.Item{Path: name}, func(w io.Writer) error {
				_, err := w.Write(make([]byte, 60))
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	big.Limit.Bytes = 100
	if err := run(t, context.Background(), &k, 0, big); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]evidence.Outcome{"volatile/big/1": evidence.Collected, "volatile/big/2": evidence.Skipped, "volatile/big.jsonl": evidence.Collected} {
		if r, _ := k.Record(name); r.Outcome != want {
			t.Errorf("%s: %s, want %s (%s)", name, r.Outcome, want, r.Note)
		}
	}
}

// A hider is a keeper with keys.
type hider struct{ keeper }

func (k *hider) Blackout(_ context.Context, during func() error) error {
	k.log = append(k.log, "dark")
	defer func() { k.log = append(k.log, "light") }()
	return during()
}

func TestRunHidesTheKeysWhereAStepAsksForIt(t *testing.T) {
	var k hider
	dark := step("ram", collector.Memory, nil)
	dark.Blackout = true
	h := &collector.Host{Root: "/"}
	p, err := collector.NewPlan([]collector.Collector{step("a", collector.Live, nil), dark}, collector.Choice{Profile: "full"}, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := collector.Run(context.Background(), p, h, &k, &k); err != nil {
		t.Fatal(err)
	}
	want := []string{"1/2 a", "checkpoint 1", "2/2 ram", "dark", "light", "checkpoint 2", "safe 2"}
	if !slices.Equal(k.log, want) {
		t.Errorf("%q, want %q", k.log, want)
	}
}
