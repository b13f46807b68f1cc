package packager

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCountersignOuter: who has no key signs for the stored file, and counts once somebody
// who has one opens it.
func TestCountersignOuter(t *testing.T) {
	tanaka := newPerson(t)
	for what, c := range map[string]struct {
		trusted bool // by the witness, when he signs
		edit    func(*Event)
		want    Verdict
	}{
		"whole":                    {true, nil, Valid},
		"of a device not believed": {false, nil, Valid},
		"about other bytes":        {true, func(e *Event) { e.Object.SHA256 = strings.Repeat("0", 64) }, UntrustedSigner},
		"about fewer bytes":        {true, func(e *Event) { e.Object.Bytes-- }, UntrustedSigner},
	} {
		_, to, keys := party(t)
		s := signedBy(t, nil, func(o *Options) { o.Genesis.Require, o.Genesis.Recipients = []string{"witness"}, []string{to} })
		trust := believing(t, s.deviceLine(t), tanaka.line("witness:tanaka", ""))
		outer := VerifyOptions{Log: s.log}
		if c.trusted {
			outer.Trust = trust
		}
		e, err := Countersign(verdict(t, s.archive, outer), EventObject{Name: s.sealed.Name, Bytes: s.sealed.Bytes, SHA256: s.sealed.SHA256}, "witness:tanaka", tanaka.by)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if c.edit != nil {
			c.edit(&e)
		}
		if err := AppendEventBy(s.dir, testOptions(t, s.dir).ID, tanaka.by, e, time.Now()); err != nil {
			t.Fatal(err)
		}
		log := readFile(t, s.dir+"/"+LogName(testOptions(t, s.dir).ID))
		why := ""
		if c.want != Valid {
			why = "not counted"
		}
		r := held(t, what, s.archive, VerifyOptions{Trust: trust, Log: log, Identities: keys}, c.want, why)
		if counted := len(r.CoSignatures) == 1 && r.CoSignatures[0].Trusted; counted != (c.want == Valid) {
			t.Errorf("%s: counted: %v", what, counted)
		}
		held(t, what+", without a key", s.archive, VerifyOptions{Trust: trust, Log: log}, ValidOuter, "not seen here")
	}
}

// Who signed for another seal did not sign for this cipher text: both verifiers say so, with
// a key and without.
func TestCountersignOuterOfAnotherSeal(t *testing.T) {
	needAuditTools(t)
	tanaka := newPerson(t)
	_, to, keys := party(t)
	for seal, want := range map[string]Verdict{"": ValidOuter, strings.Repeat("0", 64): Invalid} {
		s := signedBy(t, nil, func(o *Options) { o.Genesis.Recipients = []string{to} })
		lines := s.deviceLine(t) + tanaka.line("witness:tanaka", "")
		o := VerifyOptions{Trust: believing(t, lines), Log: s.log}
		e, err := Countersign(verdict(t, s.archive, o), EventObject{Name: s.sealed.Name, Bytes: s.sealed.Bytes, SHA256: s.sealed.SHA256}, "witness:tanaka", tanaka.by)
		if err != nil {
			t.Fatal(err)
		}
		if seal != "" {
			e.Detail[0].Value = seal
		}
		id := testOptions(t, s.dir).ID
		if err := AppendEventBy(s.dir, id, tanaka.by, e, time.Now()); err != nil {
			t.Fatal(err)
		}
		o.Log = readFile(t, filepath.Join(s.dir, LogName(id)))
		if r := verdict(t, s.archive, o); r.Verdict != want {
			t.Errorf("seal %q: %s %v", seal, r.Verdict, r.Findings)
		}
		signers := filepath.Join(s.dir, "signers")
		if err := os.WriteFile(signers, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command("sh", "audit.sh", filepath.Join(s.dir, s.sealed.Name), signers, filepath.Join(s.dir, LogName(id))).CombinedOutput()
		if !strings.HasPrefix(string(out), string(want)+" ") {
			t.Errorf("seal %q: the script says %s", seal, out)
		}
		o.Identities = keys
		if r := verdict(t, s.archive, o); (r.Verdict == Valid) != (want == ValidOuter) || want == Invalid && r.Verdict != Invalid {
			t.Errorf("seal %q, opened: %s %v", seal, r.Verdict, r.Findings)
		}
	}
}

// What is not known to be sealed is not signed, and the reason is true.
func TestCountersignUnseen(t *testing.T) {
	tanaka := newPerson(t)
	_, err := Countersign(&Report{Verdict: UntrustedSigner, Encrypted: true}, EventObject{}, "witness:tanaka", tanaka.by)
	if err == nil || !strings.Contains(err.Error(), "contents were not seen") {
		t.Error(err)
	}
}
