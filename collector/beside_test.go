package collector_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// capture runs beside the others until over is closed.
func capture(over <-chan struct{}) collector.Collector {
	ready := make(chan struct{})
	c := step("packets", collector.Traffic, func(ctx context.Context, _ *collector.Host, to evidence.Sink) error {
		close(ready)
		select {
		case <-over:
		case <-ctx.Done():
		}
		return to.Put(context.WithoutCancel(ctx), evidence.Item{Path: "network/flows.jsonl", Source: "eth0"}, func(w io.Writer) error {
			_, err := io.WriteString(w, "flow\n")
			return err
		})
	})
	c.Ready = ready
	return c
}

func TestRunBeside(t *testing.T) {
	over := make(chan struct{})
	var k keeper
	last := step("a", collector.Live, func(context.Context, *collector.Host, evidence.Sink) error {
		if len(k.Records()) > 0 {
			t.Error("the capture has ended already")
		}
		return nil
	})
	// The capture is told to end only when the run says that it waits for it.
	w := &waiter{keeper: &k, over: over}
	h := &collector.Host{Root: "/"}
	p, err := collector.NewPlan([]collector.Collector{capture(over), last}, collector.Choice{Profile: "full"}, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := collector.Run(t.Context(), p, h, &k, w); err != nil {
		t.Fatal(err)
	}
	want := []string{"1/2 beside packets", "2/2 a", "checkpoint 1", "safe 1", "1/2 packets", "checkpoint 2"}
	if !slices.Equal(k.log, want) {
		t.Errorf("%q, want %q", k.log, want)
	}
	if r, ok := k.Record("network/flows.jsonl"); !ok || r.Outcome != evidence.Collected {
		t.Errorf("%+v", r)
	}
}

// A waiter ends the capture when the run waits for it.
type waiter struct {
	*keeper
	over chan struct{}
}

func (w *waiter) StepBegan(n, m int, s collector.Step) {
	w.keeper.StepBegan(n, m, s)
	if s.Collector.Name == "packets" {
		close(w.over)
	}
}

// When nothing more can be kept, what runs beside is ended, too.
func TestRunEndsWhatRunsBeside(t *testing.T) {
	k := keeper{failAt: 1}
	err := run(t, context.Background(), &k, 0, capture(nil), step("a", collector.Live, nil))
	if !errors.Is(err, hosttest.ErrBroken) {
		t.Errorf("%v", err)
	}
}

func TestRunOfACaptureAlone(t *testing.T) {
	over := make(chan struct{})
	close(over)
	var k keeper
	if err := run(t, context.Background(), &k, 0, capture(over)); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(k.log, "safe 1") {
		t.Errorf("%q: nobody was told that it is safe", k.log)
	}
}
