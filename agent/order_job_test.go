package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service"
	"hozen/service/config"
	"hozen/service/job"
	"hozen/service/protocol"
)

// signedJob is a job as operators make it, signed by two people; trust names them and the device.
func signedJob(t *testing.T, device packager.Device) (s *job.Signed, trust string) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	id, err := job.NewID(now, nil)
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := job.NewNonce(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err = job.New(job.Job{
		Type: job.Type, ID: id, Nonce: nonce, Issued: job.Time(now), NotBefore: job.Time(now), Expires: job.Time(now.Add(time.Hour)),
		Targets: job.Targets{Devices: []string{"pc-42"}}, Action: job.Collect, Profile: job.Profile{Name: "volatile", SHA256: strings.Repeat("0", 64)},
		Case: "2026-017", Evidence: "3", Authority: "contract 9", Reason: "<ransom> & note 身代金", Operator: "alice", Approvals: []string{"bob"},
	})
	if err != nil {
		t.Fatal(err)
	}
	trust, err = device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		d, err := packager.NewDevice(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Sign(name, d.Signer); err != nil {
			t.Fatal(err)
		}
		key, err := d.Public()
		if err != nil {
			t.Fatal(err)
		}
		trust += "operator:" + name + " namespaces=\"" + signed.Job + "\" " + signed.PublicText(key) + "\n"
	}
	return s, trust
}

// A collection in a job's name carries the job, and what happened to the machine
// meanwhile; an auditor sees both.
func TestOrderOfAJobIsInTheArchive(t *testing.T) {
	dir, root := t.TempDir(), emptyHost(t)
	device, err := packager.NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "device.key")
	if err := packager.SaveDevice(device, key); err != nil {
		t.Fatal(err)
	}
	s, trust := signedJob(t, device)
	a, _, _ := testApp()
	a.host = func(string) *collector.Host { return hostAt(root) }
	told, safe := 0, false
	r := (&orders{a: a, out: dir, key: key, config: config.Default()}).Collect(context.Background(),
		service.Order{Trigger: "job", Job: s, Profile: "volatile", Case: s.Job.Case, Operator: s.Job.Operator, Reason: s.Job.Reason},
		service.Moments{
			Safe: func(w *packager.Writer) {
				safe = true
				if err := w.Event(packager.Event{Event: "isolated", Detail: []packager.EventDetail{{Name: "before", Value: strings.Repeat("table\n", 2000)}}}); err != nil {
					t.Error(err)
				}
			},
			Tell: func([]byte) { told++ },
		})
	if r.Exit != exitWhole && r.Exit != exitShort || r.Verdict != string(packager.Valid) || told == 0 {
		t.Fatalf("%+v, %d events", r, told)
	}
	signers := filepath.Join(dir, "trust")
	if err := os.WriteFile(signers, []byte(trust), 0o600); err != nil {
		t.Fatal(err)
	}
	v := verifyFile(t, a, r.Archive, belief{trust: signers})
	if v.Verdict != packager.Valid || v.Job == nil || v.Job.Job != s.Job.ID || v.Job.SHA256 != s.Sum() || v.Job.Reason != s.Job.Reason ||
		len(v.Job.Signers) != 2 || !v.Job.Signers[1].Trusted {
		t.Fatalf("%s %q %+v", v.Verdict, v.Findings, v.Job)
	}
	isolated := false
	for i, e := range v.Events {
		if e.Event == "isolated" {
			text, err := packager.DetailText(v.Events[:i], &v.Events[i], "before")
			isolated = err == nil && len(text) == 12000
		}
	}
	if !isolated || !safe {
		t.Errorf("isolated %v, behind volatile state that was safe: %v", isolated, safe)
	}
	receive(t, dir, r, device, signers)
	people, out, _ := testApp("verify", "--trust", signers, r.Archive)
	if code := people.run(context.Background()); code != exitWhole || !strings.Contains(out.String(), "also logged  isolated 20") || !strings.Contains(out.String(), "asked for by alice, approved by bob (job "+s.Job.ID+")") ||
		!strings.Contains(out.String(), "receipt of hub:h1, 2026-11-22T06:20:00Z") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if v := verifyFile(t, a, r.Archive, belief{fingerprints: []string{v.Fingerprint}}); v.Verdict != packager.UntrustedSigner {
		t.Errorf("by who does not know the operators: %s", v.Verdict)
	}
}

// receive puts the receipt of a hub, whose key is trusted from now on, into the log.
func receive(t *testing.T, dir string, r service.Result, device packager.Device, signers string) {
	t.Helper()
	hub, err := packager.NewDevice("h1", nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := func(file string) protocol.Whole {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return protocol.Whole{Name: filepath.Base(file), Bytes: int64(len(b)), SHA256: signed.HexSum(b)}
	}
	text, err := signed.Encode(protocol.Receipt{Type: "hozen/receipt/1", Collection: r.Collection, Device: "pc-42", Archive: whole(r.Archive), Log: whole(r.Log),
		Verdict: r.Verdict, Head: r.Head, Hub: "h1", Time: "2026-11-22T06:20:00Z"})
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signed.Sign(hub.Signer, signed.Receipt, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := packager.AppendEvent(dir, r.Collection, device, packager.ReceiptEvent(string(text), string(sig)), time.Now()); err != nil {
		t.Fatal(err)
	}
	pub, err := hub.Public()
	if err != nil {
		t.Fatal(err)
	}
	if err := appendLine(signers, packager.AllowedSigner("hub:h1", pub)); err != nil {
		t.Fatal(err)
	}
}
