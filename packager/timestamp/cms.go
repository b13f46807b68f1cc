package timestamp

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	stdasn1 "encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const (
	maxCertificates = 16
	maxAttributes   = 32
	maxKeyBits      = 8192 // of RSA: the time of a check grows with its square
	maxSerial       = 64   // bytes
)

// Object identifiers: RFC 5652, RFC 5035, RFC 3161, and those of algorithms.
func oidSHA256() stdasn1.ObjectIdentifier {
	return stdasn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
}

const (
	oidSignedData    = "1.2.840.113549.1.7.2"
	oidTSTInfo       = "1.2.840.113549.1.9.16.1.4"
	oidContentType   = "1.2.840.113549.1.9.3"
	oidMessageDigest = "1.2.840.113549.1.9.4"
	oidSigningCert   = "1.2.840.113549.1.9.16.2.12"
	oidSigningCertV2 = "1.2.840.113549.1.9.16.2.47"
)

// hashOf names the hashes that are taken. SHA-1 is not: two things with one can be made.
func hashOf(oid string) crypto.Hash {
	return map[string]crypto.Hash{
		"2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512,
	}[oid]
}

// signatureOf names the algorithm of a signature: some say it with the hash, some leave
// that to the field before.
func signatureOf(oid string, hash crypto.Hash) x509.SignatureAlgorithm {
	byHash := func(s256, s384, s512 x509.SignatureAlgorithm) x509.SignatureAlgorithm {
		return map[crypto.Hash]x509.SignatureAlgorithm{crypto.SHA256: s256, crypto.SHA384: s384, crypto.SHA512: s512}[hash]
	}
	switch oid {
	case "1.2.840.113549.1.1.1": // rsaEncryption
		return byHash(x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA)
	case "1.2.840.10045.2.1": // id-ecPublicKey, which some write there
		return byHash(x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512)
	}
	fixed := map[string]struct {
		hash crypto.Hash
		as   x509.SignatureAlgorithm
	}{
		"1.2.840.113549.1.1.11": {crypto.SHA256, x509.SHA256WithRSA},
		"1.2.840.113549.1.1.12": {crypto.SHA384, x509.SHA384WithRSA},
		"1.2.840.113549.1.1.13": {crypto.SHA512, x509.SHA512WithRSA},
		"1.2.840.10045.4.3.2":   {crypto.SHA256, x509.ECDSAWithSHA256},
		"1.2.840.10045.4.3.3":   {crypto.SHA384, x509.ECDSAWithSHA384},
		"1.2.840.10045.4.3.4":   {crypto.SHA512, x509.ECDSAWithSHA512},
		"1.3.101.112":           {crypto.SHA512, x509.PureEd25519}, // RFC 8419: with SHA-512 only
	}[oid]
	if fixed.hash != hash {
		return x509.UnknownSignatureAlgorithm
	}
	return fixed.as
}

// A signedMessage is a CMS SignedData with its one signer, as far as a token needs it.
type signedMessage struct {
	content      []byte // the DER of TSTInfo
	certificates []*x509.Certificate
	issuer       []byte   // of the signer's certificate, DER; or
	serial       *big.Int // and its number; or
	keyID        []byte   // its subject key identifier
	hash         crypto.Hash
	algorithm    x509.SignatureAlgorithm
	attributes   map[string]cryptobyte.String // the one value of each signed attribute
	signed       []byte                       // what the signature is over
	signature    []byte
}

// readMessage reads the ContentInfo of a token (RFC 5652 sections 3 and 5).
func readMessage(b []byte) (*signedMessage, error) {
	outer := cryptobyte.String(b)
	var info, explicit, data cryptobyte.String
	if !outer.ReadASN1(&info, asn1.SEQUENCE) || !outer.Empty() || readOID(&info) != oidSignedData ||
		!info.ReadASN1(&explicit, context(0)) || !info.Empty() || !explicit.ReadASN1(&data, asn1.SEQUENCE) || !explicit.Empty() {
		return nil, broken("no SignedData in strict DER")
	}
	var version int64
	var digests, inner, text, content cryptobyte.String
	if !data.ReadASN1Integer(&version) || version != 3 || !data.ReadASN1(&digests, asn1.SET) || !data.ReadASN1(&inner, asn1.SEQUENCE) ||
		readOID(&inner) != oidTSTInfo || !inner.ReadASN1(&text, context(0)) || !inner.Empty() ||
		!text.ReadASN1(&content, asn1.OCTET_STRING) || !text.Empty() {
		return nil, broken("SignedData does not hold a TSTInfo")
	}
	m := &signedMessage{content: content}
	var certificates, lists, signers, signer cryptobyte.String
	var some bool
	if !data.ReadOptionalASN1(&certificates, &some, context(0)) || !data.ReadOptionalASN1(&lists, &some, context(1)) ||
		!data.ReadASN1(&signers, asn1.SET) || !data.Empty() {
		return nil, broken("SignedData")
	}
	if !signers.ReadASN1(&signer, asn1.SEQUENCE) || !signers.Empty() {
		return nil, broken("not exactly one signer")
	}
	var err error
	if m.certificates, err = readCertificates(certificates); err != nil {
		return nil, err
	}
	return m, m.readSigner(signer)
}

