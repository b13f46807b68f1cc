package packager

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager/evidence"
	"hozen/packager/signed"
)

// eventsIn reads a log that must be whole.
func eventsIn(t *testing.T, file string) []Event {
	t.Helper()
	events, cut, err := readLog(readFile(t, file))
	if err != nil || cut {
		t.Fatal(cut, err)
	}
	return events
}

func textOf(t *testing.T, events []Event, e *Event, name string) string {
	t.Helper()
	text, err := DetailText(events, e, name)
	if err != nil {
		t.Error(err)
	}
	return text
}

func TestEventsOfACollection(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "plan.json", "{}\n")
	if _, err := w.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	before, after := "table inet fw {}\n", strings.Repeat("規則 drop\n", 3000)
	if err := w.Event(Event{Event: "isolated", Reason: "job-7", Detail: []EventDetail{{"before", before}, {"after", after}}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"started", "checkpoint", "sealed", "recovered", "attached", "", "Two words"} {
		if err := w.Event(Event{Event: name}); err == nil {
			t.Errorf("event %q was taken", name)
		}
	}
	s, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Event(Event{Event: "rejoined"}); !errors.Is(err, ErrClosed) {
		t.Errorf("after the seal: %v", err)
	}
	now := testTime.Add(time.Hour)
	if err := AppendEvent(dir, o.ID, o.Device, Event{Event: "rejoined", Detail: []EventDetail{{"before", after}}}, now); err != nil {
		t.Fatal(err)
	}
	events := eventsIn(t, filepath.Join(dir, LogName(o.ID)))
	var names []string
	for i := range events {
		if e := &events[i]; e.Event != eventAttached {
			names = append(names, e.Event)
			if e.Event == "isolated" && (textOf(t, events, e, "before") != before || textOf(t, events, e, "after") != after ||
				e.Fact("after_sha256") != signed.HexSum([]byte(after)) || e.Object.Bytes == 0 || e.Reason != "job-7") {
				t.Errorf("%+v", e)
			}
		}
	}
	if got := strings.Join(names, " "); got != "started checkpoint isolated checkpoint sealed rejoined" {
		t.Errorf("events %s", got)
	}
	last := events[len(events)-1]
	if textOf(t, events, &last, "before") != after || last.Object.SHA256 != s.SHA256 || last.Time.Wall != signed.Wall(now) || last.Actor != "device:pc-42" {
		t.Errorf("%+v", last)
	}
	b := readFile(t, filepath.Join(dir, s.Name))
	v := trusting(t, o.Device)
	v.Log = readFile(t, filepath.Join(dir, LogName(o.ID)))
	if r := verdict(t, b, v); r.Verdict != Valid || len(r.Events) != len(events) {
		t.Errorf("%s %q", r.Verdict, r.Findings)
	}
}

// The collection's device is believed without a word of its own for events; whoever
// else signs one needs it.
func TestEventsOfTheDeviceNeedNoFurtherTrust(t *testing.T) {
	w := newWorld(t)
	w.o.Trust = trustIn(t, ","+signed.Event+"→", w.device)
	w.o.Log = appended(t, w, w.device, Event{Event: "isolated"})
	if r := verdict(t, w.archive, w.o); r.Verdict != Valid {
		t.Errorf("%s %q", r.Verdict, r.Findings)
	}
	w.o.Log = appended(t, w, Device{Name: "another", Signer: w.device.Signer}, Event{Event: "isolated"})
	if r := verdict(t, w.archive, w.o); r.Verdict != UntrustedSigner {
		t.Errorf("in another's name: %s", r.Verdict)
	}
}

