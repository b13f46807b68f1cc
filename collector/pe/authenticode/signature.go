package authenticode

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/smallstep/pkcs7"

	"hozen/collector/jsonl"
)

// A Signature is one signature of a file.
type Signature struct {
	Status      Status        `json:"status"` // good, changed, bad
	Note        string        `json:"note,omitempty"`
	Algorithm   string        `json:"algorithm,omitempty"` // of the hash
	Digest      string        `json:"digest,omitempty"`    // that was signed, in hexadecimal
	Signer      *Certificate  `json:"signer,omitempty"`
	Chain       []Certificate `json:"chain,omitempty"` // the other certificates that came with it, in their order
	Stamped     *time.Time    `json:"stamped,omitempty"`
	StampedBy   jsonl.Text    `json:"stamped_by,omitempty"` // whose certificate the stamp names
	StampedNote string        `json:"stamped_note,omitempty"`

	hash   crypto.Hash
	digest []byte
}

// A Certificate is one of a signature. Its names are the signer's own words.
type Certificate struct {
	Subject   jsonl.Text `json:"subject"`
	Issuer    jsonl.Text `json:"issuer"`
	Serial    string     `json:"serial"` // in hexadecimal
	NotBefore time.Time  `json:"not_before"`
	NotAfter  time.Time  `json:"not_after"`
	SHA1      string     `json:"sha1"` // thumbprint, as Windows shows it
	SHA256    string     `json:"sha256"`
}

func certificate(c *x509.Certificate) Certificate {
	one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	return Certificate{
		Subject: jsonl.Text(c.Subject.String()), Issuer: jsonl.Text(c.Issuer.String()), Serial: hex.EncodeToString(c.SerialNumber.Bytes()),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), SHA1: hex.EncodeToString(one[:]), SHA256: hex.EncodeToString(two[:]),
	}
}

// messagesOf takes the PKCS #7 messages out of a table of WIN_CERTIFICATE: length,
// revision and type (2 is PKCS #7), then the message; each begins at a multiple of 8.
func messagesOf(table []byte) (out [][]byte, note string) {
	for len(table) >= 8 {
		length := int64(binary.LittleEndian.Uint32(table))
		if length < 8 || length > int64(len(table)) {
			return out, fmt.Sprintf("a certificate of %d bytes, and %d are left", length, len(table))
		}
		if kind := binary.LittleEndian.Uint16(table[6:]); kind == 2 {
			out = append(out, table[8:length])
		} else {
			note = fmt.Sprintf("a certificate of type %d", kind)
		}
		table = table[min((length+7)&^7, int64(len(table))):]
	}
	if len(out) == 0 && note == "" {
		note = "no certificate in the table"
	}
	return out, note
}

// readSignature reads one PKCS #7 message and gives those that are nested in it. Nothing
// of a hostile one ends us.
func readSignature(der []byte) (s Signature, nested [][]byte) {
	defer func() {
		if r := recover(); r != nil {
			s.Status, s.Note = Bad, fmt.Sprintf("it cannot be read: %v", r)
		}
	}()
	bad := func(err error) (Signature, [][]byte) {
		s.Status, s.Note = Bad, err.Error()
		return s, nested
	}
	p7, err := parse(trimmed(der))
	if err != nil {
		return bad(err)
	}
	if len(p7.Signers) != 1 {
		return bad(fmt.Errorf("%d signers, want one", len(p7.Signers)))
	}
	s.name(p7)
	if err = s.indirect(p7.Content); err != nil {
		return bad(err)
	}
	nested = s.unsigned(p7)
	if err = p7.Verify(); err != nil {
		return bad(err)
	}
	s.Status = Good
	return s, nested
}

// trimmed leaves out the zeros that fill a message up.
func trimmed(der []byte) []byte {
	var v asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &v); err == nil {
		return der[:len(der)-len(rest)]
	}
	return der
}

// name takes the certificates.
func (s *Signature) name(p7 *pkcs7.PKCS7) {
	signer := p7.GetOnlySigner()
	for _, c := range p7.Certificates {
		if signer != nil && c.Equal(signer) {
			own := certificate(c)
			s.Signer = &own
		} else if len(s.Chain) < 16 {
			s.Chain = append(s.Chain, certificate(c))
		}
	}
}

// indirect reads SpcIndirectDataContent, without its outer tag: what was signed, and the
// hash of it.
func (s *Signature) indirect(content []byte) error {
	var data asn1.RawValue
	rest, err := asn1.Unmarshal(content, &data)
	if err != nil {
		return fmt.Errorf("what is signed: %w", err)
	}
	var info struct {
		Algorithm struct {
			Algorithm  asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Digest []byte
	}
	if _, err = asn1.Unmarshal(rest, &info); err != nil {
		return fmt.Errorf("the hash that is signed: %w", err)
	}
	s.Digest, s.digest = hex.EncodeToString(info.Digest), info.Digest
	known := map[string]crypto.Hash{
		"1.2.840.113549.2.5": crypto.MD5, "1.3.14.3.2.26": crypto.SHA1, "2.16.840.1.101.3.4.2.1": crypto.SHA256,
		"2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512,
	}
	oid := info.Algorithm.Algorithm.String()
	if s.hash = known[oid]; s.hash == 0 {
		return fmt.Errorf("the hash that is signed: algorithm %s", oid)
	}
	s.Algorithm = s.hash.String()
	return nil
}
