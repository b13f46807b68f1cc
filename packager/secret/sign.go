package secret

import (
	"crypto/sha512"

	"filippo.io/edwards25519"
)

const (
	seedSize      = 32
	publicSize    = 32
	signatureSize = 64
)

// sign makes the Ed25519 signature of msg (RFC 8032 section 5.1.6). To be called
// within Deep: all that it computes lies on the stack.
//
//go:noinline
func sign(sig, seed, public, msg []byte) {
	expanded := sha512.Sum512(seed)
	var s, r, k edwards25519.Scalar
	s.SetBytesWithClamping(expanded[:32])

	hash := sha512.New()
	hash.Write(expanded[32:])
	hash.Write(msg)
	var digest [sha512.Size]byte
	hash.Sum(digest[:0])
	r.SetUniformBytes(digest[:])
	var point edwards25519.Point
	copy(sig[:32], point.ScalarBaseMult(&r).Bytes())

	hash.Reset()
	hash.Write(sig[:32])
	hash.Write(public)
	hash.Write(msg)
	hash.Sum(digest[:0])
	k.SetUniformBytes(digest[:])
	copy(sig[32:], k.MultiplyAdd(&k, &s, &r).Bytes())
}

// derive computes the public key (RFC 8032 section 5.1.5). To be called within Deep.
//
//go:noinline
func derive(public, seed []byte) {
	expanded := sha512.Sum512(seed)
	var s edwards25519.Scalar
	s.SetBytesWithClamping(expanded[:32])
	var point edwards25519.Point
	copy(public, point.ScalarBaseMult(&s).Bytes())
}
