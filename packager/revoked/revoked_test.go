package revoked

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
)

func newKey(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newCert(t testing.TB, ca ssh.Signer, serial uint64, id string) *ssh.Certificate {
	t.Helper()
	c := &ssh.Certificate{Key: newKey(t).PublicKey(), Serial: serial, KeyId: id, CertType: ssh.UserCert,
		ValidPrincipals: []string{"operator:sato"}, ValidBefore: ssh.CertTimeInfinity}
	if err := c.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	return c
}

func line(k ssh.PublicKey) []byte { return ssh.MarshalAuthorizedKey(k) }

func keygen(t testing.TB) string {
	t.Helper()
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen here")
	}
	return tool
}

// A judge asks ssh-keygen -Q.
type judge struct {
	tool, dir string
	n         int
}

func (j *judge) revoked(t *testing.T, list []byte, key ssh.PublicKey) bool {
	t.Helper()
	j.n++
	krl, file := filepath.Join(j.dir, fmt.Sprint("krl", j.n)), filepath.Join(j.dir, fmt.Sprint("key", j.n))
	for name, b := range map[string][]byte{krl: list, file: line(key)} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(j.tool, "-Q", "-f", krl, file).CombinedOutput()
	switch {
	case strings.Contains(string(out), "REVOKED"):
		return true
	case err != nil:
		t.Fatalf("ssh-keygen -Q: %v: %s", err, out)
	}
	return false
}

// TestAgreesWithOpenSSH: lists that ssh-keygen makes are read as it reads them, ours are
// read by it, and a list that we read and wrote again says the same.
func TestAgreesWithOpenSSH(t *testing.T) {
	j := &judge{tool: keygen(t), dir: t.TempDir()}
	ca, other := newKey(t), newKey(t)
	bad := newKey(t).PublicKey()
	all := map[string]ssh.PublicKey{"key": bad, "another key": newKey(t).PublicKey()}
	for serial := uint64(0); serial <= 12; serial++ {
		all[fmt.Sprint("certificate ", serial)] = newCert(t, ca, serial, fmt.Sprint("id", serial))
		all[fmt.Sprint("of another authority, ", serial)] = newCert(t, other, serial, fmt.Sprint("id", serial))
	}
	all["far"] = newCert(t, ca, 1<<40+77, "far")
	of := &ssh.Certificate{Key: bad, Serial: 99, CertType: ssh.UserCert, ValidBefore: ssh.CertTimeInfinity}
	if err := of.SignCert(rand.Reader, other); err != nil {
		t.Fatal(err)
	}
	all["certificate of the key"] = of
	specs := map[string]string{
		"serials":  "serial: 3\nserial: 5\nserial: 6\nserial: 1099511627853\n",
		"ranges":   "serial: 2-9\nserial: 11\n",
		"many":     "serial: 1\nserial: 3\nserial: 5\nserial: 7\nserial: 9\nserial: 11\nserial: 13\nserial: 15\nserial: 17\nserial: 19\nserial: 21\n",
		"ids":      "id: id4\nid: id0\n",
		"key":      "key: " + string(line(bad)),
		"sha1":     "sha1: " + string(line(bad)),
		"sha256":   "sha256: " + string(line(bad)),
		"hash":     "hash: " + ssh.FingerprintSHA256(bad) + "\n",
		"the CA":   "key: " + string(line(ca.PublicKey())),
		"together": "serial: 1-4\nid: id7\nsha256: " + string(line(bad)) + "key: " + string(line(other.PublicKey())),
	}
	for name, spec := range specs {
		for _, anyCA := range []bool{false, true} {
			list := made(t, j, spec, ca, anyCA)
			l, err := Parse(list)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			again, err := Parse(l.KRL(time.Unix(1795294682, 0)))
			if err != nil {
				t.Fatalf("%s: written again: %v", name, err)
			}
			for what, key := range all {
				want := j.revoked(t, list, key)
				if err := l.Check(key); errors.Is(err, ErrRevoked) != want {
					t.Errorf("%s (any authority: %v): %s: %v, ssh-keygen says %v", name, anyCA, what, err, want)
				}
				if err := again.Check(key); errors.Is(err, ErrRevoked) != want {
					t.Errorf("%s, written again: %s: %v", name, what, err)
				}
			}
			if j.revoked(t, l.KRL(time.Now()), all["far"]) != (l.Check(all["far"]) != nil) || j.revoked(t, l.KRL(time.Now()), all["certificate 4"]) != (l.Check(all["certificate 4"]) != nil) {
				t.Errorf("%s: ssh-keygen reads our list otherwise", name)
			}
		}
	}
}

