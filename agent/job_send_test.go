package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/hub/registry"
	"hozen/service/hub/server"
	"hozen/service/job"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// TestJobsAreSent has an operator's commands talk to a real hub: enrolment, a job that
// arrives at its endpoint and nowhere else, its status, and the job that cancels it.
func TestJobsAreSent(t *testing.T) {
	hub, err := server.Start(t.Context(), server.Options{Dir: t.TempDir(), Name: "test", Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hub.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	token := func(role string) string {
		text, err := hub.Token(t.Context(), registry.Invitation{Role: role, Name: "alice"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	dir := t.TempDir()
	d, err := packager.NewDevice("pc-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Enrol(t.Context(), remote.Enrolment{Token: token("endpoint"), Device: d, State: filepath.Join(dir, "pc")}); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "alice")
	alice, err := packager.NewDevice("alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := packager.SaveDevice(alice, key); err != nil {
		t.Fatal(err)
	}
	hozen := func(want int, args ...string) string {
		t.Helper()
		var out, problems bytes.Buffer
		a := newApp(append([]string{"hozen"}, args...))
		a.stdout, a.stderr = &out, &problems
		if code := a.run(t.Context()); code != want {
			t.Fatalf("hozen %v: exit code %d\n%s%s", args, code, &out, &problems)
		}
		return out.String()
	}
	state, file := filepath.Join(dir, "hub"), filepath.Join(dir, "case.job")
	hozen(0, "job", "enrol", token("operator"), "--state", state)
	hozen(1, "job", "enrol", token("operator"), "--state", state)
	hozen(0, "job", "enrol", token("operator"), "--state", state, "--replace")
	hozen(0, "job", "new", file, "--target", "pc-1", "--profile", "volatile", "--operator", "alice")
	hozen(0, "job", "sign", file, "--key", key)
	var sent protocol.SendAnswer
	if err := json.Unmarshal([]byte(hozen(0, "job", "send", file, "--state", state, "--json")), &sent); err != nil || len(sent.To) != 1 {
		t.Fatalf("%+v, %v", sent, err)
	}
	hozen(0, "job", "send", file, "--state", state) // again: harmless
	c, err := remote.Connect(remote.Options{State: filepath.Join(dir, "pc")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	jobs := c.Jobs(t.Context())
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if q := <-jobs; strings.TrimSpace(q.Envelope) != strings.TrimSpace(string(want)) {
		t.Errorf("another job arrived: %s", q.Envelope)
	}
	if out := hozen(0, "job", "status", sent.Job, "--state", state); !strings.Contains(out, "pc-1") || !strings.Contains(out, "sent") {
		t.Errorf("status: %s", out)
	}
	hozen(1, "job", "status", "job-of-nobody", "--state", state)
	hozen(0, "job", "cancel", sent.Job, "--state", state, "--operator", "alice", "--key", key)
	s, err := job.Parse([]byte((<-jobs).Envelope))
	if err != nil || s.Job.Action != job.Cancel || s.Job.Params.Job != sent.Job || len(s.Missing()) > 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if out := hozen(0, "job", "endpoints", "--state", state); !strings.Contains(out, "pc-1") {
		t.Errorf("endpoints: %s", out)
	}
	// A PC that was revoked comes back with a new token, by the same device key.
	if err := hub.Revoke(t.Context(), "pc-1"); err != nil {
		t.Fatal(err)
	}
	again := remote.Enrolment{Token: token("endpoint"), Device: d, State: filepath.Join(dir, "pc"), Replace: true}
	if _, err := remote.Enrol(t.Context(), again); err != nil {
		t.Errorf("revoked, and enrolled again: %v", err)
	}
}

func TestOutcomeOfJobs(t *testing.T) {
	for _, c := range []struct {
		devices     []protocol.DeviceStatus
		ended, well bool
	}{
		{[]protocol.DeviceStatus{{State: "delivered", Receipt: "VALID"}, {State: "done"}}, true, true},
		{[]protocol.DeviceStatus{{State: "sealed", Receipt: "VALID"}}, true, true},
		{[]protocol.DeviceStatus{{State: "delivered", Receipt: "INVALID"}}, true, false},
		{[]protocol.DeviceStatus{{State: "delivered"}, {State: "refused"}}, true, false},
		{[]protocol.DeviceStatus{{State: "refused"}, {State: "started"}}, false, false},
		{[]protocol.DeviceStatus{{State: "isolated"}}, false, false},
	} {
		if ended, well := outcomeOf(protocol.StatusAnswer{Devices: c.devices}); ended != c.ended || well != c.well {
			t.Errorf("%+v: ended %v, well %v", c.devices, ended, well)
		}
	}
}
