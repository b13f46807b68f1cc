package packager

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
)

// Whoever holds the machine holds the device's key: the fingerprint of it that stands on
// paper vouches for the archive, and makes no person of it.
func TestDeviceSignsForNobody(t *testing.T) {
	device, err := NewDevice("pc-42", nil)
	if err != nil {
		t.Fatal(err)
	}
	by, err := signed.By(device.Signer)
	if err != nil {
		t.Fatal(err)
	}
	for what, operator := range map[string]*CoSigner{"in the seal": {Signer: by}, "in the log": nil} {
		s := signedBy(t, operator, func(o *Options) { o.Device = device; o.Genesis.Require = []string{"operator"} })
		log := s.log
		if operator == nil {
			log = s.countersigned(t, person{by: by}, "operator:sato", nil)
		}
		print := verdict(t, s.archive, VerifyOptions{}).Fingerprint
		held(t, what, s.archive, VerifyOptions{Fingerprints: []string{print}, Log: log}, UntrustedSigner, "required: a signature of the operator")
	}
}

// Where more than its log is to be held against an archive, or it is not as its log knows it,
// an item is not proved alone; and what somebody else than the device tells of it is judged.
func TestItemAloneHearsEverybody(t *testing.T) {
	sato := newPerson(t)
	s := signedBy(t, &CoSigner{Signer: sato.by}, nil)
	o := VerifyOptions{Trust: believing(t, s.deviceLine(t), sato.line("operator:sato", "")), Log: s.log, OnlyFrom: 1}
	alone := func(archive []byte, o VerifyOptions) bool {
		t.Helper()
		rep, err := Cat(context.Background(), bytes.NewReader(archive), int64(len(archive)), o, "data/a.txt", io.Discard)
		if err != nil && !errors.Is(err, ErrNoMember) {
			t.Fatal(err)
		}
		return rep.OnlyItems
	}
	if !alone(s.archive, o) {
		t.Fatal("the archive as it was made is read whole")
	}
	other := o
	other.Copies = []LogCopy{{Log: s.log}}
	if alone(s.archive, other) {
		t.Error("copies of the log are not compared")
	}
	if alone(resealed(t, s.archive, stripped), o) {
		t.Error("the operator's signature, which the log knows, is gone, and nobody sees it")
	}
	other = o
	other.Log = s.withEvent(t, sato.by, Event{Event: "disputed", Actor: "operator:sato", Reason: "x", Ref: []int{1}})
	if !alone(s.archive, other) {
		t.Error("what a person says of the archive makes it be read whole")
	}
	other.Trust = believing(t, s.deviceLine(t), sato.line("operator:sato", `namespaces="hozen-seal-v1"`))
	rep, err := Cat(context.Background(), bytes.NewReader(s.archive), int64(len(s.archive)), other, "data/a.txt", io.Discard)
	if err != nil || rep.Verdict != UntrustedSigner || !strings.Contains(strings.Join(rep.Findings, ";"), "not trusted for hozen-event-v1") || len(rep.Gaps) != 1 {
		t.Errorf("what a person says of the archive is not looked at: %+v, %v", rep, err)
	}
}

// A collection that was stopped is sealed at once: nobody is asked.
func TestStoppedIsNotSigned(t *testing.T) {
	stop, asked := make(chan struct{}), false
	close(stop)
	s := signedBy(t, &CoSigner{Signer: newPerson(t).by, Stop: stop, Asked: func() { asked = true }}, nil)
	if s.sealed.CoSigned || !errors.Is(s.sealed.CoSignErr, ErrNoAnswer) || asked {
		t.Errorf("%+v, asked: %v", s.sealed, asked)
	}
}

// A key that had ended before there was a seal signs for none, whatever time its owner
// writes; nor does one that is trusted for events alone.
func TestCountersignedTooLate(t *testing.T) {
	tanaka := newPerson(t)
	for what, options := range map[string]string{"": "", "not valid": `valid-before="20200101Z"`, "events alone": `namespaces="hozen-event-v1"`} {
		s := signedBy(t, nil, requiring("witness"))
		e, err := Countersign(verdict(t, s.archive, VerifyOptions{}), EventObject{Name: s.sealed.Name, Bytes: s.sealed.Bytes, SHA256: s.sealed.SHA256}, "witness:tanaka", tanaka.by)
		if err != nil {
			t.Fatal(err)
		}
		e.Detail = e.Detail[:1] // without his signature over the seal
		id, _ := strings.CutSuffix(s.sealed.Name, ".tar.zst")
		if err := AppendEventBy(s.dir, id, tanaka.by, e, time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		want := UntrustedSigner
		if what == "" {
			want = Valid
		}
		log := readFile(t, filepath.Join(s.dir, LogName(id)))
		held(t, what, s.archive, VerifyOptions{Trust: believing(t, s.deviceLine(t), tanaka.line("witness:tanaka", options)), Log: log}, want, "")
	}
}
