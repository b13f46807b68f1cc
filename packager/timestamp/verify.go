package timestamp

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // of certificates, in SigningCertificate
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	stdasn1 "encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Verify says why a token is not a time stamp by an authority of the roots; nil if it is.
// Then its Time and Imprint may be believed as far as that authority. Where roots is nil,
// only the signature is checked, by a certificate that came with the token: then anybody
// may have made it. The error wraps ErrBroken if it is no time stamp at all, ErrChain if
// it may be one of somebody else.
//
// Checked are: the signature and what it is over; that the signed attributes bind the
// signer's certificate (RFC 5035, RFC 5816); that it is for time stamps and for nothing
// else (RFC 3161 section 2.3); the chain to a root, all as of the time that the token
// says. Lists of revoked certificates are not asked for.
func (t *Token) Verify(roots *Roots) error {
	m := t.message
	signer := m.signer(roots)
	if signer == nil {
		return fmt.Errorf("%w: the certificate that signed it is neither in it nor among those given", ErrChain)
	}
	t.TSA = signer.Subject.String()
	if err := m.checkSignature(signer); err != nil {
		return err
	}
	bound, err := m.boundTo(signer)
	if err != nil {
		return err
	}
	if t.name != nil && !names(signer, t.name) {
		return broken("it names another authority than its signer, %q", t.TSA)
	}
	if err := onlyTimeStamps(signer); err != nil {
		return fmt.Errorf("%w: %w", ErrChain, err)
	}
	if roots == nil {
		return nil
	}
	return t.chain(signer, roots, bound)
}

// signer finds the certificate that the message names as its signer's.
func (m *signedMessage) signer(roots *Roots) *x509.Certificate {
	all := m.certificates
	if roots != nil {
		all = append(all[:len(all):len(all)], roots.list...)
	}
	for _, c := range all {
		if m.keyID != nil && bytes.Equal(c.SubjectKeyId, m.keyID) ||
			m.serial != nil && bytes.Equal(c.RawIssuer, m.issuer) && c.SerialNumber.Cmp(m.serial) == 0 {
			return c
		}
	}
	return nil
}

func (m *signedMessage) checkSignature(signer *x509.Certificate) error {
	kind := m.attributes[oidContentType]
	if readOID(&kind) != oidTSTInfo || !kind.Empty() {
		return broken("the signed content type is another")
	}
	var digest cryptobyte.String
	value := m.attributes[oidMessageDigest]
	h := m.hash.New()
	h.Write(m.content)
	if !value.ReadASN1(&digest, asn1.OCTET_STRING) || !value.Empty() || !bytes.Equal(digest, h.Sum(nil)) {
		return broken("the signed hash is not that of its content")
	}
	if err := signer.CheckSignature(m.algorithm, m.signed, m.signature); err != nil {
		return broken("signature: %w", err)
	}
	return nil
}

// A certID is what a signed attribute says of a certificate.
type certID struct {
	hash   crypto.Hash
	sum    []byte
	serial *big.Int // nil: not said
	issuer []byte   // DER
}

func (id certID) of(c *x509.Certificate) bool {
	h := id.hash.New()
	h.Write(c.Raw)
	return bytes.Equal(h.Sum(nil), id.sum) && (id.serial == nil || id.serial.Cmp(c.SerialNumber) == 0 && bytes.Equal(id.issuer, c.RawIssuer))
}

// boundTo checks that the first certificate of SigningCertificate (RFC 5035 section 5)
// is the signer's, of each version that is there, and one must be.
func (m *signedMessage) boundTo(signer *x509.Certificate) (all [][]certID, err error) {
	for oid, hash := range map[string]crypto.Hash{oidSigningCert: crypto.SHA1, oidSigningCertV2: crypto.SHA256} {
		value, ok := m.attributes[oid]
		if !ok {
			continue
		}
		ids, err := readCertIDs(value, hash, oid == oidSigningCertV2)
		if err != nil {
			return nil, err
		}
		if !ids[0].of(signer) {
			return nil, broken("the signature is bound to another certificate than %q", signer.Subject.String())
		}
		all = append(all, ids)
	}
	if len(all) == 0 {
		return nil, broken("the signature is not bound to a certificate (no SigningCertificate)")
	}
	return all, nil
}

