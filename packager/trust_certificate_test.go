package packager

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
)

// TestCertificatesAsOpenSSHDoes: ssh-keygen -Y verify says of certificates what we say, but
// for critical options, which we refuse.
func TestCertificatesAsOpenSSHDoes(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen here")
	}
	ca, other, plain := newPerson(t), newPerson(t), newPerson(t)
	now := time.Now()
	at := func(d time.Duration) uint64 { return uint64(now.Add(d).Unix()) }
	changes := map[string]func(*ssh.Certificate){
		"good": nil, "for ever": func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = 0, ssh.CertTimeInfinity },
		"another": func(c *ssh.Certificate) { c.ValidPrincipals = []string{"operator:bob"} }, "nobody": func(c *ssh.Certificate) { c.ValidPrincipals = nil },
		"pattern": func(c *ssh.Certificate) { c.ValidPrincipals = []string{"operator:*"} }, "host": func(c *ssh.Certificate) { c.CertType = ssh.HostCert },
		"expired": func(c *ssh.Certificate) { c.ValidBefore = at(-time.Minute) }, "ends now": func(c *ssh.Certificate) { c.ValidBefore = at(0) },
		"begins now": func(c *ssh.Certificate) { c.ValidAfter = at(0) }, "not yet": func(c *ssh.Certificate) { c.ValidAfter = at(time.Minute) },
		"extension": func(c *ssh.Certificate) { c.Extensions = map[string]string{"permit-pty": ""} },
	}
	lines := map[string]string{
		"authority": ca.line("operator:*", "cert-authority"), "its key": ca.line("operator:*", ""), "another": other.line("operator:*", "cert-authority"),
		"other names": ca.line("operator:b*", "cert-authority"), "excluded": ca.line("operator:*,!operator:sato", "cert-authority"), "the plain key": plain.line("operator:sato", ""),
		"purpose": ca.line("operator:*", `cert-authority,namespaces="hozen-seal-v1"`), "another purpose": ca.line("operator:*", `cert-authority,namespaces="file"`),
		"no more": ca.line("operator:*", `cert-authority,valid-before="20200101Z"`), "not yet": ca.line("operator:*", `cert-authority,valid-after="20990101Z"`),
		"the second": other.line("operator:*", "cert-authority") + ca.line("operator:*", "cert-authority"),
	}
	dir, msg := t.TempDir(), []byte("{}\n")
	trustFile, sigFile := filepath.Join(dir, "trust"), filepath.Join(dir, "sig")
	for what, change := range changes {
		p := plain.certified(t, ca, change)
		sig, err := p.by.Sign(signed.Seal, msg)
		if err != nil {
			t.Fatal(err)
		}
		for which, line := range lines {
			for name, b := range map[string][]byte{trustFile: []byte(line), sigFile: sig} {
				if err := os.WriteFile(name, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := exec.Command(tool, "-Y", "verify", "-f", trustFile, "-I", "operator:sato", "-n", signed.Seal, "-s", sigFile,
				"-O", "verify-time="+now.UTC().Format("20060102150405Z"))
			c.Env, c.Stdin = append(os.Environ(), "TZ=UTC"), strings.NewReader(string(msg))
			out, err := c.CombinedOutput()
			got := believing(t, line).Check("operator:sato", signed.PublicText(p.by.Public()), signed.Seal, now)
			if (err == nil) != (got == nil) {
				t.Errorf("certificate %q, line %q: we say %v, ssh-keygen %s", what, which, got, out)
			}
		}
	}
}

func FuzzParseTrustCertificates(f *testing.F) {
	ca := newPerson(f)
	cert := newPerson(f).certified(f, ca, nil)
	f.Add(ca.line("operator:*", "cert-authority"), signed.PublicText(cert.by.Public()))
	f.Add(cert.line("operator:sato", ""), signed.PublicText(ca.by.Public()))
	f.Fuzz(func(t *testing.T, file, key string) {
		trust, err := ParseTrust(strings.NewReader(file))
		if err != nil {
			return
		}
		if trust.Check("operator:sato", key, signed.Seal, time.Now()) == nil {
			if _, err := signed.ParsePublic(key); err != nil {
				t.Errorf("%q is believed: %v", key, err)
			}
		}
	})
}
