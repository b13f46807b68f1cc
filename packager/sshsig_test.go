package packager

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
)

func vector(t testing.TB, name string) []byte {
	return readFile(t, filepath.Join("testdata", "sshsig", name))
}

// vectorKey reads the public key of a vector; its text is without the comment.
func vectorKey(t testing.TB, name string) ssh.PublicKey {
	t.Helper()
	k, _, _, _, err := ssh.ParseAuthorizedKey(vector(t, name+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The signatures of OpenSSH's own tests verify, and none of their neighbours does.
func TestOpenSSHVectors(t *testing.T) {
	msg, ns := vector(t, "signed-data"), strings.TrimSpace(string(vector(t, "namespace")))
	for _, name := range []string{"ed25519", "rsa"} {
		key, sig := vectorKey(t, name), vector(t, name+".sig")
		if err := signed.Check(key, ns, msg, sig); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		refuse := func(what string, k ssh.PublicKey, ns string, msg, sig []byte) {
			if err := signed.Check(k, ns, msg, sig); !errors.Is(err, signed.ErrSignature) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		other := map[string]string{"ed25519": "rsa", "rsa": "ed25519"}[name]
		refuse("another key", vectorKey(t, other), ns, msg, sig)
		refuse("another namespace", key, ns+"x", msg, sig)
		refuse("no namespace", key, "", msg, sig)
		refuse("another message", key, ns, append(bytes.Clone(msg), 0), sig)
		refuse("no signature", key, ns, msg, nil)
		refuse("re-wrapped", key, ns, msg, rewrap(76)(sig))
		refuse("without the last newline", key, ns, msg, sig[:len(sig)-1])
		refuse("with CR LF", key, ns, msg, bytes.ReplaceAll(sig, []byte("\n"), []byte("\r\n")))
		refuse("twice", key, ns, msg, append(bytes.Clone(sig), sig...))
		for i := range sig {
			flipped := bytes.Clone(sig)
			flipped[i] ^= 1 << (i % 7)
			refuse("flipped", key, ns, msg, flipped)
		}
	}
	if err := signed.Check(vectorKey(t, "ed25519"), ns, msg, longer(vector(t, "ed25519.sig"))); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("longer: %v", err)
	}
}

// An ECDSA device key signs archives, too.
func TestECDSADevice(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := Device{Name: "tpm", Signer: key}
	f := newForge(t, d)
	f.member("data/a", "x")
	f.checkpoint("open", lie{})
	if r := verdict(t, f.finish(), trusting(t, d)); r.Verdict != Valid {
		t.Errorf("%s %q", r.Verdict, r.Findings)
	}
}

func FuzzCheckSignature(f *testing.F) {
	msg, ns := vector(f, "signed-data"), strings.TrimSpace(string(vector(f, "namespace")))
	key := vectorKey(f, "ed25519")
	good := vector(f, "ed25519.sig")
	for _, s := range [][]byte{good, vector(f, "rsa.sig"), longer(good), rewrap(64)(good), nil} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sig []byte) {
		if err := signed.Check(key, ns, msg, sig); err == nil && !bytes.Equal(sig, good) {
			t.Errorf("another form of the same signature is accepted: %q", sig)
		}
	})
}
