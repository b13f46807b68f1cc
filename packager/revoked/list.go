// Package revoked says which keys and certificates are not to be believed any more: by
// OpenSSH's key revocation lists (openssh PROTOCOL.krl), as `ssh-keygen -k` writes them and
// `ssh-keygen -Q` asks them, or by a plain list of public keys. Begin with Parse and Check;
// krl.go reads, write.go writes.
package revoked

import (
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"
)

// ErrRevoked is wrapped by what Check says of a key that is in a list.
var ErrRevoked = errors.New("revoked")

// A List is what is revoked. The zero List is empty, and nothing is in a nil one.
type List struct {
	// Version goes up by one whenever the list is changed, Generated is when that was, in
	// seconds since 1970, Comment is any text. Of a plain list they are empty.
	Version   uint64
	Generated uint64
	Comment   string

	keys    map[string]bool // blobs of plain keys
	sums1   map[[sha1.Size]byte]bool
	sums256 map[[sha256.Size]byte]bool
	issuers []*issuer
}

// An issuer is a certificate authority, with those of its certificates that are revoked.
type issuer struct {
	ca      string // blob of its key; "" is any
	serials []span
	bitmaps []bitmap
	ids     map[string]bool
}

type span struct{ low, high uint64 }

// A bitmap has the serial numbers from low on of which a bit is set, the lowest in the last byte.
type bitmap struct {
	low  uint64
	bits []byte
}

func (m bitmap) has(serial uint64) bool {
	if serial < m.low || (serial-m.low)/8 >= uint64(len(m.bits)) {
		return false
	}
	at := serial - m.low
	return m.bits[uint64(len(m.bits))-1-at/8]>>(at%8)&1 == 1
}

// Check says why a key is not to be believed; nil if the list does not have it. Of a
// certificate its key, its issuer's key, its serial number and its name are looked for.
// The error wraps ErrRevoked.
func (l *List) Check(key ssh.PublicKey) error {
	if l == nil {
		return nil
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return l.checkPlain(key, "the key")
	}
	if err := l.checkPlain(cert.Key, "the key"); err != nil {
		return err
	}
	if err := l.checkPlain(cert.SignatureKey, "the authority that certified it"); err != nil {
		return err
	}
	ca := string(cert.SignatureKey.Marshal())
	for _, i := range l.issuers {
		switch {
		case i.ca != "" && i.ca != ca:
		case i.ids[cert.KeyId]:
			return fmt.Errorf("%w: the certificate called %.100q", ErrRevoked, cert.KeyId)
		case cert.Serial == 0: // OpenSSH: it was given none
		case i.hasSerial(cert.Serial):
			return fmt.Errorf("%w: the certificate number %d", ErrRevoked, cert.Serial)
		}
	}
	return nil
}

func (l *List) checkPlain(key ssh.PublicKey, what string) error {
	if c, ok := key.(*ssh.Certificate); ok {
		key = c.Key
	}
	blob := key.Marshal()
	if l.keys[string(blob)] || l.sums1[sha1.Sum(blob)] || l.sums256[sha256.Sum256(blob)] {
		return fmt.Errorf("%w: %s %s", ErrRevoked, what, ssh.FingerprintSHA256(key))
	}
	return nil
}

func (i *issuer) hasSerial(serial uint64) bool {
	return slices.ContainsFunc(i.serials, func(s span) bool { return s.low <= serial && serial <= s.high }) ||
		slices.ContainsFunc(i.bitmaps, func(m bitmap) bool { return m.has(serial) })
}

// Entries is how many keys, fingerprints and groups of certificates are in the list.
func (l *List) Entries() int {
	n := len(l.keys) + len(l.sums1) + len(l.sums256)
	for _, i := range l.issuers {
		n += len(i.serials) + len(i.bitmaps) + len(i.ids)
	}
	return n
}

// issuer gives that with the key of blob ca, and makes it if it is not there.
func (l *List) issuer(ca string) *issuer {
	for _, i := range l.issuers {
		if i.ca == ca {
			return i
		}
	}
	i := &issuer{ca: ca, ids: map[string]bool{}}
	l.issuers = append(l.issuers, i)
	return i
}

func (l *List) addKey(blob string) {
	if l.keys == nil {
		l.keys = map[string]bool{}
	}
	l.keys[blob] = true
}
