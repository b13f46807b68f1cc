package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
)

// privateKeys is one key of each kind that a file can hold.
func privateKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	all := map[string]crypto.Signer{}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all["ed25519"] = ed
	for name, curve := range map[string]elliptic.Curve{"nistp256": elliptic.P256(), "nistp384": elliptic.P384(), "nistp521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = k
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	all["rsa"] = k
	return all
}

// saved writes a private key as ssh-keygen does, and its public key beside it.
func saved(t *testing.T, key crypto.Signer, comment, passphrase string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, comment)
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, comment, []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "id")
	write(t, file, pem.EncodeToMemory(block))
	write(t, file+".pub", []byte(signed.PublicText(public)+" "+comment+"\n"))
	return file
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// good says whether a key signs as it must.
func good(t *testing.T, k signed.Signer) {
	t.Helper()
	msg := []byte("{}\n")
	sig, err := k.Sign(signed.Seal, msg)
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.Check(k.Public(), signed.Seal, msg, sig); err != nil {
		t.Error(err)
	}
	if err := signed.Check(k.Public(), signed.Event, msg, sig); err == nil {
		t.Error("good for another purpose")
	}
}

func TestFiles(t *testing.T) {
	for name, private := range privateKeys(t) {
		t.Run(name, func(t *testing.T) {
			k, err := Open(saved(t, private, "operator:sato", ""), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if k.Comment != "operator:sato" || k.Agent {
				t.Errorf("comment %q, agent %v", k.Comment, k.Agent)
			}
			good(t, k)
		})
	}
}

// TestPassphrase: it is asked for when something is signed, and not before.
func TestPassphrase(t *testing.T) {
	file := saved(t, privateKeys(t)["ed25519"], "", "correct horse")
	asked, answer := 0, "correct horse"
	o := Options{Passphrase: func(f string) ([]byte, error) {
		if asked++; f != file {
			t.Errorf("asked for %s", f)
		}
		return []byte(answer), nil
	}}
	k, err := Open(file, o)
	if err != nil || asked != 0 {
		t.Fatalf("asked %d times, %v", asked, err)
	}
	good(t, k)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	answer = "wrong"
	if _, err := k.Sign(signed.Seal, nil); !errors.Is(err, ErrKey) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if k, err = Open(file, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign(signed.Seal, nil); !errors.Is(err, ErrKey) {
		t.Errorf("nobody to ask: %v", err)
	}
}