func context(n uint8) asn1.Tag { return asn1.Tag(n).Constructed().ContextSpecific() }

// readOID gives "" for what is none.
func readOID(s *cryptobyte.String) string {
	var oid stdasn1.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return ""
	}
	return oid.String()
}

// readAlgorithm reads an AlgorithmIdentifier whose parameters are absent or NULL.
func readAlgorithm(s *cryptobyte.String) string {
	var algorithm, null cryptobyte.String
	var some bool
	if !s.ReadASN1(&algorithm, asn1.SEQUENCE) {
		return ""
	}
	oid := readOID(&algorithm)
	if !algorithm.ReadOptionalASN1(&null, &some, asn1.NULL) || len(null) > 0 || !algorithm.Empty() {
		return ""
	}
	return oid
}

func readCertificates(s cryptobyte.String) (list []*x509.Certificate, err error) {
	for !s.Empty() {
		var der cryptobyte.String
		if !s.ReadASN1Element(&der, asn1.SEQUENCE) || len(list) >= maxCertificates {
			return nil, broken("its certificates, or more than %d", maxCertificates)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, broken("certificate %d: %w", len(list)+1, err)
		}
		if err := checkKey(c); err != nil {
			return nil, broken("certificate %d: %w", len(list)+1, err)
		}
		list = append(list, c)
	}
	return list, nil
}

func checkKey(c *x509.Certificate) error {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxKeyBits {
		return fmt.Errorf("a key of %d bits", key.N.BitLen())
	}
	return nil
}

// readSigner reads a SignerInfo (RFC 5652 section 5.3).
func (m *signedMessage) readSigner(s cryptobyte.String) error {
	var version int64
	if !s.ReadASN1Integer(&version) || !m.readSignerID(&s, version) {
		return broken("who signed it")
	}
	if m.hash = hashOf(readAlgorithm(&s)); m.hash == 0 {
		return broken("its hash is not SHA-256, SHA-384 or SHA-512")
	}
	var attributes, unsigned, signature cryptobyte.String
	var some bool
	if !s.ReadASN1Element(&attributes, context(0)) {
		return broken("no signed attributes")
	}
	// They are signed as a SET, and stored as [0] (RFC 5652 section 5.4).
	m.signed = append([]byte{byte(asn1.SET)}, attributes[1:]...)
	if m.algorithm = signatureOf(readAlgorithm(&s), m.hash); m.algorithm == x509.UnknownSignatureAlgorithm {
		return broken("its signature is not RSA (PKCS #1), ECDSA or Ed25519 with the hash that it names")
	}
	if !s.ReadASN1(&signature, asn1.OCTET_STRING) || !s.ReadOptionalASN1(&unsigned, &some, context(1)) || !s.Empty() {
		return broken("its signature")
	}
	m.signature = signature
	return m.readAttributes(attributes)
}

func (m *signedMessage) readSignerID(s *cryptobyte.String, version int64) bool {
	if version == 3 {
		var id cryptobyte.String
		ok := s.ReadASN1(&id, asn1.Tag(0).ContextSpecific())
		m.keyID = id
		return ok && len(id) > 0
	}
	var id, issuer cryptobyte.String
	m.serial = new(big.Int)
	ok := version == 1 && s.ReadASN1(&id, asn1.SEQUENCE) && id.ReadASN1Element(&issuer, asn1.SEQUENCE) && id.ReadASN1Integer(m.serial) && id.Empty()
	m.issuer = issuer
	return ok
}

// readAttributes takes the signed attributes: each kind at most once, with one value.
func (m *signedMessage) readAttributes(element cryptobyte.String) error {
	m.attributes = map[string]cryptobyte.String{}
	var all cryptobyte.String
	if !element.ReadASN1(&all, context(0)) {
		return broken("its attributes")
	}
	for !all.Empty() {
		var one, values, value cryptobyte.String
		var tag asn1.Tag
		if !all.ReadASN1(&one, asn1.SEQUENCE) {
			return broken("its attributes")
		}
		oid := readOID(&one)
		if oid == "" || !one.ReadASN1(&values, asn1.SET) || !one.Empty() || !values.ReadAnyASN1Element(&value, &tag) {
			return broken("its attributes")
		}
		switch oid {
		case oidContentType, oidMessageDigest, oidSigningCert, oidSigningCertV2:
			if !values.Empty() {
				return broken("attribute %s has more than one value", oid)
			}
		}
		if _, twice := m.attributes[oid]; twice || len(m.attributes) >= maxAttributes {
			return broken("attribute %s twice, or more than %d", oid, maxAttributes)
		}
		m.attributes[oid] = value
	}
	return nil
}
