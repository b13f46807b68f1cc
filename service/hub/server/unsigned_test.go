package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hozen/service/hub/view"
	"hozen/service/job"
)

// unsigned is a job with one approval, that nobody has signed yet.
func unsigned(t *testing.T, id string) *job.Signed {
	t.Helper()
	nonce, err := job.NewNonce(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s, err := job.New(job.Job{
		Type: job.Type, ID: id, Nonce: nonce, Issued: job.Time(now), NotBefore: job.Time(now), Expires: job.Time(now.Add(time.Hour)),
		Targets: job.Targets{Devices: []string{"pc-1"}}, Action: job.Collect, Profile: job.Profile{Name: "volatile", SHA256: strings.Repeat("0", 64)},
		Operator: "alice", Approvals: []string{"bob"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A job without all of its signatures, or with one of another job, is not kept.
func TestUnsignedJobsAreRefused(t *testing.T) {
	h := start(t)
	device(t, h, "pc-1")
	o := operator(t, h)
	s := unsigned(t, "job-0001")
	send := func(want string) {
		t.Helper()
		b, err := s.Envelope.Encode()
		if err != nil {
			t.Fatal(err)
		}
		a, err := o.Send(t.Context(), b)
		if err != nil {
			a.Error = err.Error()
		}
		if want == "" && a.Error != "" || !strings.Contains(a.Error, want) {
			t.Errorf("%q, want %q", a.Error, want)
		}
	}
	send("signature of operator:alice is missing")
	if err := s.Sign("alice", newDevice(t, "alice").Signer); err != nil {
		t.Fatal(err)
	}
	send("signature of operator:bob is missing")
	if err := s.Sign("bob", newDevice(t, "bob").Signer); err != nil {
		t.Fatal(err)
	}
	good := s.Envelope.Signatures[1]
	other := unsigned(t, "job-0002")
	for _, who := range []string{"alice", "bob"} {
		if err := other.Sign(who, newDevice(t, who).Signer); err != nil {
			t.Fatal(err)
		}
	}
	s.Envelope.Signatures[1] = other.Envelope.Signatures[1]
	send("signature of operator:bob: ")
	if _, err := h.sentJob(t.Context(), "job-0001"); !errors.Is(err, view.ErrNotFound) {
		t.Errorf("a job that was refused is kept: %v", err)
	}
	s.Envelope.Signatures[1] = good
	send("")
}

// Jobs use half of the reserve and no more, and each operator may send so many in a row.
func TestJobsAreBounded(t *testing.T) {
	free, now := int64(50<<20), time.Now()
	h := start(t, func(o *Options) {
		o.Now = func() time.Time { return now }
		o.Reserve, o.Limits.Jobs = 100<<20, 3
		o.free = func() (int64, error) { return free, nil }
	})
	device(t, h, "pc-1")
	if _, err := h.SendJob(t.Context(), envelope(t, "job-full", "pc-1"), "x"); !errors.Is(err, view.ErrRefused) {
		t.Errorf("a job is taken with half of the reserve gone: %v", err)
	}
	free = 60 << 20
	for i := range 4 {
		_, err := h.SendJob(t.Context(), envelope(t, fmt.Sprint("job-000", i), "pc-1"), "operator:a")
		if (err != nil) != (i == 3) {
			t.Errorf("job %d: %v", i, err)
		}
	}
	if _, err := h.SendJob(t.Context(), envelope(t, "job-0009", "pc-1"), "operator:b"); err != nil {
		t.Errorf("another operator: %v", err)
	}
}
