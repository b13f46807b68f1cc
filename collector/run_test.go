package collector_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
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
