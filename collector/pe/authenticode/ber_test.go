package authenticode

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"

	"github.com/smallstep/pkcs7"
)

// TestDeep has values in one another as often as a table of certificates can hold: the
// parser's stack would end the whole program, and no recover would help.
func TestDeep(t *testing.T) {
	definite := []byte{5, 0}
	for len(definite) < 1<<16 {
		n := len(definite)
		definite = append([]byte{0x30, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, definite...)
	}
	for name, b := range map[string][]byte{
		"without lengths": bytes.Repeat([]byte{0x30, 0x80}, maxCertificates/2-8),
		"with lengths":    definite,
		"with zeros":      bytes.Repeat([]byte{0x30, 0x80, 0, 0}, maxCertificates/4-8),
		"many":            append([]byte{0x30, 0x80}, bytes.Repeat([]byte{5, 0}, 1<<20)...),
	} {
		if s, _ := readSignature(b); s.Status != Bad || !strings.Contains(s.Note, "more than") {
			t.Errorf("%s: %+v", name, s)
		}
		if err := (&Signature{}).stamp(b, nil); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckBER(t *testing.T) {
	for _, good := range [][]byte{{}, {5, 0}, {0x30, 0x80, 5, 0, 0, 0}, {0x30, 2, 5, 0}, {0x30, 0x81, 2, 5, 0, 9, 9}, {0x3f, 0x81, 1, 2, 5, 0}, {0x30, 0x80, 0x30, 0, 0, 0}, {0x30, 0}, {0x30, 0x80, 0, 0, 0, 0}} {
		if err := checkBER(good); err != nil {
			t.Errorf("% x: %v", good, err)
		}
	}
	for _, bad := range [][]byte{{0x30}, {0x30, 3, 5, 0}, {4, 0x80, 0, 0}, {0x30, 0x80, 5, 0}, {0x30, 2, 0x30, 4, 5, 0, 5, 0}, {0x30, 4, 0x30, 0x80, 5, 0, 0, 0}, {0x1f, 0xff, 0xff}, {4, 0x85, 0, 0, 0, 0, 0}, {4, 0x84, 0xff, 0xff, 0xff, 0xff}} {
		if err := checkBER(bad); err == nil {
			t.Errorf("% x: no error", bad)
		}
	}
}

func TestHugeCertificate(t *testing.T) {
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), maxKeyBits), E: 65537}
	for _, c := range []*x509.Certificate{{PublicKey: huge}, {RawSubject: make([]byte, maxNameOfCert+1)}, {RawIssuer: make([]byte, maxNameOfCert+1)}} {
		if checkCertificate(c) == nil {
			t.Error("no error")
		}
	}
	if err := checkCertificate(&x509.Certificate{PublicKey: &rsa.PublicKey{N: big.NewInt(7)}}); err != nil {
		t.Error(err)
	}
}

// TestAgain has values that lead out of the one around them: the parser reads what
// follows twice for each.
func TestAgain(t *testing.T) {
	var b []byte
	for n := 40; n > 0; n-- {
		b = append([]byte{0x30, 4, 0x30, 0x82, byte((len(b) + 4) >> 8), byte(len(b) + 4)}, b...)
	}
	if s, _ := readSignature(b); s.Status != Bad || s.Note != errBER.Error() {
		t.Errorf("%+v", s)
	}
}

func FuzzBER(f *testing.F) {
	f.Add([]byte{0x30, 0x80, 5, 0, 0, 0})
	f.Add([]byte{0x30, 0x81, 2, 5, 0, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkBER(b) == nil {
			_, _ = pkcs7.Parse(b)
		}
	})
}
