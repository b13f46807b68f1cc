package tsatest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	_ "crypto/sha512" // of Ed25519
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

func pkcs9(n ...int) asn1.ObjectIdentifier {
	return append(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9}, n...)
}

func context(n uint8) tag.Tag { return tag.Tag(n).Constructed().ContextSpecific() }

func algorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
}

// info makes the TSTInfo.
func (a *Authority) info(r request) ([]byte, error) {
	imprint, nonce, at, version, hash := r.Imprint.Hash, []byte(nil), a.Now().UTC().Format("20060102150405Z"), int64(1), r.Imprint.Algorithm.Algorithm
	if r.Nonce != nil {
		nonce = r.Nonce.Bytes()
	}
	if a.Lie.Imprint != nil {
		imprint = a.Lie.Imprint
	}
	if a.Lie.Nonce != nil {
		nonce = a.Lie.Nonce
	}
	if a.Lie.Time != "" {
		at = a.Lie.Time
	}
	if a.Lie.ContentVersion != 0 {
		version = a.Lie.ContentVersion
	}
	if a.Lie.OtherHashAlgorithm != nil {
		hash = a.Lie.OtherHashAlgorithm
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 3, 4, 1})
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			algorithm(b, hash)
			b.AddASN1OctetString(imprint)
		})
		b.AddASN1Int64(a.serial)
		b.AddASN1(tag.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(at)) })
		if a.Lie.Accuracy != nil {
			b.AddBytes(a.Lie.Accuracy)
		} else {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) })
		}
		if nonce != nil && !a.Lie.NoNonce {
			b.AddASN1(tag.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(nonce) })
		}
		if a.Lie.Name != nil {
			b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddBytes(a.Lie.Name) })
		}
		if a.Lie.CriticalExtension {
			b.AddASN1(context(1), func(b *cryptobyte.Builder) {
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 3})
					b.AddASN1Boolean(true)
					b.AddASN1OctetString(nil)
				})
			})
		}
	})
	return b.Bytes()
}

// attributes are what is signed.
func (a *Authority) attributes(content []byte) ([]byte, error) {
	var b cryptobyte.Builder
	add := func(oid asn1.ObjectIdentifier, value func(b *cryptobyte.Builder)) {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1(tag.SET, value)
		})
	}
	kind := pkcs9(16, 1, 4)
	if a.Lie.OtherContentType {
		kind = pkcs9(7, 1)
	}
	add(pkcs9(3), func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(kind) })
	sum := a.hash().New()
	sum.Write(content)
	digest := sum.Sum(nil)
	if a.Lie.OtherDigest {
		digest[0] ^= 1
	}
	add(pkcs9(4), func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) })
	bound := a.Signer
	if a.Lie.BoundTo != nil {
		bound = a.Lie.BoundTo
	}
	one, two := sha1.Sum(bound.Raw), sha256.Sum256(bound.Raw)
	oid, id := pkcs9(16, 2, 47), two[:]
	if a.Lie.OldBinding {
		oid, id = pkcs9(16, 2, 12), one[:]
	}
	if !a.Lie.Unbound {
		add(oid, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificate
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // its list
					b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(id) })
				})
			})
		})
	}
	return b.Bytes()
}

// hash is that of the signature: SHA-512 with Ed25519 (RFC 8419), else SHA-256.
func (a *Authority) hash() crypto.Hash {
	if _, ok := a.key.Public().(ed25519.PublicKey); ok {
		return crypto.SHA512
	}
	return crypto.SHA256
}

// sign signs the attributes as a SET, and names the algorithm.
func (a *Authority) sign(attributes []byte) (sig []byte, oid asn1.ObjectIdentifier, err error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	text, err := b.Bytes()
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(text)
	switch a.key.Public().(type) {
	case ed25519.PublicKey:
		sig, err = a.key.Sign(nil, text, crypto.Hash(0))
		return sig, asn1.ObjectIdentifier{1, 3, 101, 112}, err
	case *rsa.PublicKey:
		sig, err = a.key.Sign(rand.Reader, sum[:], crypto.SHA256)
		return sig, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, err
	}
	sig, err = a.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	return sig, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, err
}

func (a *Authority) digestOID() asn1.ObjectIdentifier {
	if a.hash() == crypto.SHA512 {
		return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	}
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
}

// token makes the ContentInfo.
func (a *Authority) token(r request) ([]byte, error) {
	content, err := a.info(r)
	if err != nil {
		return nil, err
	}
	signer, err := a.signerInfo(content)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2})
		b.AddASN1(context(0), func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(3)
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { algorithm(b, a.digestOID()) })
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(pkcs9(16, 1, 4))
					b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
				})
				if r.CertReq && !a.Lie.NoCertificate {
					b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddBytes(a.Signer.Raw) })
				}
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) {
					b.AddBytes(signer)
					if a.Lie.Twice {
						b.AddBytes(signer)
					}
				})
			})
		})
	})
	return b.Bytes()
}

func (a *Authority) signerInfo(content []byte) ([]byte, error) {
	attributes, err := a.attributes(content)
	if err != nil {
		return nil, err
	}
	by := a
	if a.Lie.OtherSigner != nil {
		by = a.Lie.OtherSigner
	}
	sig, oid, err := by.sign(attributes)
	if err != nil {
		return nil, err
	}
	if a.Lie.BadSignature {
		sig[len(sig)-1] ^= 1
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		if a.Lie.ByKeyID {
			b.AddASN1Int64(3)
			b.AddASN1(tag.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(a.Signer.SubjectKeyId) })
		} else {
			b.AddASN1Int64(1)
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(a.Signer.RawIssuer)
				b.AddASN1BigInt(a.Signer.SerialNumber)
			})
		}
		algorithm(b, a.digestOID())
		b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
		algorithm(b, oid)
		b.AddASN1OctetString(sig)
	})
	return b.Bytes()
}