func TestAppendEventToADamagedLog(t *testing.T) {
	dir := t.TempDir()
	file, d := writeArchive(t, dir)
	id := testOptions(t, dir).ID
	log := filepath.Join(dir, LogName(id))
	whole, received := readFile(t, log), Event{Event: "received"}
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(log, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(append(whole[:len(whole):len(whole)], `{"payload":"{\"type\"`...))
	if err := AppendEvent(dir, id, d, received, testTime); err != nil {
		t.Fatal(err)
	}
	events := eventsIn(t, log)
	if last := events[len(events)-1]; last.Event != "received" || last.Object.SHA256 != signed.HexSum(readFile(t, file)) {
		t.Errorf("%+v", last)
	}
	edited := strings.Replace(string(whole), "mono_ns", "mono_nz", 1)
	for name, b := range map[string]string{"edited": edited, "empty": "", "half a line": string(whole[:200])} {
		write([]byte(b))
		if err := AppendEvent(dir, id, d, received, testTime); err == nil {
			t.Errorf("%s: appended", name)
		}
		if string(readFile(t, log)) != b {
			t.Errorf("%s: the log was changed", name)
		}
	}
	if err := AppendEvent(dir, "pc-42-20261121t090000z-000000", d, received, testTime); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
}

func TestAppendEventWaitsForTheWriter(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	if err := AppendEvent(dir, o.ID, o.Device, Event{Event: "received"}, testTime); !errors.Is(err, ErrInUse) {
		if canLock(t, dir) {
			t.Errorf("while it is written: %v", err)
		}
	}
}

// canLock says whether two openings of a file know of each other's lock here.
func canLock(t *testing.T, dir string) bool {
	t.Helper()
	name := filepath.Join(dir, "lock")
	a, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return lockFile(a) == nil && lockFile(b) != nil
}

// An event during a blackout is signed after it, with its own time.
func TestEventDuringABlackout(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(t, dir)
	o.Device.File, o.Device.Throwaway = filepath.Join(dir, KeyName(o.ID)), true
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "plan.json", "{}\n")
	err = w.Blackout(context.Background(), func() error {
		if err := w.Event(Event{Event: "isolated"}); err != nil {
			t.Error(err)
		}
		if n := len(eventsIn(t, filepath.Join(dir, LogName(o.ID)))); n != 2 {
			t.Errorf("%d events while there is no key", n)
		}
		return w.Put(context.Background(), evidence.Item{Path: "memory/image"}, func(out io.Writer) error {
			_, err := io.WriteString(out, "image\n")
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Seal(""); err != nil {
		t.Fatal(err)
	}
	events := eventsIn(t, filepath.Join(dir, LogName(o.ID)))
	if e := events[2]; e.Event != "isolated" || e.Object.Bytes != events[1].Object.Bytes || e.Time.Wall > events[3].Time.Wall {
		t.Errorf("%+v", e)
	}
}

func TestLongestDetail(t *testing.T) {
	dir := t.TempDir()
	_, d := writeArchive(t, dir)
	id := testOptions(t, dir).ID
	rules := strings.Repeat("\x1b\xff", maxDetail)
	if err := AppendEvent(dir, id, d, Event{Event: "isolated", Detail: []EventDetail{{"before", rules}}}, testTime); err != nil {
		t.Fatal(err)
	}
	events := eventsIn(t, filepath.Join(dir, LogName(id)))
	e := events[len(events)-1]
	kept := strings.ToValidUTF8(rules[:maxDetail], "\uFFFD")
	if got, err := DetailText(events, &e, "before"); got != kept || err == nil || e.Fact("before_cut") == "" || e.Fact("before_sha256") != signed.HexSum([]byte(rules)) {
		t.Errorf("%+v", e)
	}
	if err := AppendEvent(dir, id, d, Event{Event: "isolated", Reason: strings.Repeat("x", signed.MaxStatement)}, testTime); err == nil {
		t.Error("an event over the limit was taken")
	}
}

// A text of which a piece is missing is not given as whole, and the same text twice is
// not taken for one twice as long.
func TestDetailTextInPieces(t *testing.T) {
	dir := t.TempDir()
	_, d := writeArchive(t, dir)
	id := testOptions(t, dir).ID
	rules := strings.Repeat("drop\n", 4000)
	for range 2 {
		if err := AppendEvent(dir, id, d, Event{Event: "isolated", Detail: []EventDetail{{"before", rules}}}, testTime); err != nil {
			t.Fatal(err)
		}
	}
	events := eventsIn(t, filepath.Join(dir, LogName(id)))
	e := &events[len(events)-1]
	if textOf(t, events, e, "before") != rules || textOf(t, events, e, "reason") != "" {
		t.Error("not the text")
	}
	for n := range 3 {
		gap := append(append([]Event(nil), events[:len(events)-2-n]...), events[len(events)-1-n:]...)
		if text, err := DetailText(gap, e, "before"); err == nil {
			t.Errorf("without piece %d from the end: %d bytes, no error", n+1, len(text))
		}
	}
}
