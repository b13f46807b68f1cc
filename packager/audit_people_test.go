package packager

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
)

// TestAuditScriptAgreesOnPeople: both verifiers judge operators' signatures, what is
// required, and certificates alike.
func TestAuditScriptAgreesOnPeople(t *testing.T) {
	needAuditTools(t)
	sato, ca := newPerson(t), newPerson(t)
	authority := ca.line("operator:*,device:*", "cert-authority")
	certified := func(o *Options) {
		key, err := ssh.NewSignerFromSigner(o.Device.Signer)
		if err != nil {
			t.Fatal(err)
		}
		o.Device.Certificate, _ = person{signer: key}.certified(t, ca, nil).by.Public().(*ssh.Certificate)
	}
	plain := signedBy(t, &CoSigner{Signer: sato.by}, nil)
	known := plain.deviceLine(t) + sato.line("operator:sato", "")
	required := signedBy(t, &CoSigner{Signer: sato.by}, requiring("operator"))
	witness := signedBy(t, &CoSigner{Signer: sato.by}, requiring("witness"))
	byCA := signedBy(t, &CoSigner{Signer: sato.certified(t, ca, nil).by}, certified)
	flipped := func(l []member) []member {
		l[3].body[len(l[3].body)/2] ^= 1
		return l
	}
	for what, c := range map[string]struct {
		archive []byte
		trust   string
	}{
		"signed":                        {plain.archive, known},
		"by somebody unknown":           {plain.archive, plain.deviceLine(t)},
		"stripped":                      {resealed(t, plain.archive, stripped), known},
		"flipped":                       {resealed(t, plain.archive, flipped), known},
		"required":                      {required.archive, required.deviceLine(t) + sato.line("operator:sato", "")},
		"required, stripped":            {resealed(t, required.archive, stripped), required.deviceLine(t) + sato.line("operator:sato", "")},
		"a witness is required":         {witness.archive, witness.deviceLine(t) + sato.line("operator:sato", "")},
		"certified":                     {byCA.archive, authority},
		"certified, authority unknown":  {byCA.archive, known},
		"certified, authority as a key": {byCA.archive, strings.ReplaceAll(authority, "cert-authority ", "")},
	} {
		dir := t.TempDir()
		trust := filepath.Join(dir, "trust")
		if err := os.WriteFile(trust, []byte(c.trust), 0o600); err != nil {
			t.Fatal(err)
		}
		want := verdict(t, c.archive, VerifyOptions{Trust: believing(t, c.trust)}).Verdict
		if got := audit(t, dir, c.archive, trust); got != string(want) {
			t.Errorf("%s: audit.sh says %s, Verify %s", what, got, want)
		}
	}
}

// Whoever signs for one stands for nobody else, in both verifiers, and the device for nobody.
func TestAuditScriptAgreesOnWhoStandsForWhom(t *testing.T) {
	needJQ(t)
	sato, tanaka := newPerson(t), newPerson(t)
	for _, c := range []struct {
		what    string
		require []string
		by      *person // who countersigns as witness:tanaka; nil: nobody
		want    Verdict
	}{
		{"two, one of them twice", []string{"operator", "operator:sato"}, nil, UntrustedSigner},
		{"a witness of his own", []string{"witness", "operator"}, &tanaka, Valid},
		{"a witness by name", []string{"witness:tanaka", "operator:sato"}, &tanaka, Valid},
		{"the operator is the witness, too", []string{"operator", "witness"}, &sato, UntrustedSigner},
		{"the device is the witness", []string{"witness"}, new(person), UntrustedSigner},
	} {
		s := signedBy(t, &CoSigner{Signer: sato.by}, requiring(c.require...))
		trust := s.deviceLine(t) + sato.line("operator:sato,witness:tanaka", "") + tanaka.line("witness:tanaka", "")
		log := s.log
		if c.by != nil && c.by.by == nil {
			by, err := signed.By(s.device.Signer)
			if err != nil {
				t.Fatal(err)
			}
			*c.by = person{by: by}
			trust += c.by.line("witness:tanaka", "")
		}
		if c.by != nil {
			log = s.countersigned(t, *c.by, "witness:tanaka", nil)
		}
		if got := verdict(t, s.archive, VerifyOptions{Trust: believing(t, trust), Log: log}); got.Verdict != c.want {
			t.Errorf("%s: Verify says %s: %v", c.what, got.Verdict, got.Findings)
		}
		file := filepath.Join(t.TempDir(), "trust")
		if err := os.WriteFile(file, []byte(trust), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := auditLog(t, s.archive, log, file); got != string(c.want) {
			t.Errorf("%s: audit.sh says %s", c.what, got)
		}
	}
}
