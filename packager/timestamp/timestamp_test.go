package timestamp

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hozen/packager/timestamp/tsatest"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func roots(t *testing.T, pem []byte) *Roots {
	t.Helper()
	r, err := ParseRoots(pem)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// openssl says what "openssl ts -verify" says of an answer as of its time; tests that
// have no judge skip.
func openssl(t *testing.T, answer, data, pem []byte, at time.Time) (ok bool, said string) {
	t.Helper()
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{"in": answer, "data": data, "roots": pem} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(tool, "ts", "-verify", "-in", "in", "-data", "data", "-CAfile", "roots", "-untrusted", "roots", "-attime", strconv.FormatInt(at.Unix(), 10))
	c.Dir = dir
	out, err := c.CombinedOutput()
	return err == nil, string(out)
}

// TestReal: tokens of a public authority, as EXPECTED says; openssl agrees on each.
func TestReal(t *testing.T) {
	var expected struct {
		Results map[string]struct{ Gentime, Hash, Status string }
	}
	if err := json.Unmarshal(read(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected.Results) != 5 {
		t.Fatalf("%d answers", len(expected.Results))
	}
	pem, data := read(t, "ts_chain.pem"), []byte("hello")
	for name, want := range expected.Results {
		name = filepath.Base(name)
		t.Run(name, func(t *testing.T) {
			answer := read(t, name)
			token, err := Parse(answer)
			if err != nil {
				t.Fatal(err)
			}
			if at, err := time.Parse("Jan _2 15:04:05 2006 MST", want.Gentime); err != nil || !at.Equal(token.Time) || strings.ReplaceAll(strings.ToLower(token.Hash.String()), "-", "") != want.Hash {
				t.Errorf("%v, %v, want %+v", token.Time, token.Hash, want)
			}
			if token.Accuracy != time.Second || !token.HasAccuracy || token.Policy != "1.3.6.1.4.1.57264.2" || token.Ordering || len(token.Nonce) < 16 {
				t.Errorf("%+v", token)
			}
			if err := token.For(data); err != nil {
				t.Error(err)
			}
			if err := token.For([]byte("hullo")); !errors.Is(err, ErrOther) {
				t.Errorf("of other bytes: %v", err)
			}
			good := !strings.Contains(name, "invalid")
			err = token.Verify(roots(t, pem))
			if (err == nil) != good || !good && !errors.Is(err, ErrBroken) {
				t.Errorf("verify: %v", err)
			}
			if token.TSA != "CN=sigstore-tsa,O=sigstore.dev" {
				t.Errorf("by %q", token.TSA)
			}
			if ok, said := openssl(t, answer, data, pem, token.Time); ok != good {
				t.Errorf("openssl: %v: %s", ok, said)
			}
			// The token alone is the same.
			again, err := Parse(token.DER)
			if err != nil || again.SHA256 != token.SHA256 || (again.Verify(roots(t, pem)) == nil) != good {
				t.Errorf("the token alone: %v", err)
			}
		})
	}
}

// stamped is the answer of an authority to a request for some bytes.
func stamped(t *testing.T, a *tsatest.Authority, data string) (Request, []byte) {
	t.Helper()
	r, err := NewRequest(sha256.Sum256([]byte(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	query, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.Answer(query)
	if err != nil {
		t.Fatal(err)
	}
	return r, answer
}

func at() time.Time { return time.Date(2026, 11, 21, 9, 5, 0, 0, time.UTC) }

func authority(t *testing.T, shape tsatest.Shape) *tsatest.Authority {
	t.Helper()
	a, err := tsatest.New(at, shape)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAnswers: what authorities do, right and wrong, and what we and openssl say of it.
func TestAnswers(t *testing.T) {
	ours, other := authority(t, tsatest.Shape{Name: "ours"}), authority(t, tsatest.Shape{Name: "other"})
	subject := func(raw []byte) []byte { return append([]byte{0xa4, byte(len(raw))}, raw...) }
	for _, c := range []struct {
		name    string
		lie     tsatest.Lie
		want    error // nil: good
		differs bool  // openssl takes it: it does not look at that
	}{
		{name: "plain"},
		{name: "without the certificate", lie: tsatest.Lie{NoCertificate: true}},
		{name: "bound as of old", lie: tsatest.Lie{OldBinding: true}},
		{name: "granted with changes", lie: tsatest.Lie{Status: 1}},
		{name: "with a fraction", lie: tsatest.Lie{Time: "20261121090500.125Z"}},
		{name: "names itself", lie: tsatest.Lie{Name: subject(ours.Signer.RawSubject)}},
		{name: "names another", lie: tsatest.Lie{Name: subject(other.Signer.RawSubject)}, want: ErrBroken},
		{name: "not bound", lie: tsatest.Lie{Unbound: true}, want: ErrBroken},
		{name: "bound to another", lie: tsatest.Lie{BoundTo: other.Signer}, want: ErrBroken},
		{name: "bound of old to another", lie: tsatest.Lie{BoundTo: other.Signer, OldBinding: true}, want: ErrBroken},
		{name: "signed by another", lie: tsatest.Lie{OtherSigner: other}, want: ErrBroken},
		{name: "bad signature", lie: tsatest.Lie{BadSignature: true}, want: ErrBroken},
		{name: "of other content", lie: tsatest.Lie{OtherDigest: true}, want: ErrBroken},
		{name: "of another kind of content", lie: tsatest.Lie{OtherContentType: true}, want: ErrBroken, differs: true},
		{name: "two signers", lie: tsatest.Lie{Twice: true}, want: ErrBroken},
		{name: "of another version", lie: tsatest.Lie{ContentVersion: 2}, want: ErrBroken},
		{name: "a critical extension", lie: tsatest.Lie{CriticalExtension: true}, want: ErrBroken, differs: true},
		{name: "local time", lie: tsatest.Lie{Time: "20261121090500"}, want: ErrBroken, differs: true},
		{name: "a time of a zone", lie: tsatest.Lie{Time: "20261121090500+0900"}, want: ErrBroken, differs: true},
		{name: "no time at all", lie: tsatest.Lie{Time: "soon"}, want: ErrBroken, differs: true},
		{name: "a fraction that ends in zero", lie: tsatest.Lie{Time: "20261121090500.120Z"}, want: ErrBroken, differs: true},
		{name: "accuracy below zero", lie: tsatest.Lie{Accuracy: []byte{0x30, 3, 2, 1, 0xff}}, want: ErrBroken, differs: true},
		{name: "accuracy of 1,000 ms", lie: tsatest.Lie{Accuracy: []byte{0x30, 4, 0x80, 2, 3, 0xe8}}, want: ErrBroken, differs: true},
		{name: "before its certificate", lie: tsatest.Lie{Time: "20191121090500Z"}, want: ErrChain, differs: true},
		{name: "behind its certificate", lie: tsatest.Lie{Time: "20451121090500Z"}, want: ErrChain, differs: true},
		{name: "SHA-1", lie: tsatest.Lie{OtherHashAlgorithm: []int{1, 3, 14, 3, 2, 26}, Imprint: make([]byte, 20)}, want: ErrBroken},
		{name: "refused", lie: tsatest.Lie{Status: 2}, want: ErrRefused},
		{name: "something behind it", lie: tsatest.Lie{TextBehind: []byte{0}}, want: ErrBroken, differs: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours.Lie = c.lie
			request, answer := stamped(t, ours, "seal")
			pem := ours.Roots(true)
			token, err := Parse(answer)
			if err == nil {
				err = token.Verify(roots(t, pem))
			}
			if err == nil {
				err = request.Check(token)
			}
			if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if ok, said := openssl(t, answer, []byte("seal"), pem, at()); ok != (c.want == nil) && !c.differs {
				t.Errorf("openssl: %v: %s", ok, said)
			}
		})
	}
}

// TestKeyID: openssl does not read a signer named by the identifier of its key; RFC 5652
// has it.
func TestKeyID(t *testing.T) {
	a := authority(t, tsatest.Shape{})
	a.Lie.ByKeyID = true
	_, answer := stamped(t, a, "seal")
	token, err := Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Verify(roots(t, a.Roots(false))); err != nil {
		t.Error(err)
	}
}

// TestRequest: an answer to another request is not taken.
func TestRequest(t *testing.T) {
	a := authority(t, tsatest.Shape{})
	for name, c := range map[string]struct {
		lie  tsatest.Lie
		want string
	}{
		"another nonce":   {tsatest.Lie{Nonce: []byte{1, 2, 3}}, "its nonce differs"},
		"no nonce":        {tsatest.Lie{NoNonce: true}, "its nonce differs"},
		"another imprint": {tsatest.Lie{Imprint: make([]byte, 32)}, "another hash"},
	} {
		a.Lie = c.lie
		request, answer := stamped(t, a, "seal")
		token, err := Parse(answer)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Verify(roots(t, a.Roots(false))); err != nil {
			t.Errorf("%s: as such it is good: %v", name, err)
		}
		if err := request.Check(token); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	one, _ := stamped(t, a, "seal")
	two, _ := stamped(t, a, "seal")
	if bytes.Equal(one.Nonce, two.Nonce) || len(one.Nonce) != nonceBytes {
		t.Errorf("nonces %x, %x", one.Nonce, two.Nonce)
	}
}

// TestCertificates: who may make time stamps, by RFC 3161 section 2.3.
func TestCertificates(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	both := [][]int{tsatest.TimeStamping(), tsatest.ServerAuth()}
	for _, c := range []struct {
		name    string
		shape   tsatest.Shape
		good    bool
		differs bool
	}{
		{name: "plain", good: true},
		{name: "RSA", shape: tsatest.Shape{Key: rsaKey}, good: true},
		{name: "Ed25519", shape: tsatest.Shape{Key: ed}, good: true, differs: true}, // openssl 3.0 cannot
		{name: "expired before", shape: tsatest.Shape{NotAfter: at().Add(-time.Second)}},
		{name: "not yet", shape: tsatest.Shape{NotBefore: at().Add(time.Second)}},
		{name: "to the second", shape: tsatest.Shape{NotBefore: at(), NotAfter: at()}, good: true, differs: true},
		{name: "for servers", shape: tsatest.Shape{Usages: usages(tsatest.ServerAuth())}},
		{name: "for servers too", shape: tsatest.Shape{Usages: usages(both...)}},
		{name: "for anything", shape: tsatest.Shape{NoUsage: true}},
		{name: "not critical", shape: tsatest.Shape{NotCritical: true}},
		{name: "also signs certificates", shape: tsatest.Shape{KeyUsage: 1<<0 | 1<<5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := authority(t, c.shape)
			_, answer := stamped(t, a, "seal")
			token, err := Parse(answer)
			if err != nil {
				t.Fatal(err)
			}
			err = token.Verify(roots(t, a.Roots(false)))
			if (err == nil) != c.good || err != nil && !errors.Is(err, ErrChain) {
				t.Errorf("%v", err)
			}
			if ok, said := openssl(t, answer, []byte("seal"), a.Roots(false), at()); ok != c.good && !c.differs {
				t.Errorf("openssl: %v: %s", ok, said)
			}
		})
	}
}

func usages(list ...[]int) (out []asn1.ObjectIdentifier) {
	for _, o := range list {
		out = append(out, o)
	}
	return out
}

// TestStranger: somebody else's root does not help him; without roots nobody is believed,
// and only the signature is looked at.
func TestStranger(t *testing.T) {
	a, b := authority(t, tsatest.Shape{Name: "one"}), authority(t, tsatest.Shape{Name: "one"})
	_, answer := stamped(t, a, "seal")
	token, err := Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Verify(roots(t, b.Roots(false))); !errors.Is(err, ErrChain) {
		t.Errorf("of the same name: %v", err)
	}
	if err := token.Verify(nil); err != nil {
		t.Errorf("without roots: %v", err)
	}
	if _, err := ParseRoots([]byte("no certificate")); err == nil {
		t.Error("no root is taken for roots")
	}
	if _, err := ParseRoots(bytes.Replace(a.Roots(true), a.Roots(false), nil, 1)); err == nil {
		t.Error("a certificate that is no root is taken for one")
	}
}

// TestEveryBit: no bit of a token can be turned without notice, but for those that are
// not signed: the status around it, and what certificates come along.
func TestEveryBit(t *testing.T) {
	a := authority(t, tsatest.Shape{})
	a.Lie.NoCertificate = true
	_, answer := stamped(t, a, "seal")
	token, err := Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	known := roots(t, a.Roots(true))
	taken := 0
	for i := range token.DER {
		for bit := range 8 {
			der := bytes.Clone(token.DER)
			der[i] ^= 1 << bit
			again, err := Parse(der)
			if err == nil {
				err = again.Verify(known)
			}
			if err != nil {
				continue
			}
			taken++
			if again.Time != token.Time || !bytes.Equal(again.Imprint, token.Imprint) || again.Serial != token.Serial {
				t.Errorf("bit %d of byte %d changes what is said", bit, i)
			}
		}
	}
	if taken > 8*40 { // the list of hashes of the message, which nobody signs
		t.Errorf("%d bits of %d may be turned", taken, 8*len(token.DER))
	}
}

// TestHead: the text by which a head goes to another machine.
func TestHead(t *testing.T) {
	sum := sha256.Sum256([]byte("x"))
	text := hex.EncodeToString(sum[:])
	for s, id := range map[string]string{HeadText("pc-42-1", text): "pc-42-1", text: "", "  " + strings.ToUpper(text) + "\n": "", HeadText("abcd", text) + "\nfingerprint SHA256:x\n": "abcd"} {
		if got, head, err := ParseHead(s); err != nil || got != id || head != sum {
			t.Errorf("%q: %q, %x, %v", s, got, head, err)
		}
	}
	for _, s := range []string{"", text[1:], "hozen-head:" + text, "hozen-head:A:" + text, text + "0", "hozen-head:abcd\n:" + text} {
		if _, _, err := ParseHead(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

// FuzzParse: whatever comes, nothing ends us, and what verifies says one thing only.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"response-sha256.tsr", "response-sha384.tsr", "response-sha512.tsr", "response-no-embedded-cert.tsr", "request.der"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(bytes.Repeat([]byte{0x30, 0x80}, 1000))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	pem, err := os.ReadFile(filepath.Join("testdata", "ts_chain.pem"))
	if err != nil {
		f.Fatal(err)
	}
	known, err := ParseRoots(pem)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		token, err := Parse(b)
		if err != nil {
			return
		}
		if token.Verify(nil) != nil {
			return
		}
		if token.Verify(known) == nil && token.For([]byte("hello")) != nil {
			t.Errorf("a token for other data: %x", b)
		}
		if again, err := Parse(token.DER); err != nil || again.SHA256 != token.SHA256 {
			t.Errorf("not the same again: %v", err)
		}
	})
}
