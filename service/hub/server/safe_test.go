package server

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"hozen/service/protocol"
)

// Whether a machine may be switched off is not forgotten for the progress after it.
func TestSafetyIsKept(t *testing.T) {
	h := start(t)
	_, state := device(t, h, "pc-1")
	if _, err := h.SendJob(t.Context(), envelope(t, "job-0001", "pc-1"), "user:bob"); err != nil {
		t.Fatal(err)
	}
	last := `{"event":"step_began","step":9}`
	for _, event := range []string{`{"event":"step_began","step":1}`, `{"event":"incomplete"}`, `{"event":"volatile_safe"}`, `{"event":"step_ended"}`, `{"event":"warning"}`, last} {
		b, err := protocol.Encode(protocol.Progress{Job: "job-0001", Event: event})
		if err != nil {
			t.Fatal(err)
		}
		h.progress(t.Context(), id(t, state), b)
	}
	detail, err := h.Job(t.Context(), "job-0001")
	if err != nil || len(detail.Devices) != 1 || detail.Devices[0].Progress != last || detail.Devices[0].Safe != `{"event":"volatile_safe"}` {
		t.Errorf("%+v %v", detail.Devices, err)
	}
}

// What speaks against switching off is not forgotten by a hub that starts again, nor for
// what others send; a newer word takes its place.
func TestSafetyOutlivesTheHub(t *testing.T) {
	dir := t.TempDir()
	at := func(o *Options) { o.Dir = dir }
	h, err := startIn(t, at)
	if err != nil {
		t.Fatal(err)
	}
	_, state := device(t, h, "pc-1")
	if _, err := h.SendJob(t.Context(), envelope(t, "job-0001", "pc-1"), "user:bob"); err != nil {
		t.Fatal(err)
	}
	say := func(h *Hub, event string) {
		t.Helper()
		b, err := protocol.Encode(protocol.Progress{Job: "job-0001", Event: event})
		if err != nil {
			t.Fatal(err)
		}
		h.progress(t.Context(), id(t, state), b)
	}
	say(h, `{"event":"volatile_safe"}`)
	say(h, `{"event":"unlocked_disk"}`)
	if err := h.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	h = start(t, at)
	want := func(event string) {
		t.Helper()
		if a := h.statusOf(t.Context(), "job-0001"); len(a.Devices) != 1 || a.Devices[0].Safe != event {
			t.Errorf("%+v, want %s", a.Devices, event)
		}
	}
	want(`{"event":"unlocked_disk"}`)
	say(h, `{"event":"volatile_safe"}`)
	want(`{"event":"volatile_safe"}`)
}

// More lines than are shown do not hide how far a machine is.
func TestManyLines(t *testing.T) {
	h := start(t)
	_, state := device(t, h, "pc-1")
	if _, err := h.SendJob(t.Context(), envelope(t, "job-0001", "pc-1"), "user:bob"); err != nil {
		t.Fatal(err)
	}
	say := func(job, event string) {
		t.Helper()
		b, err := protocol.Encode(auditLine{Payload: fmt.Sprintf(`{"event":%q,"job":%q}`, event, job)})
		if err != nil {
			t.Fatal(err)
		}
		if a := h.status(t.Context(), id(t, state), b); a.Error != "" {
			t.Fatal(a.Error)
		}
	}
	say("", "enrolled")
	for range 250 {
		say("", "running")
		say("job-0001", "started")
	}
	say("job-0001", "failed")
	a := h.statusOf(t.Context(), "job-0001")
	if len(a.Devices) != 1 || a.Devices[0].State != "failed" || len(a.Devices[0].Lines) != maxShown {
		t.Errorf("%s %d", a.Devices[0].State, len(a.Devices[0].Lines))
	}
	if m, err := h.streams.status.GetMsg(t.Context(), 1); err != nil || !strings.Contains(string(m.Data), "enrolled") {
		t.Errorf("the first line is lost: %v", err)
	}
}
