package timestamp

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const nonceBytes = 16

// A Request is the question to an authority: a time stamp for a SHA-256.
type Request struct {
	Imprint [32]byte
	Nonce   []byte // big-endian, without leading zeros; random, so that no old answer fits
}

// NewRequest makes a request for the hash of something. random is where the nonce comes
// from; nil is the system's source.
func NewRequest(imprint [32]byte, random io.Reader) (Request, error) {
	if random == nil {
		random = rand.Reader
	}
	nonce := make([]byte, nonceBytes)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return Request{}, fmt.Errorf("nonce of a time stamp request: %w", err)
	}
	nonce[0] = nonce[0]&0x7f | 0x40 // positive, and of a length that does not tell
	return Request{Imprint: imprint, Nonce: nonce}, nil
}

// Bytes is the DER of a TimeStampReq (RFC 3161 section 2.4.1) that asks for the
// certificate of the authority to be in the token.
func (r Request) Bytes() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidSHA256())
				b.AddASN1NULL()
			})
			b.AddASN1OctetString(r.Imprint[:])
		})
		if len(r.Nonce) > 0 {
			b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(r.Nonce) })
		}
		b.AddASN1Boolean(true) // certReq
	})
	return b.Bytes()
}

// Check says why a token does not answer this request; nil if it does. It says nothing of
// the token's signature.
func (r Request) Check(t *Token) error {
	switch {
	case t.Hash != crypto.SHA256 || !bytes.Equal(t.Imprint, r.Imprint[:]):
		return fmt.Errorf("%w: the token is for another hash than was asked for", ErrOther)
	case !bytes.Equal(t.Nonce, r.Nonce):
		return errors.New("the token answers another request: its nonce differs")
	}
	return nil
}
