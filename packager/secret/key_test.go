package secret

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// What we sign is byte for byte what the standard library signs (RFC 8032 leaves
// no freedom), for keys and messages of any length.
func TestSignaturesAreThoseOfTheStandardLibrary(t *testing.T) {
	for i := range 500 {
		seed, msg := make([]byte, seedSize), make([]byte, i*3)
		rand.Read(seed)
		rand.Read(msg)
		k, err := New(bytes.NewReader(seed))
		if err != nil {
			t.Fatal(err)
		}
		want := ed25519.NewKeyFromSeed(seed)
		got, err := k.Sign(nil, msg, nil)
		if err != nil || !bytes.Equal(got, ed25519.Sign(want, msg)) || !want.Public().(ed25519.PublicKey).Equal(k.Public()) {
			t.Fatalf("seed %x, %d bytes: %x, %v", seed, len(msg), got, err)
		}
		k.Erase()
	}
}

// RFC 8032 section 7.1, test 3.
func TestSignsTheVectorOfTheRFC(t *testing.T) {
	seed := "\xc5\xaa\x8d\xf4\x3f\x9f\x83\x7b\xed\xb7\x44\x2f\x31\xdc\xb7\xb1\x66\xd3\x85\x35\x07\x6f\x09\x4b\x85\xce\x3a\x2e\x0b\x44\x58\xf7"
	k, err := New(strings.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := k.Sign(nil, []byte{0xaf, 0x82}, nil)
	want := "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
	if got := fmt.Sprintf("%x", sig); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}

// Nothing that is computed from a key is allocated: what lies on the heap cannot
// be wiped.
func TestNothingSecretIsAllocated(t *testing.T) {
	var sig [signatureSize]byte
	seed, msg := make([]byte, seedSize), make([]byte, 300)
	for name, f := range map[string]func(){
		"sign":   func() { sign(sig[:], seed, seed, msg) },
		"derive": func() { derive(sig[:publicSize], seed) },
	} {
		if n := testing.AllocsPerRun(10, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	text, scratch := make([]byte, 4096), make([]byte, 4096)
	derive(sig[:publicSize], seed)
	length := 0
	if n := testing.AllocsPerRun(10, func() { length = format(text, scratch, seed, sig[:publicSize], "device:x") }); n != 0 {
		t.Errorf("format allocates %v times", n)
	}
	var err error
	out, public := make([]byte, seedSize), make([]byte, publicSize)
	if n := testing.AllocsPerRun(10, func() { err = parse(out, public, text[:length], scratch) }); n != 0 || err != nil {
		t.Errorf("parse allocates %v times, %v", n, err)
	}
}

func TestErasedKeysDoNotSign(t *testing.T) {
	k, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	public := bytes.Clone(k.public)
	k.Erase()
	k.Erase()
	if _, err := k.Sign(nil, nil, nil); !errors.Is(err, ErrErased) {
		t.Errorf("sign: %v", err)
	}
	if err := k.Write(filepath.Join(t.TempDir(), "key"), "", true); !errors.Is(err, ErrErased) {
		t.Errorf("write: %v", err)
	}
	if !bytes.Equal(public, k.public) {
		t.Error("the public key went, too")
	}
}

func TestWriteEraseReread(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	k, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Write(file, "device:pc-42", true); err != nil {
		t.Fatal(err)
	}
	if err := k.Write(file, "device:pc-42", true); !errors.Is(err, os.ErrExist) {
		t.Errorf("over an existing file: %v", err)
	}
	before, err := k.Sign(nil, []byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	k.Erase()
	if err := k.Reread(file); err != nil {
		t.Fatal(err)
	}
	if after, err := k.Sign(nil, []byte("x"), nil); err != nil || !bytes.Equal(before, after) {
		t.Errorf("%v", err)
	}
	other, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Reread(file); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("another's file: %v", err)
	}
	if err := Remove(file); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// What OpenSSH and its Go library write we read, and the other way round.
func TestKeyFilesAreThoseOfOpenSSH(t *testing.T) {
	for _, comment := range []string{"", "device:pc-42", "device:a", "device:ab", "device:abc", strings.Repeat("x", 1000)} {
		file := filepath.Join(t.TempDir(), "key")
		k, err := New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Write(file, comment, true); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := ssh.ParseRawPrivateKey(b)
		if err != nil {
			t.Fatalf("%q: %v", comment, err)
		}
		if p := raw.(*ed25519.PrivateKey).Public().(ed25519.PublicKey); !p.Equal(k.Public()) {
			t.Errorf("%q: another key", comment)
		}
	}
}

func TestKeysOfSSHKeygen(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skipf("needs ssh-keygen: %v", err)
	}
	dir := t.TempDir()
	made := func(name string, args ...string) string {
		file := filepath.Join(dir, name)
		if out, err := exec.Command(tool, append([]string{"-q", "-f", file}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return file
	}
	file := made("good", "-t", "ed25519", "-N", "", "-C", "who@where")
	k, _, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(file + ".pub")
	if err != nil || !strings.HasPrefix(string(have), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))) {
		t.Errorf("%v: another key than %s", err, have)
	}
	// Ours is read by ssh-keygen.
	ours := filepath.Join(dir, "ours")
	if err := k.Write(ours, "device:pc-42", true); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-y", "-f", ours).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(have), strings.Join(strings.Fields(string(out))[:2], " ")) {
		t.Errorf("ssh-keygen -y: %v: %s", err, out)
	}
	for _, file := range []string{made("locked", "-t", "ed25519", "-N", "secret"), made("ecdsa", "-t", "ecdsa", "-N", ""), file + ".pub"} {
		if _, _, err := Read(file); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// No byte of a key file can be changed so that another key is taken for it.
func TestDamagedKeyFiles(t *testing.T) {
	k, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, scratch := make([]byte, 4096), make([]byte, 4096)
	n := format(text, scratch, k.seed.b[:seedSize], k.public, "device:x")
	var seed [seedSize]byte
	var public [publicSize]byte
	for i := range n {
		for _, bad := range [][]byte{bytes.Clone(text[:i]), bytes.Clone(text[:n])} {
			if len(bad) == n {
				bad[i] ^= 1
			}
			if err := parse(seed[:], public[:], bad, scratch); err == nil && !bytes.Equal(public[:], k.public) {
				t.Errorf("byte %d: another key", i)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	text, scratch := make([]byte, 4096), make([]byte, 4096)
	var seed [seedSize]byte
	var public [publicSize]byte
	derive(public[:], seed[:])
	f.Add(bytes.Clone(text[:format(text, scratch, seed[:], public[:], "device:x")]))
	f.Add([]byte(textBegin + textEnd))
	f.Fuzz(func(t *testing.T, b []byte) {
		parse(make([]byte, seedSize), make([]byte, publicSize), b, make([]byte, len(b)))
	})
}

func BenchmarkSign(b *testing.B) {
	k, err := New(nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Sign(nil, k.public, nil); err != nil {
			b.Fatal(err)
		}
	}
}
