// Package tsatest is a time stamping authority for tests: it answers requests in RFC
// 3161, with a throw-away key, as a real one does, or as a Lie says. It uses no network;
// a test puts Answer behind a server of its own. Begin with New.
package tsatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"time"

	"hozen/packager/evidence/fault"
)

// An Authority has a root, and a certificate of it for time stamps.
type Authority struct {
	Root, Signer *x509.Certificate
	Now          func() time.Time // the time that its tokens say
	Lie          Lie
	rootKey, key crypto.Signer
	serial       int64
}

// A Lie is what an authority does wrong; the zero Lie is nothing.
type Lie struct {
	Imprint, Nonce     []byte // in the place of those that were asked for
	NoNonce            bool
	NoCertificate      bool // also where it was asked for
	Unbound            bool // no SigningCertificate
	BoundTo            *x509.Certificate
	OldBinding         bool // SigningCertificate of version 1, with SHA-1
	ByKeyID            bool // the signer is named by the identifier of its key
	Twice              bool // two signers
	OtherDigest        bool // the signed hash is not that of the content
	BadSignature       bool
	Status             int    // of the answer, without a token where it is over 1
	Time               string // of the token, as it is written
	CriticalExtension  bool
	Name               []byte // GeneralName of the authority
	Accuracy           []byte // DER
	OtherContentType   bool
	TextBehind         []byte // after the answer
	OtherSigner        *Authority
	ContentVersion     int64
	OtherHashAlgorithm asn1.ObjectIdentifier // of the imprint
}

// A Shape is how the certificate of an authority is made; the zero Shape is right for
// 2020 to 2040.
type Shape struct {
	NotBefore, NotAfter time.Time
	Usages              []asn1.ObjectIdentifier // extended key usages; nil: timeStamping
	NotCritical         bool
	NoUsage             bool
	KeyUsage            x509.KeyUsage // 0: digitalSignature
	Key                 crypto.Signer // nil: ECDSA P-256
	Name                string
}

// TimeStamping is the extended key usage of authorities, and ServerAuth of web servers.
func TimeStamping() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8} }

// ServerAuth is the extended key usage of web servers.
func ServerAuth() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1} }

// New makes an authority whose tokens say the time now gives.
func New(now func() time.Time, shape Shape) (*Authority, error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if shape.NotBefore.IsZero() {
		shape.NotBefore = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if shape.NotAfter.IsZero() {
		shape.NotAfter = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	a := &Authority{Now: now, rootKey: rootKey, key: shape.Key}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: strings.TrimSpace("hozen test root " + shape.Name)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if a.Root, err = issue(root, root, rootKey.Public(), rootKey); err != nil {
		return nil, err
	}
	if a.key == nil {
		if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	a.Signer, err = a.certificate(shape)
	return a, err
}

// certificate makes the signer's.
func (a *Authority) certificate(shape Shape) (*x509.Certificate, error) {
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: strings.TrimSpace("hozen test TSA " + shape.Name)}, NotBefore: shape.NotBefore, NotAfter: shape.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, SubjectKeyId: []byte("the key of the TSA"),
	}
	if shape.KeyUsage != 0 {
		leaf.KeyUsage = shape.KeyUsage
	}
	if shape.Usages == nil {
		shape.Usages = []asn1.ObjectIdentifier{TimeStamping()}
	}
	if !shape.NoUsage {
		value, err := asn1.Marshal(shape.Usages)
		if err != nil {
			return nil, err
		}
		leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: !shape.NotCritical, Value: value}}
	}
	return issue(leaf, a.Root, a.key.Public(), a.rootKey)
}

func issue(c, parent *x509.Certificate, key crypto.PublicKey, by crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Roots is the PEM of the root; with the signer's certificate if asked for, for tokens
// that have it not.
func (a *Authority) Roots(withSigner bool) []byte {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Root.Raw})
	if withSigner {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Signer.Raw})...)
	}
	return text
}

// request is what a TimeStampReq asks for.
type request struct {
	Version int
	Imprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Hash      []byte
	}
	Policy     asn1.ObjectIdentifier `asn1:"optional"`
	Nonce      *big.Int              `asn1:"optional"`
	CertReq    bool                  `asn1:"optional"`
	Extensions asn1.RawValue         `asn1:"optional,tag:0"`
}

// Answer answers the DER of a TimeStampReq with that of a TimeStampResp.
func (a *Authority) Answer(query []byte) ([]byte, error) {
	var r request
	if rest, err := asn1.Unmarshal(query, &r); err != nil || len(rest) > 0 || r.Version != 1 {
		return nil, fault.Join(errors.New("not a request"), err)
	}
	if a.Lie.Status > 1 {
		return asn1.Marshal(struct{ Info refusal }{refusal{a.Lie.Status, []asn1.RawValue{{Tag: asn1.TagUTF8String, Bytes: []byte("not today")}},
			asn1.BitString{Bytes: []byte{0, 0x02}, BitLength: 15}}})
	}
	a.serial++
	token, err := a.token(r)
	if err != nil {
		return nil, err
	}
	out, err := asn1.Marshal(struct {
		Info  struct{ Status int }
		Token asn1.RawValue
	}{struct{ Status int }{a.Lie.Status}, asn1.RawValue{FullBytes: token}})
	return append(out, a.Lie.TextBehind...), err
}

type refusal struct {
	Status int
	Text   []asn1.RawValue
	Fail   asn1.BitString
}
