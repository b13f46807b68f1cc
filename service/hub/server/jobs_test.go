package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
	"hozen/service/hub/registry"
	"hozen/service/hub/view"
	"hozen/service/job"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// envelope is a signed job for devices.
func envelope(t testing.TB, id string, devices ...string) []byte {
	t.Helper()
	nonce, err := job.NewNonce(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s, err := job.New(job.Job{
		Type: job.Type, ID: id, Nonce: nonce, Issued: job.Time(now), NotBefore: job.Time(now), Expires: job.Time(now.Add(time.Hour)),
		Targets: job.Targets{Devices: devices}, Action: job.Collect, Profile: job.Profile{Name: "volatile", SHA256: strings.Repeat("0", 64)},
		Case: "c-1", Evidence: "e-1", Authority: "contract", Reason: "a test", Operator: "alice",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sign("alice", newDevice(t, "alice").Signer); err != nil {
		t.Fatal(err)
	}
	b, err := s.Envelope.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// operator enrols an operator's connection.
func operator(t testing.TB, h *Hub) *remote.Operator {
	t.Helper()
	token, err := h.Token(t.Context(), registry.Invitation{Role: "operator", Name: "alice"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	if _, err := remote.Enrol(t.Context(), remote.Enrolment{Token: token, State: state}); err != nil {
		t.Fatal(err)
	}
	o, err := remote.ConnectOperator(state, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func TestJobs(t *testing.T) {
	h := start(t)
	d, state := device(t, h, "pc-1")
	_, stateB := device(t, h, "pc-2")
	e := envelope(t, "job-0001", "pc-1")
	events := h.Watch(t.Context())
	a, err := h.SendJob(t.Context(), e, "user:bob")
	if err != nil || len(a.To) != 1 || a.To[0] != "pc-1" || a.Job != "job-0001" {
		t.Fatalf("%+v %v", a, err)
	}
	if _, err := h.SendJob(t.Context(), e, "user:bob"); err != nil {
		t.Errorf("the same job again: %v", err)
	}
	if _, err := h.SendJob(t.Context(), envelope(t, "job-0001", "pc-1"), "x"); err == nil {
		t.Error("another job of the same id is taken")
	}
	for name, bad := range map[string][]byte{
		"a stranger's device": envelope(t, "job-0002", "pc-9"), "nothing": nil, "no job": []byte("{}\n"),
		"too long": []byte(strings.Repeat("x", job.MaxEnvelope+1)), "with more": append(e, e...),
	} {
		if _, err := h.SendJob(t.Context(), bad, "x"); err == nil {
			t.Errorf("%s is taken for a job", name)
		}
	}
	if got := h.jobsAfter(t.Context(), id(t, state), 0); len(got.Jobs) != 1 || got.Jobs[0].Envelope != string(e) || got.Stream == "" || got.Last != 1 {
		t.Errorf("jobs of pc-1: %+v", got)
	}
	if got := h.jobsAfter(t.Context(), id(t, state), 1); len(got.Jobs) != 0 || got.Error != "" {
		t.Errorf("jobs of pc-1 behind the first: %+v", got)
	}
	if got := h.jobsAfter(t.Context(), id(t, stateB), 0); len(got.Jobs) != 0 || got.Last != 1 {
		t.Errorf("jobs of pc-2: %+v", got)
	}
	// What the endpoint says of it.
	line := func(event, reason string) []byte {
		payload := fmt.Sprintf(`{"event":%q,"job":"job-0001","reason":%q,"text":"","collection":""}`+"\n", event, reason)
		sig, err := signed.Sign(d.Signer, signed.Audit, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		b, err := protocol.Encode(auditLine{payload, string(sig)})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if ack := h.status(t.Context(), id(t, state), line("refused", "profile")); ack.Error != "" {
		t.Error(ack.Error)
	}
	// Another endpoint lies about a job that it never had: it is not counted.
	if ack := h.status(t.Context(), id(t, stateB), line("accepted", "")); ack.Error != "" {
		t.Error(ack.Error)
	}
	detail, err := h.Job(t.Context(), "job-0001")
	if err != nil || len(detail.Devices) != 1 || detail.Devices[0].State != "refused" || detail.Devices[0].Reason != "profile" || detail.Operator != "alice" || len(detail.Keys) != 1 || !strings.HasPrefix(detail.Keys[0], "SHA256:") {
		t.Errorf("%+v %v", detail, err)
	}
	if list, err := h.Recent(t.Context(), 10); err != nil || len(list) != 1 || list[0].SentBy != "user:bob" {
		t.Errorf("%+v %v", list, err)
	}
	lines, err := h.Refusals(t.Context(), 10)
	if err != nil || len(lines) != 1 || lines[0].Device != "pc-1" || !lines[0].Signed {
		t.Errorf("%+v %v", lines, err)
	}
	kinds := map[string]bool{}
	for len(events) > 0 {
		kinds[(<-events).Kind] = true
	}
	if !kinds["job"] || !kinds["status"] {
		t.Errorf("events: %v", kinds)
	}
}

func id(t testing.TB, state string) string {
	t.Helper()
	id, err := seedOf(t, state).PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOperator(t *testing.T) {
	h := start(t)
	device(t, h, "pc-1")
	o := operator(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if a, err := o.Send(ctx, envelope(t, "job-0001", "pc-1")); err != nil || len(a.To) != 1 {
		t.Fatalf("%+v %v", a, err)
	}
	if s, err := o.Status(ctx, "job-0001"); err != nil || len(s.Devices) != 1 || s.Devices[0].State != "sent" {
		t.Errorf("%+v %v", s, err)
	}
	if list, err := o.Endpoints(ctx); err != nil || len(list) != 1 || list[0].Device != "pc-1" {
		t.Errorf("%+v %v", list, err)
	}
	if list, err := h.Recent(ctx, 1); err != nil || !strings.HasPrefix(list[0].SentBy, "operator:U") {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := h.Job(ctx, "job-9999"); err == nil || !strings.Contains(err.Error(), view.ErrNotFound.Error()) {
		t.Errorf("%v", err)
	}
}

// An endpoint chooses the subject that is answered. It must be its own.
func TestAnswersGoNowhereElse(t *testing.T) {
	h := start(t)
	_, stateA := device(t, h, "pc-a")
	_, stateB := device(t, h, "pc-b")
	a, err := dial(t, h, seedOf(t, stateA), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, victim := range []string{"hozen.job." + id(t, stateB), "hozen.receipt." + id(t, stateB), "hozen.kept.status." + id(t, stateB) + ".-", "_INBOX_" + id(t, stateB) + ".x", "$SYS.REQ.SERVER.PING"} {
		for _, subject := range []string{"hozen.api." + a.id + ".jobs", "hozen.status." + a.id, "hozen.part." + a.id + ".c.archive", "hozen.api." + a.id + ".nonsense"} {
			if err := a.PublishRequest(subject, victim, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := a.Request("hozen.api."+a.id+".jobs", nil, 5*time.Second); err != nil { // all before was handled
		t.Fatal(err)
	}
	if got := h.jobsAfter(t.Context(), id(t, stateB), 0); len(got.Jobs) != 0 {
		t.Errorf("planted: %+v", got)
	}
	info, err := h.streams.receipts.Info(t.Context())
	if err != nil || info.State.Msgs != 0 {
		t.Errorf("%d receipts were planted: %v", info.State.Msgs, err)
	}
}

func TestFlood(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits = Limits{Rate: 50, Burst: 20} })
	_, state := device(t, h, "pc-a")
	_, quiet := device(t, h, "pc-b")
	a, err := dial(t, h, seedOf(t, state), "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := dial(t, h, seedOf(t, quiet), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if err := a.Publish("hozen.hello."+a.id, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Request("hozen.api."+b.id+".jobs", nil, 5*time.Second); err != nil {
		t.Errorf("the other endpoint is not served: %v", err)
	}
	// Each kind of message comes by a way of its own: the others may still be behind.
	for end := time.Now().Add(20 * time.Second); h.lanes.droppedCount() < 500; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d messages were dropped", h.lanes.droppedCount())
		}
	}
	answers, err := a.SubscribeSync(a.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	const atOnce = 500 // more than a slow machine's pauses between them let through
	for range atOnce {
		if err := a.PublishRequest("hozen.api."+a.id+".jobs", answers.Subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	for range atOnce {
		m, err := answers.NextMsg(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(m.Data), tooMany) {
			return
		}
	}
	t.Error("who sends too much is not told")
}

// Who asks as soon as it is told of a job finds it, however long the disk takes for it.
func TestToldWhenStored(t *testing.T) {
	h := start(t)
	_, state := device(t, h, "pc-1")
	e, err := dial(t, h, seedOf(t, state), "")
	if err != nil {
		t.Fatal(err)
	}
	told, err := e.SubscribeSync(protocol.JobSubject + e.id)
	if err == nil {
		err = e.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	to := make([]string, 200) // which are before ours
	for i := range to {
		to[i] = fmt.Sprint("U", i)
	}
	sent := make(chan error, 1)
	go func() { sent <- h.fanOut(t.Context(), "job-0001", sentJob{Envelope: "x", To: append(to, e.id)}) }()
	if _, err := told.NextMsg(2 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := h.jobsAfter(t.Context(), e.id, 0); len(got.Jobs) != 1 {
		t.Errorf("told of a job before it was there: %+v", got)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}
