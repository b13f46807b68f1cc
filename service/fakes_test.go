package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/service/audit"
	"hozen/service/isolate"
	"hozen/service/protocol"
)

type fakeIsolation struct {
	on  []isolate.Options
	off int
	// fails is how the first attempts end, in their order.
	fails []error
}

func (f *fakeIsolation) On(_ context.Context, o isolate.Options) (isolate.Change, error) {
	f.on = append(f.on, o)
	if n := len(f.on); n <= len(f.fails) {
		return isolate.Change{}, f.fails[n-1]
	}
	return isolate.Change{Event: isolate.Isolated, Cause: "job", Job: o.Job, Verified: true}, nil
}

func (f *fakeIsolation) Off(context.Context, isolate.Why) (isolate.Change, error) {
	f.off++
	return isolate.Change{Event: isolate.Rejoined}, nil
}

func (f *fakeIsolation) Until() string {
	if len(f.on) > 0 {
		return "later"
	}
	return ""
}

func (f *fakeIsolation) Watch(ctx context.Context) error { <-ctx.Done(); return nil }

// fakeCollector writes real archives with one item.
type fakeCollector struct {
	t      *testing.T
	device packager.Device
	dir    string
	die    bool          // stop in the middle and say nothing, as a killed process does
	died   chan struct{} // closed when it did
	wait   chan struct{} // do not end before it is closed or ctx ends; nil: at once
	noSafe bool
	// stopped is called between the stop of a collection and its seal; nil: nothing is.
	stopped func()

	mu     sync.Mutex
	orders []Order
}

func (f *fakeCollector) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.orders)
}

// order gives the newest.
func (f *fakeCollector) order() Order {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.orders[len(f.orders)-1]
}

func (f *fakeCollector) Collect(ctx context.Context, o Order, m Moments) Result {
	f.mu.Lock()
	f.orders = append(f.orders, o)
	if f.died == nil {
		f.died = make(chan struct{})
	}
	f.mu.Unlock()
	id, err := packager.NewID("pc-1", time.Now())
	if err != nil {
		f.t.Error(err)
	}
	if err := m.Began(id); err != nil {
		return Result{Collection: id, Exit: 1, Error: err.Error()}
	}
	device, err := packager.LoadDevice(filepath.Join(filepath.Dir(f.dir), "device.key"), "pc-1")
	if err != nil {
		f.t.Error(err)
	}
	w, err := packager.Create(packager.Options{ID: id, Disk: packager.Dir(f.dir), Device: device, Genesis: packager.Genesis{Recipients: o.Recipients}})
	if err != nil {
		return Result{Collection: id, Exit: 1, Error: err.Error()}
	}
	put := func(path string) {
		if err := w.Put(context.WithoutCancel(ctx), evidence.Item{Path: path, Source: "test", Collector: "test"}, func(to io.Writer) error { _, err := io.WriteString(to, path); return err }); err != nil {
			f.t.Error(err)
		}
	}
	put("one.txt")
	if _, err := w.Checkpoint(); err != nil {
		f.t.Error(err)
	}
	if f.die {
		w.Abort()
		close(f.died)
		<-ctx.Done()
		runtime.Goexit() // nothing more is written down, as when a process is killed
	}
	if m.Safe != nil && !f.noSafe {
		m.Safe(w)
	}
	stopped := ""
	if f.wait != nil {
		select {
		case <-f.wait:
		case <-ctx.Done():
			if stopped = context.Cause(ctx).Error(); f.stopped != nil {
				f.stopped()
			}
		}
	}
	sealed, err := w.Seal(stopped)
	if err != nil {
		return Result{Collection: id, Exit: 1, Error: err.Error()}
	}
	return Result{Collection: id, Archive: filepath.Join(f.dir, sealed.Name), Log: filepath.Join(f.dir, packager.LogName(id)), Verdict: "VALID", Head: sealed.Head}
}

// fakeHub hears lines and hands envelopes out.
type fakeHub struct {
	jobs chan protocol.QueuedJob
	mu   sync.Mutex
	deaf bool
	told []audit.Entry
	more chan struct{}

	announced atomic.Int32
}

func newFakeHub() *fakeHub {
	return &fakeHub{jobs: make(chan protocol.QueuedJob, 100), more: make(chan struct{}, 1000)}
}

func (f *fakeHub) send(envelope string) { f.jobs <- protocol.QueuedJob{Envelope: envelope} }

func (f *fakeHub) refuse(deaf bool) {
	f.mu.Lock()
	f.deaf = deaf
	f.mu.Unlock()
}

func (f *fakeHub) Jobs(ctx context.Context) <-chan protocol.QueuedJob {
	out := make(chan protocol.QueuedJob)
	go func() {
		defer close(out)
		for {
			select {
			case q := <-f.jobs:
				select {
				case out <- q:
				case <-ctx.Done():
					f.jobs <- q
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func (f *fakeHub) Done(protocol.QueuedJob) error { return nil }
func (f *fakeHub) Progress(protocol.Progress)    {}
func (f *fakeHub) Announce()                     { f.announced.Add(1) }

func (f *fakeHub) Status(_ context.Context, line []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf {
		return errors.New("not reachable")
	}
	var l struct{ Payload string }
	var e audit.Entry
	if err := json.Unmarshal(line, &l); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(l.Payload), &e); err != nil {
		return err
	}
	f.told = append(f.told, e)
	select {
	case f.more <- struct{}{}:
	default:
	}
	return nil
}

func (f *fakeHub) until(t *testing.T, is func(audit.Entry) bool) audit.Entry {
	t.Helper()
	over := time.After(time.Minute)
	for {
		f.mu.Lock()
		i := slices.IndexFunc(f.told, is)
		if i >= 0 {
			defer f.mu.Unlock()
			return f.told[i]
		}
		f.mu.Unlock()
		select {
		case <-f.more:
		case <-over:
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Fatalf("not heard within a minute; heard: %+v", f.told)
		}
	}
}

func (f *fakeHub) events(id string) (out []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.told {
		if e.Job == id {
			out = append(out, e.Event)
		}
	}
	return out
}
