package signed

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "sshsig", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOpenSSHVectors: OpenSSH's own test signatures are good, and nothing that was altered is.
func TestOpenSSHVectors(t *testing.T) {
	namespace, msg := string(vector(t, "namespace")), vector(t, "signed-data")
	for _, kind := range []string{"ed25519", "rsa"} {
		sig := vector(t, kind+".sig")
		key, _, _, _, err := ssh.ParseAuthorizedKey(vector(t, kind+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(key, namespace, msg, sig); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if err := Check(key, Seal, msg, sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s, another purpose: %v", kind, err)
		}
		if err := Check(key, namespace, append(bytes.Clone(msg), 'x'), sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s, another text: %v", kind, err)
		}
		for i := range sig {
			changed := bytes.Clone(sig)
			if changed[i] ^= 1; Check(key, namespace, msg, changed) == nil {
				t.Errorf("%s: byte %d altered, and good", kind, i)
			}
		}
	}
}

// TestKindsOfKeys: each kind that can be made here signs as ssh-keygen wants it, plain and
// with a certificate; RSA by rsa-sha2-512 alone, and not short.
func TestKindsOfKeys(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]crypto.Signer{"ed25519": ed}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		if all[name], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	if all["rsa"], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	ca, err := ssh.NewSignerFromSigner(all["rsa"])
	if err != nil {
		t.Fatal(err)
	}
	msg := []byte("{}\n")
	for name, key := range all {
		s, err := ssh.NewSignerFromSigner(key)
		if err != nil {
			t.Fatal(err)
		}
		cert := &ssh.Certificate{Key: s.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"operator:alice"}, ValidBefore: ssh.CertTimeInfinity}
		if err := cert.SignCert(rand.Reader, ca); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*ssh.Certificate{nil, cert} {
			by, err := ByCertificate(s, c)
			if err != nil {
				t.Fatal(err)
			}
			sig, err := by.Sign(Job, msg)
			if err != nil {
				t.Fatal(err)
			}
			if err := Check(by.Public(), Job, msg, sig); err != nil {
				t.Errorf("%s, certificate %v: %v", name, c != nil, err)
			}
			if c == nil {
				judged(t, by.Public(), msg, sig)
			} else if Fingerprint(by.Public()) != ssh.FingerprintSHA256(s.PublicKey()) || Check(s.PublicKey(), Job, msg, sig) == nil {
				t.Errorf("%s: the certificate does not stand for the key", name)
			}
		}
		if _, err := ByCertificate(ca, cert); err == nil && name != "rsa" {
			t.Errorf("%s: a certificate of another key is taken", name)
		}
	}
}

// TestWeakRSA: SHA-1, SHA-256 and short keys are refused, whoever made the signature.
func TestWeakRSA(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512} {
		sig, err := SignSSH(fixed{s, format}, Job, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(s.PublicKey(), Job, []byte("x"), sig); (err == nil) != (format == ssh.KeyAlgoRSASHA512) {
			t.Errorf("%s: %v", format, err)
		}
	}
	short, err := ssh.NewPublicKey(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	made := &sshsig.Signature{PublicKey: short, Signature: &ssh.Signature{Format: ssh.KeyAlgoRSASHA512}}
	if err := goodKey(made); BitsOfRSA(short) != 1024 || !errors.Is(err, ErrSignature) {
		t.Errorf("%d bits: %v", BitsOfRSA(short), err)
	}
}

// fixed signs RSA by one algorithm, whichever is asked for.
type fixed struct {
	ssh.Signer
	format string
}

func (f fixed) SignWithAlgorithm(_ io.Reader, data []byte, _ string) (*ssh.Signature, error) {
	return f.Signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, data, f.format)
}

func FuzzCheck(f *testing.F) {
	f.Add(vector(f, "ed25519.sig"), vector(f, "signed-data"))
	f.Add(vector(f, "rsa.sig"), vector(f, "signed-data"))
	f.Fuzz(func(t *testing.T, sig, msg []byte) {
		key, err := CheckAny("unittest", msg, sig)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(sig), ArmorBegin) || Check(key, "unittest", msg, sig) != nil {
			t.Error("good, and then not")
		}
	})
}
