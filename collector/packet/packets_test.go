package packet

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// cannot runs a capture that cannot be: one item says why, and nobody waits for it.
func cannot(t *testing.T, ctx context.Context, o Options, h *collector.Host) evidence.Record {
	t.Helper()
	var sink hosttest.Sink
	c := Packets(o)
	done := make(chan error, 1)
	go func() { done <- c.Collect(ctx, h, &sink) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("still there")
	}
	select {
	case <-c.Ready:
	default:
		t.Error("not ready, though it has ended")
	}
	all := sink.Records()
	if len(all) != 1 || all[0].Path != captureTable || all[0].Source == "" {
		t.Fatalf("%+v", all)
	}
	return all[0]
}

func TestNoCapture(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	live := &collector.Host{Root: "/", Live: true}
	for _, c := range []struct {
		what string
		ctx  context.Context
		o    Options
		h    *collector.Host
		want evidence.Outcome
		note string
	}{
		{"a directory", t.Context(), Options{}, &collector.Host{Root: t.TempDir()}, evidence.Skipped, "not a live host"},
		{"no time left", over, Options{}, live, evidence.Skipped, "canceled"},
		{"a filter that is none", t.Context(), Options{Filter: "tcp port http"}, live, evidence.Failed, "column 10"},
	} {
		if r := cannot(t, c.ctx, c.o, c.h); r.Outcome != c.want || !strings.Contains(r.Note, c.note) {
			t.Errorf("%s: %s, %q", c.what, r.Outcome, r.Note)
		}
	}
	if runtime.GOOS != "linux" {
		if r := cannot(t, t.Context(), Options{}, live); r.Outcome != evidence.Skipped || r.Shortfall {
			t.Errorf("%+v", r)
		}
	}
}

func TestPacketsIsDescribed(t *testing.T) {
	c := Packets(Options{For: time.Second})
	if c.Name != "packets" || c.Volatility != collector.Traffic || c.Needs != collector.LiveHost || c.Asked != "--pcap" || c.Ready == nil || c.Limit.Time <= time.Second {
		t.Errorf("%+v", c)
	}
	if o := (Options{Snaplen: 1 << 20}).orDefault(); o.Snaplen != 262144 || o.For != time.Minute || o.Size != DefaultSize {
		t.Errorf("%+v", o)
	}
	if CheckFilter("tcp port 80") != nil || CheckFilter("tcp port") == nil {
		t.Error("CheckFilter")
	}
}

// A broken sink is the only error that Collect gives.
func TestNoCaptureIntoABrokenSink(t *testing.T) {
	sink := hosttest.Sink{BreakAt: 1}
	if err := Packets(Options{}).Collect(t.Context(), &collector.Host{Root: t.TempDir()}, &sink); !errors.Is(err, hosttest.ErrBroken) {
		t.Error(err)
	}
}
