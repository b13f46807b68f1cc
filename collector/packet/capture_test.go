package packet

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/packet/filter"
	"hozen/collector/packet/pcapng"
	"hozen/packager/evidence"
)

// fakeWires are interfaces that bring one packet each.
type fakeWires struct {
	mu   sync.Mutex
	all  []link
	taps int
}

func (f *fakeWires) links() ([]link, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]link(nil), f.all...), nil
}

func (f *fakeWires) addresses() []netip.Addr { return nil }

func (f *fakeWires) open(l *link, form form, _ []bpf.RawInstruction, size int) (tap, error) {
	if l.name == "broken0" {
		return nil, fmt.Errorf("%s: no room", l.name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taps++
	return &fakeTap{id: form.id, ring: size, at: uint64(1000 - form.id), over: make(chan bool)}, nil
}

type fakeTap struct {
	id   uint32
	ring int
	at   uint64
	done bool
	over chan bool
}

func (f *fakeTap) wait() error {
	if !f.done {
		return nil
	}
	<-f.over
	return io.EOF
}

func (f *fakeTap) read(b []byte) []byte {
	f.done = true
	return pcapng.AppendPacket(b, f.id, f.at, pcapng.Inbound, 3, nil, []byte("abc"))
}

func (f *fakeTap) stop() { close(f.over) }
func (f *fakeTap) counts() counts {
	return counts{packets: 1, bytes: 3, wire: 3, accepted: 2, dropped: 1}
}
func (f *fakeTap) size() int { return f.ring }
func (f *fakeTap) close()    {}

// Interfaces that cannot be opened, or are too many, have a row; the packets of
// the others are in the order of their times, and the rings share their budget.
func TestCaptureOfManyInterfaces(t *testing.T) {
	f, err := filter.Parse("")
	if err != nil {
		t.Fatal(err)
	}
	w := &fakeWires{all: []link{{name: "down0", index: 1}, {name: "broken0", index: 2, flags: iffUp}}}
	for i := range maxOpen + 2 {
		w.all = append(w.all, link{name: fmt.Sprintf("eth%d", i), index: 10 + i, hardware: arphrdEther, flags: iffUp, missed: 5})
	}
	var sink hosttest.Sink
	c := newCapture(&collector.Host{Root: t.TempDir()}, &sink, Options{For: 3 * rescan}.orDefault(), f, w, way{source: "a test"})
	if err := c.begin(); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	for i := range w.all {
		w.all[i].missed = 9
	}
	w.mu.Unlock()
	c.run(context.Background())
	if err := c.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[InterfaceRow](sink.Body(captureTable))
	if err != nil || len(rows) != 1+maxOpen+3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	ring, refused := 0, 0
	for _, r := range rows[1:] {
		ring += r.RingSize
		if r.Error != "" {
			refused++
			continue
		}
		if r.Packets != 1 || r.LostKernel != 1 || r.LostCard != 4 {
			t.Errorf("%+v", r)
		}
	}
	if refused != 3 || w.taps != maxOpen || ring > ringBudget {
		t.Errorf("%d refused, %d opened, rings of %d bytes", refused, w.taps, ring)
	}
	last := uint64(0)
	for rest := sink.Body("network/capture-000001.pcapng"); len(rest) > 0; {
		n := int(rest[4]) | int(rest[5])<<8
		if p, _, ok := pcapng.NextPacket(rest[:n]); rest[0] == 6 && (!ok || p.At < last) {
			t.Fatalf("%+v after %d", p, last)
		} else if rest[0] == 6 {
			last = p.At
		}
		rest = rest[n:]
	}
	if last != 1000 {
		t.Errorf("the last packet is of %d", last)
	}
	r, _ := sink.Record(captureTable)
	if r.Outcome != evidence.Partial || !strings.Contains(r.Note, "62 of 124 packets were lost") || !strings.Contains(r.Note, "no room") {
		t.Errorf("%+v", r)
	}
	if _, ok := sink.Record("network/flows.jsonl"); !ok {
		t.Error("no table of flows")
	}
}

// When no interface can be listened to, there is no capture: the first reason is the outcome.
func TestCaptureOfNothing(t *testing.T) {
	f, err := filter.Parse("")
	if err != nil {
		t.Fatal(err)
	}
	w := &fakeWires{all: []link{{name: "broken0", index: 2, flags: iffUp}}}
	c := newCapture(&collector.Host{Root: t.TempDir()}, &hosttest.Sink{}, Options{For: time.Second}.orDefault(), f, w, way{source: "a test"})
	if err := c.begin(); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("%v", err)
	}
}
