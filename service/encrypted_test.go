package service

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"hozen/packager"
	"hozen/packager/cipher"
	"hozen/service/audit"
	"hozen/service/job"
)

// What an interrupted collection leaves is recovered where only others can read it, too: the endpoint, which has no key, recovers by the
// custody log, and what arrives opens with the identity.
func TestInterruptedEncryptedIsRecovered(t *testing.T) {
	identity, recipient, err := cipher.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	b.takes.die, b.readers = true, []string{recipient}
	b.start()
	id, envelope := b.job(func(j *job.Job) { j.Recipients = b.readers })
	b.hub.send(envelope)
	b.until(id, "started")
	<-b.takes.died
	b.stop()
	b.takes.die = false
	b.start()
	b.until(id, "partial")
	b.until(id, "delivered")
	_, next := b.job(func(j *job.Job) { j.Recipients = b.readers })
	b.hub.send(next) // and one that is sealed
	b.hub.until(t, func(e audit.Entry) bool { return e.Event == "delivered" && e.Job != id })
	ids, err := cipher.Identities([]byte(identity), nil)
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]packager.Verdict{"away/*.incomplete.tar.zst.age": packager.ValidPartial, "away/*-??????.tar.zst.age": packager.Valid} {
		found, err := filepath.Glob(b.in(pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("delivered: %v, %v", found, err)
		}
		name, _ := packager.ParseFileName(filepath.Base(found[0]))
		archive, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(b.in("away/" + packager.LogName(name.ID)))
		if err != nil {
			t.Fatal(err)
		}
		fingerprint, err := b.Device.Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		o := packager.VerifyOptions{Log: log, Fingerprints: []string{fingerprint}}
		for _, way := range []packager.Verdict{packager.ValidOuter, want} {
			r, err := packager.Verify(t.Context(), bytes.NewReader(archive), int64(len(archive)), o)
			if err != nil || r.Verdict != way {
				t.Errorf("%s: %s %v, %v, want %s", found[0], r.Verdict, r.Findings, err, way)
			}
			o.Identities = ids
		}
	}
}
