package authenticode

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/smallstep/pkcs7"

	"hozen/collector/jsonl"
)

// Attributes that are not signed: what was added to a signature later.
const (
	oidNested       = "1.3.6.1.4.1.311.2.4.1" // SPC_NESTED_SIGNATURE
	oidStamp        = "1.3.6.1.4.1.311.3.3.1" // an RFC 3161 token
	oidCounterSign  = "1.2.840.113549.1.9.6"  // PKCS #9 countersignature, of Microsoft's older stamps
	oidSigningTime  = "1.2.840.113549.1.9.5"
	maxUnsignedSize = 1 << 20
)

// unsigned reads the stamp and gives the nested signatures.
func (s *Signature) unsigned(p7 *pkcs7.PKCS7) (nested [][]byte) {
	for _, a := range p7.Signers[0].UnauthenticatedAttributes {
		if len(a.Value.Bytes) > maxUnsignedSize {
			s.StampedNote = "an attribute is too long"
			continue
		}
		switch a.Type.String() {
		case oidNested:
			for rest := a.Value.Bytes; len(rest) > 0; {
				var one asn1.RawValue
				var err error
				if rest, err = asn1.Unmarshal(rest, &one); err != nil {
					break
				}
				nested = append(nested, one.FullBytes)
			}
		case oidStamp:
			s.note(s.stamp(a.Value.Bytes, p7.Signers[0].EncryptedDigest))
		case oidCounterSign:
			s.note(s.counterSigned(a.Value.Bytes))
		}
	}
	return nested
}

func (s *Signature) note(err error) {
	if err != nil {
		s.StampedNote = err.Error()
	}
}

// stamp reads an RFC 3161 token: it must be a good signature, over the hash of ours.
func (s *Signature) stamp(token, signature []byte) error {
	p7, err := parse(token)
	if err != nil {
		return fmt.Errorf("time stamp: %w", err)
	}
	var info struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint struct {
			Algorithm struct {
				Algorithm  asn1.ObjectIdentifier
				Parameters asn1.RawValue `asn1:"optional"`
			}
			Hash []byte
		}
		Serial asn1.RawValue
		Time   time.Time `asn1:"generalized"`
	}
	// The content is TSTInfo, more of which may follow what is read here.
	if err := firstFields(p7.Content, &info); err != nil {
		return fmt.Errorf("time stamp: %w", err)
	}
	at := info.Time.UTC()
	s.Stamped = &at
	if signer := p7.GetOnlySigner(); signer != nil {
		s.StampedBy = jsonl.Text(signer.Subject.String())
	}
	kind := map[string]crypto.Hash{"1.3.14.3.2.26": crypto.SHA1, "2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384,
		"2.16.840.1.101.3.4.2.3": crypto.SHA512}[info.Imprint.Algorithm.Algorithm.String()]
	if kind == 0 {
		return errors.New("time stamp: of an unknown hash")
	}
	h := kind.New()
	h.Write(signature)
	if !bytes.Equal(h.Sum(nil), info.Imprint.Hash) {
		return errors.New("time stamp: of another signature")
	}
	if err := p7.Verify(); err != nil {
		return fmt.Errorf("time stamp: %w", err)
	}
	return nil
}

// firstFields reads the first fields of a SEQUENCE, to which others may have been added.
func firstFields(der []byte, into any) error {
	var seq asn1.RawValue
	if _, err := asn1.Unmarshal(der, &seq); err != nil {
		return err
	}
	if seq.Tag != asn1.TagSequence {
		return errors.New("no SEQUENCE")
	}
	var whole []byte
	rest := seq.Bytes
	for n := 0; n < 5 && len(rest) > 0; n++ {
		var field asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &field); err != nil {
			return err
		}
		whole = append(whole, field.FullBytes...)
	}
	cut, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: whole})
	if err != nil {
		return err
	}
	_, err = asn1.Unmarshal(cut, into)
	return err
}

// counterSigned takes the time that a PKCS #9 countersignature claims. Its signature is
// not checked here.
func (s *Signature) counterSigned(value []byte) error {
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue `asn1:"set"`
	}
	var info struct {
		Version   int
		Signer    asn1.RawValue
		Hash      asn1.RawValue
		Signed    []attribute `asn1:"optional,tag:0,set"`
		Algorithm asn1.RawValue
		Signature []byte
	}
	if _, err := asn1.Unmarshal(value, &info); err != nil {
		return fmt.Errorf("countersignature: %w", err)
	}
	for _, a := range info.Signed {
		if a.Type.String() != oidSigningTime {
			continue
		}
		var at time.Time
		if _, err := asn1.Unmarshal(a.Value.Bytes, &at); err != nil {
			return fmt.Errorf("countersignature: %w", err)
		}
		at = at.UTC()
		s.Stamped, s.StampedNote = &at, "claimed by a countersignature, which was not checked"
		return nil
	}
	return errors.New("countersignature: without a time")
}