// made lets ssh-keygen make a list.
func made(t *testing.T, j *judge, spec string, ca ssh.Signer, anyCA bool) []byte {
	t.Helper()
	in, out, pub := filepath.Join(j.dir, "spec"), filepath.Join(j.dir, "made"), filepath.Join(j.dir, "ca.pub")
	for name, b := range map[string][]byte{in: []byte(spec), pub: line(ca.PublicKey())} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Remove(out)
	which := pub
	if anyCA {
		which = "NONE"
	}
	if text, err := exec.Command(j.tool, "-k", "-s", which, "-f", out, in).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen -k: %v: %s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPlainList: what ssh-keygen -Y verify -r takes for a list of keys.
func TestPlainList(t *testing.T) {
	tool, dir := keygen(t), t.TempDir()
	ca, bad, fine := newKey(t), newKey(t), newKey(t)
	list := append([]byte("# lost\n\n"), append(line(bad.PublicKey()), line(ca.PublicKey())...)...)
	l, err := Parse(list)
	if err != nil || l.Entries() != 2 {
		t.Fatalf("%v", err)
	}
	certified := func(key, by ssh.Signer) *ssh.Certificate {
		c := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"operator:sato"}, ValidBefore: ssh.CertTimeInfinity}
		if err := c.SignCert(rand.Reader, by); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for what, c := range map[string]struct {
		key  ssh.Signer
		cert *ssh.Certificate
	}{
		"the key": {bad, nil}, "another": {fine, nil}, "certified by the authority": {fine, certified(fine, ca)},
		"certified by another": {fine, certified(fine, newKey(t))}, "the key, certified": {bad, certified(bad, newKey(t))},
	} {
		s, err := signed.ByCertificate(c.key, c.cert)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := s.Sign(signed.Seal, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		trusted := append([]byte("operator:sato "), line(c.key.PublicKey())...)
		if c.cert != nil {
			trusted = append([]byte("operator:sato cert-authority "), line(c.cert.SignatureKey)...)
		}
		for name, b := range map[string][]byte{"list": list, "sig": sig, "trust": trusted} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		verify := func(more ...string) error {
			args := append([]string{"-Y", "verify", "-f", filepath.Join(dir, "trust"), "-I", "operator:sato", "-n", signed.Seal, "-s", filepath.Join(dir, "sig")}, more...)
			cmd := exec.Command(tool, args...)
			cmd.Stdin = strings.NewReader("x")
			return cmd.Run()
		}
		if err := verify(); err != nil {
			t.Errorf("%s: ssh-keygen does not take it without a list: %v", what, err)
		}
		want := verify("-r", filepath.Join(dir, "list")) != nil
		if got := l.Check(s.Public()) != nil; got != want {
			t.Errorf("%s: revoked %v, ssh-keygen says %v", what, got, want)
		}
	}
	for _, wrong := range []string{"no key\n", "ssh-ed25519 AAAA\n", `from="x" ` + string(line(bad.PublicKey()))} {
		if _, err := Parse([]byte(wrong)); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// TestOwnLists: what we revoke is revoked, for ssh-keygen as for us.
func TestOwnLists(t *testing.T) {
	j := &judge{tool: keygen(t), dir: t.TempDir()}
	ca := newKey(t)
	key, byNumber, byName, kept := newKey(t).PublicKey(), newCert(t, ca, 7, "seven"), newCert(t, ca, 0, "no number"), newCert(t, ca, 8, "eight")
	var l List
	l.AddKey(key)
	for _, c := range []*ssh.Certificate{byNumber, byNumber, byName} {
		if err := l.AddCertificate(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.AddCertificate(newCert(t, ca, 0, "")); err == nil {
		t.Error("a certificate without number and name is revoked")
	}
	b := l.KRL(time.Unix(1795294682, 0))
	for what, k := range map[string]ssh.PublicKey{"key": key, "number": byNumber, "name": byName, "none": kept} {
		want := what != "none"
		if got := j.revoked(t, b, k); got != want || (l.Check(k) != nil) != want {
			t.Errorf("%s: ssh-keygen says %v, we say %v", what, got, l.Check(k))
		}
	}
	again, err := Parse(b)
	if err != nil || again.Version != 1 || again.Generated != 1795294682 || again.Entries() != 3 {
		t.Errorf("%+v, %v", again, err)
	}
	if again.KRL(time.Now()); again.Version != 2 {
		t.Errorf("version %d", again.Version)
	}
}

func TestDamaged(t *testing.T) {
	ca := newKey(t)
	var l List
	l.AddKey(newKey(t).PublicKey())
	if err := l.AddCertificate(newCert(t, ca, 7, "")); err != nil {
		t.Fatal(err)
	}
	whole := l.KRL(time.Now())
	// A list may end behind its head or any section: nothing says how many there are.
	ends := 0
	for n := len(krlMagic); n < len(whole); n++ {
		if _, err := Parse(whole[:n]); err == nil {
			ends++
		}
	}
	if ends != 2 {
		t.Errorf("%d beginnings are taken, want those of no section and of one", ends)
	}
	head := append([]byte(krlMagic), make([]byte, 4+24+8)...)
	head[11] = krlFormat
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	certs := func(kind byte, body []byte) []byte {
		return appendSection(bytes.Clone(head), sectionCertificates, appendSection(make([]byte, 8), kind, body))
	}
	for name, b := range map[string][]byte{
		"another format":          append([]byte(krlMagic), 0, 0, 0, 2),
		"unknown section":         appendSection(bytes.Clone(head), 9, []byte("x")),
		"critical extension":      appendSection(bytes.Clone(head), sectionExtension, append(append(appendText(nil, []byte("x")), 1), 0, 0, 0, 0)),
		"short fingerprint":       appendSection(bytes.Clone(head), sectionSHA256, appendText(nil, make([]byte, 31))),
		"serial 0":                certs(certSerials, number(0)),
		"range backwards":         certs(certRange, append(number(5), number(4)...)),
		"negative bitmap":         certs(certBitmap, append(number(5), appendText(nil, []byte{0x80})...)),
		"bitmap beyond the end":   certs(certBitmap, append(number(1<<64-2), appendText(nil, []byte{1, 1})...)),
		"key of no authority":     appendSection(bytes.Clone(head), sectionCertificates, append(appendText(nil, []byte("x")), 0, 0, 0, 0)),
		"unknown in an authority": certs(0x55, number(1)),
	} {
		if _, err := Parse(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := Parse(appendSection(bytes.Clone(head), sectionExtension, append(append(appendText(nil, []byte("x")), 0), 0, 0, 0, 0))); err != nil {
		t.Errorf("an extension that is not critical: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	ca := newKey(f)
	var l List
	l.AddKey(newKey(f).PublicKey())
	for n := range uint64(5) {
		if err := l.AddCertificate(newCert(f, ca, n, fmt.Sprint("id", n))); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(l.KRL(time.Unix(1795294682, 0)))
	f.Add(line(ca.PublicKey()))
	cert := newCert(f, ca, 3, "x")
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Parse(b)
		if err != nil {
			return
		}
		before := [2]error{l.Check(cert), l.Check(ca.PublicKey())}
		again, err := Parse(l.KRL(time.Unix(1795294682, 0)))
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		after := [2]error{again.Check(cert), again.Check(ca.PublicKey())}
		for i := range before {
			if (before[i] == nil) != (after[i] == nil) {
				t.Errorf("%v, written again %v", before[i], after[i])
			}
		}
	})
}
