package console

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/hub/view"
	"hozen/service/job"
	"hozen/service/protocol"
)

// goldenArchive is an archive of the format's own tests, with its custody log.
func goldenArchive(t *testing.T) (id string, archive, log []byte) {
	t.Helper()
	const base = "../../../testdata/archives/v1/untouched-with-its-log"
	archive, err := os.ReadFile(base + ".tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	if log, err = os.ReadFile(base + ".custody.jsonl"); err != nil {
		t.Fatal(err)
	}
	r := verify(t, archive, log)
	if r.Verdict != packager.Valid {
		t.Fatalf("%s: %s", base, r.Verdict)
	}
	return r.Collection, archive, log
}

// verify is what an auditor does with what he has downloaded.
func verify(t *testing.T, archive, log []byte) *packager.Report {
	t.Helper()
	f, err := os.Open("../../../testdata/archives/v1/allowed_signers")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	trust, err := packager.ParseTrust(f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := packager.Verify(t.Context(), bytes.NewReader(archive), int64(len(archive)), packager.VerifyOptions{Log: log, Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	safeEvent = `{"event":"volatile_safe","time":"2026-11-22T05:31:02.000000000Z","checkpoint":9,"text":"Volatile state is safe (checkpoint 9). The PC may be switched off now."}`
	stepEvent = `{"event":"step_began","time":"2026-11-22T05:31:05.000000000Z","step":14,"steps":22,"collector":"browser","items":412,"bytes":88204000,"left_ms":41000}`
)

// fill gives a hub something to show: machines, jobs in every state, archives, refusals.
func (b *bench) fill(p people) {
	t, h := b.t, b.hub
	names := []string{"pc-keiri-03", "pc-keiri-04", "pc-soumu-11", "srv-file-01", "note-eigyo-27"}
	for i, n := range names {
		h.list = append(h.list, endpointNamed(n, strings.ToUpper(n)+".corp.example", i != 4))
	}
	h.list[2].Hello.Isolated = time.Now().UTC().Add(5 * time.Hour).Format(time.RFC3339)
	h.list[3].Hello.Outbox, h.list[3].Hello.OutboxB = 1, 3<<30
	h.list[4].LastSeen = time.Now().UTC().Add(-26 * time.Hour).Format(time.RFC3339)

	cut := newJob(t, func(j *job.Job) {
		j.Action, j.Profile, j.Params.IsolateS, j.Approvals = job.Isolate, job.Profile{}, 8*3600, []string{"bob"}
		j.Reason = "spreads by SMB"
	}, names[2])
	cutID := b.send(cut, "operator:alice")
	h.status(cutID, names[2], func(s *protocol.DeviceStatus) { s.State = "done" }) // as endpoints say of what takes no evidence

	one := newJob(t, nil, names...)
	if err := one.Sign("alice", p.keys["alice"]); err != nil {
		t.Fatal(err)
	}
	id := b.send(one, "user:operator")
	h.status(id, names[0], func(s *protocol.DeviceStatus) {
		s.State, s.Receipt, s.Safe = "delivered", "VALID", safeEvent
	})
	h.status(id, names[1], func(s *protocol.DeviceStatus) { s.State, s.Progress = "started", stepEvent })
	h.status(id, names[2], func(s *protocol.DeviceStatus) { s.State, s.Progress, s.Safe = "started", stepEvent, safeEvent })
	h.status(id, names[3], func(s *protocol.DeviceStatus) { s.State = "sealed" })

	collection, archive, log := goldenArchive(t)
	report := verify(t, archive, log)
	report.Notes = append(report.Notes, "the seek table is not there")
	raw, _ := json.Marshal(report)
	h.store(view.Archive{Receipt: protocol.Receipt{
		Type: protocol.ReceiptType, Collection: collection, Device: names[0], Job: id, Verdict: "VALID", Head: strings.Repeat("9c", 32),
		Archive: protocol.Whole{Name: collection + ".tar.zst"}, Stored: "object store on this hub", Hub: "hub-tokyo-1", Key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk2nFZ5", Time: "2026-11-22T05:33:10Z",
	}, Report: raw}, archive, log)
	h.store(view.Archive{Receipt: protocol.Receipt{Collection: "srv-file-01-20261120t101500z-77aa10", Device: names[3], Verdict: "VALID-PARTIAL", Time: "2026-11-20T10:31:00Z"}}, []byte("x"), []byte("y"))
	h.kept = append(h.kept, view.Archive{Receipt: protocol.Receipt{Collection: "srv-file-01-20261122t053011z-0b12fe", Device: names[3], Job: id}, State: "arriving", Bytes: 1 << 30})
	h.lines = []view.Line{
		{Device: names[4], Job: id, State: "refused", Reason: "expired: 2026-11-21T00:00:00Z is past", Time: "2026-11-22T05:30:09Z", Taken: "2026-11-22T05:30:10Z", Signed: true, Text: `{"payload":"…","sig":"…"}`},
		{Device: names[1], Job: "job-20261119-081200-deadbeef", State: "refused", Reason: "signers: one has signed, memory takes 2", Time: "2026-11-19T08:12:09Z", Taken: "2026-11-19T08:12:10Z", Signed: true, Text: `{"payload":"…2","sig":"…"}`},
	}
	h.status(id, names[4], func(s *protocol.DeviceStatus) { s.State, s.Reason = "refused", h.lines[0].Reason })
}