func readCertIDs(value cryptobyte.String, hash crypto.Hash, v2 bool) (list []certID, err error) {
	var outer, ids cryptobyte.String
	if !value.ReadASN1(&outer, asn1.SEQUENCE) || !value.Empty() || !outer.ReadASN1(&ids, asn1.SEQUENCE) {
		return nil, broken("SigningCertificate")
	}
	for !ids.Empty() {
		var one, sum cryptobyte.String
		id := certID{hash: hash}
		if len(list) >= maxCertificates || !ids.ReadASN1(&one, asn1.SEQUENCE) {
			return nil, broken("SigningCertificate")
		}
		if v2 && one.PeekASN1Tag(asn1.SEQUENCE) {
			if id.hash = hashOf(readAlgorithm(&one)); id.hash == 0 {
				return nil, broken("SigningCertificate: hash not known")
			}
		}
		if !one.ReadASN1(&sum, asn1.OCTET_STRING) || len(sum) != id.hash.Size() {
			return nil, broken("SigningCertificate: hash")
		}
		if id.sum = sum; !one.Empty() && !id.readIssuer(&one) {
			return nil, broken("SigningCertificate: issuer")
		}
		list = append(list, id)
	}
	if len(list) == 0 {
		return nil, broken("SigningCertificate names none")
	}
	return list, nil
}

// readIssuer reads an IssuerSerial whose issuer is one directoryName.
func (id *certID) readIssuer(s *cryptobyte.String) bool {
	var both, general, name cryptobyte.String
	id.serial = new(big.Int)
	ok := s.ReadASN1(&both, asn1.SEQUENCE) && s.Empty() && both.ReadASN1(&general, asn1.SEQUENCE) && general.ReadASN1(&name, context(4)) &&
		general.Empty() && both.ReadASN1Integer(id.serial) && both.Empty()
	id.issuer = name
	return ok
}

// names says whether a GeneralName is a certificate's subject, or another of its names.
func names(c *x509.Certificate, general []byte) bool {
	if subject := directoryName(general); subject != nil && sameName(subject, c.RawSubject) {
		return true
	}
	for _, e := range c.Extensions {
		if !e.Id.Equal(stdasn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		s := cryptobyte.String(e.Value)
		var list, one cryptobyte.String
		var tag asn1.Tag
		if !s.ReadASN1(&list, asn1.SEQUENCE) {
			return false
		}
		for list.ReadAnyASN1Element(&one, &tag) {
			if bytes.Equal(one, general) {
				return true
			}
		}
	}
	return false
}

// sameName compares names as people read them: neither the kind of string nor case counts.
func sameName(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var one, two pkix.RDNSequence
	if rest, err := stdasn1.Unmarshal(a, &one); err != nil || len(rest) > 0 {
		return false
	}
	if rest, err := stdasn1.Unmarshal(b, &two); err != nil || len(rest) > 0 {
		return false
	}
	fold := func(n pkix.RDNSequence) string { return strings.Join(strings.Fields(n.String()), " ") }
	return strings.EqualFold(fold(one), fold(two))
}

// onlyTimeStamps holds the certificate of an authority against RFC 3161 section 2.3: the
// extended key usage is critical and says timeStamping alone. Its key may do nothing but sign.
func onlyTimeStamps(c *x509.Certificate) error {
	if !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) || len(c.UnknownExtKeyUsage) > 0 {
		return fmt.Errorf("the certificate of %q is not for time stamps alone", c.Subject.String())
	}
	critical := func(e pkix.Extension) bool { return e.Critical && e.Id.Equal(stdasn1.ObjectIdentifier{2, 5, 29, 37}) }
	if !slices.ContainsFunc(c.Extensions, critical) {
		return fmt.Errorf("the certificate of %q does not say critically that it is for time stamps", c.Subject.String())
	}
	if sign := x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment; c.KeyUsage&^sign != 0 {
		return fmt.Errorf("the key of %q may do more than sign", c.Subject.String())
	}
	return nil
}

// chain finds a way from the signer to a root, as of the token's time.
func (t *Token) chain(signer *x509.Certificate, roots *Roots, bound [][]certID) error {
	between := roots.others.Clone()
	for _, c := range t.message.certificates {
		between.AddCert(c)
	}
	chains, err := signer.Verify(x509.VerifyOptions{
		Roots: roots.roots, Intermediates: between, CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChain, err)
	}
	if slices.ContainsFunc(chains, func(c []*x509.Certificate) bool { return allNamed(c[1:], bound) }) {
		return nil
	}
	return fmt.Errorf("%w: its signature is bound to other certificates than those of the chain", ErrChain)
}

// allNamed: where an attribute names more than the signer's certificate, it must name the
// whole chain.
func allNamed(chain []*x509.Certificate, bound [][]certID) bool {
	for _, ids := range bound {
		for _, c := range chain {
			if len(ids) > 1 && !slices.ContainsFunc(ids, func(id certID) bool { return id.of(c) }) {
				return false
			}
		}
	}
	return true
}
