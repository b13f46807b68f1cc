package signed

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// A securityKey signs as a FIDO token does (openssh PROTOCOL.u2f).
type securityKey struct {
	public ssh.PublicKey
	sign   func(msg []byte) []byte
	flags  byte
	rest   []byte // more than belongs there
}

func (k securityKey) PublicKey() ssh.PublicKey { return k.public }

func (k securityKey) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	app, msg := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := binary.BigEndian.AppendUint32([]byte{k.flags}, 7)
	blob := k.sign(append(append(app[:], rest...), msg[:]...))
	return &ssh.Signature{Format: k.public.Type(), Blob: blob, Rest: append(rest, k.rest...)}, nil
}

func securityKeys(t *testing.T) []securityKey {
	t.Helper()
	public := func(fields any) ssh.PublicKey {
		k, err := ssh.ParsePublicKey(ssh.Marshal(fields))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return []securityKey{
		{public: public(struct{ T, Key, App string }{ssh.KeyAlgoSKED25519, string(edPublic), "ssh:"}),
			sign: func(msg []byte) []byte { sig, _ := ed.Sign(nil, msg, crypto.Hash(0)); return sig }},
		{public: public(struct{ T, Curve, Point, App string }{ssh.KeyAlgoSKECDSA256, "nistp256", string(point), "ssh:"}),
			sign: func(msg []byte) []byte {
				sum := sha256.Sum256(msg)
				r, s, err := ecdsa.Sign(rand.Reader, ec, sum[:])
				if err != nil {
					t.Fatal(err)
				}
				return ssh.Marshal(struct{ R, S *big.Int }{r, s})
			}},
	}
}

// TestSecurityKeys: signatures by tokens verify, here and by ssh-keygen, and have no byte
// that could be altered without notice.
func TestSecurityKeys(t *testing.T) {
	msg := []byte("{}\n")
	for _, k := range securityKeys(t) {
		k.flags = 1 // somebody touched it
		sig, err := SignSSH(k, Job, msg)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(k.public, Job, msg, sig); err != nil {
			t.Errorf("%s: %v", k.public.Type(), err)
		}
		if key, namespace, err := SignerOf(sig); err != nil || namespace != Job || !bytes.Equal(key.Marshal(), k.public.Marshal()) {
			t.Errorf("%s: signer of %s: %v", k.public.Type(), namespace, err)
		}
		if err := Check(k.public, Job, []byte("[]\n"), sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: another text: %v", k.public.Type(), err)
		}
		if err := Check(k.public, Event, msg, sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: another purpose: %v", k.public.Type(), err)
		}
		judged(t, k.public, msg, sig)
		k.rest = []byte{0}
		if more, err := SignSSH(k, Job, msg); err != nil || Check(k.public, Job, msg, more) == nil {
			t.Errorf("%s: a byte more is taken, %v", k.public.Type(), err)
		}
		k.rest, k.flags = nil, 0
		if untouched, err := SignSSH(k, Job, msg); err != nil || Check(k.public, Job, msg, untouched) == nil {
			t.Errorf("%s: nobody touched it, %v", k.public.Type(), err)
		}
	}
}

// judged asks ssh-keygen.
func judged(t *testing.T, key ssh.PublicKey, msg, sig []byte) {
	t.Helper()
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen here")
	}
	dir := t.TempDir()
	trust, file := filepath.Join(dir, "trust"), filepath.Join(dir, "sig")
	for name, b := range map[string][]byte{trust: []byte("operator:alice " + PublicText(key) + "\n"), file: sig} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(tool, "-Y", "verify", "-f", trust, "-I", "operator:alice", "-n", Job, "-s", file)
	c.Stdin = bytes.NewReader(msg)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("ssh-keygen: %v: %s", err, out)
	}
}

// TestOtherKeysHaveNothingMore: bytes after the signature proper are refused.
func TestOtherKeysHaveNothingMore(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	for n, good := range map[int]bool{0: true, 1: false, 5: false} {
		sig, err := SignSSH(longer{signer, n}, Job, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(signer.PublicKey(), Job, []byte("x"), sig); (err == nil) != good {
			t.Errorf("%d bytes more: %v", n, err)
		}
	}
}

type longer struct {
	ssh.Signer
	n int
}

func (l longer) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	sig, err := l.Signer.Sign(r, data)
	if err == nil {
		sig.Rest = make([]byte, l.n)
	}
	return sig, err
}
