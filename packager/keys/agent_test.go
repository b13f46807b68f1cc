package keys

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"hozen/packager/keys/keystest"
	"hozen/packager/signed"
)

// served serves a keyring as ssh-agent does.
func served(t *testing.T, ring agent.Agent) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // sockets have short names
	if err != nil {
		t.Fatal(err)
	}
	stop, err := keystest.Serve(keystest.Name(dir), ring)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stop(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return keystest.Name(dir)
}

// TestSilentAgent: one that takes calls and says nothing is left behind.
func TestSilentAgent(t *testing.T) {
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	stop, err := keystest.Listen(keystest.Name(dir), func(c io.ReadWriteCloser) {
		_, err := io.Copy(io.Discard, c)
		left <- errors.Join(err, c.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open("agent", Options{Socket: keystest.Name(dir)}); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "has not answered") {
		t.Errorf("a silent agent: %v", err)
	}
	if err := errors.Join(<-left, stop(), os.RemoveAll(dir)); err != nil { // the connection was closed
		t.Error(err)
	}
}

func TestAgent(t *testing.T) {
	ring := agent.NewKeyring()
	o := Options{Socket: served(t, ring)}
	if _, err := Open("agent", o); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "no key") {
		t.Errorf("an empty agent: %v", err)
	}
	for name, private := range privateKeys(t) {
		if err := ring.RemoveAll(); err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: private, Comment: name + " of sato"}); err != nil {
			t.Fatal(err)
		}
		k, err := Open("agent", o)
		if err != nil {
			t.Fatal(err)
		}
		if !k.Agent || k.Comment != name+" of sato" {
			t.Errorf("%+v", k)
		}
		good(t, k)
	}
}

func TestWhichOfTheAgent(t *testing.T) {
	ring := agent.NewKeyring()
	o := Options{Socket: served(t, ring)}
	all := privateKeys(t)
	for _, name := range []string{"ed25519", "nistp384"} {
		if err := ring.Add(agent.AddedKey{PrivateKey: all[name], Comment: name}); err != nil {
			t.Fatal(err)
		}
	}
	file := saved(t, all["nistp384"], "x", "")
	there, err := ssh.NewPublicKey(all["nistp384"].Public())
	if err != nil {
		t.Fatal(err)
	}
	stranger := saved(t, all["rsa"], "x", "")
	if err := os.Remove(stranger); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{"agent:nistp384", "agent:" + ssh.FingerprintSHA256(there), "agent:" + file + ".pub", file + ".pub"} {
		k, err := Open(spec, o)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		if !k.Agent || signed.Fingerprint(k.Public()) != ssh.FingerprintSHA256(there) {
			t.Errorf("%s: %+v", spec, k)
		}
		good(t, k)
	}
	_, err = os.Stat(stranger)
	missing := errors.Unwrap(err).Error()
	for spec, why := range map[string]string{
		"agent": "it has 2 keys", "agent:somebody": "it has no key", "agent:SHA256:x": "ed25519", stranger + ".pub": "does not have the key",
		"agent:" + stranger + ".pub": "does not have the key", stranger: missing,
	} {
		if _, err := Open(spec, o); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", spec, err)
		}
	}
	for what, o := range map[string]Options{"no agent": {}, "nobody there": {Socket: filepath.Join(t.TempDir(), "s")}} {
		if _, err := Open("agent", o); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCertificates: of an authority in a file or an agent, beside a file, in an agent, by
// its own name; and only of the key that it is of.
func TestCertificates(t *testing.T) {
	all := privateKeys(t)
	ring := agent.NewKeyring()
	o := Options{Socket: served(t, ring)}
	grant := Grant{Principals: []string{"operator:sato"}, After: time.Now(), Before: time.Now().Add(time.Hour), ID: "sato"}
	for name, ca := range all {
		for _, spec := range []string{saved(t, ca, "", ""), "agent"} {
			if err := errors.Join(ring.RemoveAll(), ring.Add(agent.AddedKey{PrivateKey: ca})); err != nil {
				t.Fatal(err)
			}
			authority, err := Open(spec, o)
			if err != nil {
				t.Fatal(err)
			}
			file := saved(t, all["ed25519"], "", "")
			plain, err := Open(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			cert, err := Certify(authority, plain.Public(), grant)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			checker := ssh.CertChecker{}
			if err := checker.CheckCert("operator:sato", cert); err != nil || cert.Serial == 0 || cert.Signature.Format == ssh.KeyAlgoRSA {
				t.Errorf("%s: %v, number %d, by %s", name, err, cert.Serial, cert.Signature.Format)
			}
			write(t, file+"-cert.pub", ssh.MarshalAuthorizedKey(cert))
			for _, spec := range []string{file, file + "-cert.pub"} {
				k, err := Open(spec, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := k.Public().(*ssh.Certificate); !ok {
					t.Errorf("%s: without its certificate", spec)
				}
				good(t, k)
			}
			if k, err := Open(file+".pub", Options{}); err != nil || k.Public().Type() != ssh.KeyAlgoED25519 {
				t.Errorf("the plain key was given: %v", err)
			}
			other := saved(t, all["nistp256"], "", "")
			write(t, other+"-cert.pub", ssh.MarshalAuthorizedKey(cert))
			if _, err := Open(other, Options{}); err == nil {
				t.Error("a certificate of another key is taken")
			}
			if err := ring.Add(agent.AddedKey{PrivateKey: all["ed25519"], Certificate: cert, Comment: "certified"}); err != nil {
				t.Fatal(err)
			}
			fingerprint := signed.Fingerprint(cert)
			if name != "ed25519" { // as ssh-add does it: the key, and its certificate
				if err := ring.Add(agent.AddedKey{PrivateKey: all["ed25519"], Comment: "certified"}); err != nil {
					t.Fatal(err)
				}
			}
			for _, spec := range []string{"agent:certified", "agent:" + fingerprint} {
				k, err := Open(spec, o)
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := k.Public().(*ssh.Certificate); !ok {
					t.Errorf("%s: not with the certificate that is there", spec)
				}
				good(t, k)
			}
		}
	}
	ca, err := Open(saved(t, all["ed25519"], "", ""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, g := range map[string]Grant{
		"for nobody":      {After: grant.After, Before: grant.Before},
		"never valid":     {Principals: grant.Principals, After: grant.Before, Before: grant.After},
		"before all time": {Principals: grant.Principals, After: time.Unix(-1, 0), Before: grant.Before},
	} {
		if _, err := Certify(ca, ca.Public(), g); err == nil {
			t.Errorf("%s: certified", what)
		}
	}
}

// A lyingAgent signs something else.
type lyingAgent struct{ agent.ExtendedAgent }

func (l lyingAgent) SignWithFlags(key ssh.PublicKey, data []byte, flags agent.SignatureFlags) (*ssh.Signature, error) {
	return l.ExtendedAgent.SignWithFlags(key, append(data, 'x'), flags)
}

func TestLyingAgent(t *testing.T) {
	ring := agent.NewKeyring().(agent.ExtendedAgent)
	if err := ring.Add(agent.AddedKey{PrivateKey: privateKeys(t)["ed25519"]}); err != nil {
		t.Fatal(err)
	}
	k, err := Open("agent", Options{Socket: served(t, lyingAgent{ring})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign(signed.Seal, []byte("x")); err == nil {
		t.Error("the signature of something else is taken")
	}
}

func FuzzPrivate(f *testing.F) {
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "id")
		write(t, file, b)
		if k, err := Open(file, Options{}); err == nil {
			good(t, k)
		}
	})
}
