package policy

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/revoked"
	"hozen/packager/signed"
	"hozen/service/job"
)

// certified gives alice a certificate by an authority that the trust file believes for
// operators, and signs a job with it.
func (s *scene) certified(t *testing.T, ca ssh.Signer, serial uint64, principals ...string) []byte {
	t.Helper()
	key, err := ssh.NewSignerFromSigner(s.keys["stranger"])
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{Key: key.PublicKey(), Serial: serial, CertType: ssh.UserCert, ValidPrincipals: principals,
		ValidAfter: uint64(now.Add(-time.Hour).Unix()), ValidBefore: uint64(now.Add(30 * time.Minute).Unix())}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	by, err := signed.ByCertificate(key, cert)
	if err != nil {
		t.Fatal(err)
	}
	made, err := job.New(example())
	if err != nil {
		t.Fatal(err)
	}
	if err := made.SignBy("alice", by); err != nil {
		t.Fatal(err)
	}
	b, err := made.Envelope.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRevokedAndCertified: an operator may be trusted through an authority, and is no more
// once his key or certificate is revoked.
func TestRevokedAndCertified(t *testing.T) {
	s := newScene(t)
	private, text := newKey(t)
	ca, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := os.ReadFile(s.TrustFile)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file string, b []byte) {
		t.Helper()
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(s.TrustFile, append(trust, fmt.Sprintf("operator:* cert-authority,namespaces=\"hozen-job-v1\" %s\n", text)...))
	if _, err := PinTrust(s.TrustFile, s.PinFile); err != nil {
		t.Fatal(err)
	}
	want := func(what string, envelope []byte, at time.Time, reason string) {
		t.Helper()
		_, r := s.Check(envelope, at)
		if got := ""; r != nil {
			if got = r.Reason; got != reason {
				t.Errorf("%s: %s (%s), want %q", what, got, r.Text, reason)
			}
		} else if reason != "" {
			t.Errorf("%s: taken", what)
		}
	}
	plain, certified := s.envelope(t, example(), signed.Job, "alice"), s.certified(t, ca, 7, "operator:alice")
	want("plain", plain, now, "")
	want("certified", certified, now, "")
	want("certified for another", s.certified(t, ca, 8, "operator:bob"), now, WrongKey)
	want("certified by a stranger", s.certified(t, mustSigner(t, s), 9, "operator:alice"), now, WrongKey)
	want("the certificate has expired", certified, now.Add(45*time.Minute), KeyTime)
	s.Revoked = filepath.Join(t.TempDir(), "revoked")
	want("no list where one should be", plain, now, TrustChanged)
	var list revoked.List
	write(s.Revoked, list.KRL(now))
	want("an empty list", plain, now, "")
	alice, err := ssh.NewPublicKey(s.keys["alice"].Public())
	if err != nil {
		t.Fatal(err)
	}
	write(s.Revoked, ssh.MarshalAuthorizedKey(alice))
	want("the key is revoked", plain, now, KeyRevoked)
	want("another's key is", certified, now, "")
	cert := &ssh.Certificate{Serial: 7, Key: alice, SignatureKey: ca.PublicKey()}
	if err := list.AddCertificate(cert); err != nil {
		t.Fatal(err)
	}
	write(s.Revoked, list.KRL(now))
	want("the certificate is revoked", certified, now, KeyRevoked)
	list.AddKey(ca.PublicKey())
	write(s.Revoked, list.KRL(now))
	want("the authority is revoked", s.certified(t, ca, 99, "operator:alice"), now, KeyRevoked)
	write(s.Revoked, []byte("not a list\n"))
	want("a list that cannot be read", plain, now, TrustChanged)
}

func mustSigner(t *testing.T, s *scene) ssh.Signer {
	t.Helper()
	k, err := ssh.NewSignerFromSigner(s.keys["eve"])
	if err != nil {
		t.Fatal(err)
	}
	return k
}
