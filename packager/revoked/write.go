package revoked

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
)

// AddKey revokes a key; of a certificate, the key that it is of.
func (l *List) AddKey(key ssh.PublicKey) {
	if c, ok := key.(*ssh.Certificate); ok {
		key = c.Key
	}
	l.addKey(string(key.Marshal()))
}

// AddCertificate revokes a certificate by its number, or, where it has none, by its name;
// its key may have others. Without both it cannot be told from others: an error.
func (l *List) AddCertificate(cert *ssh.Certificate) error {
	i := l.issuer(string(cert.SignatureKey.Marshal()))
	switch {
	case cert.Serial != 0:
		if i.hasSerial(cert.Serial) {
			return nil
		}
		return i.add(cert.Serial, cert.Serial)
	case cert.KeyId != "":
		i.ids[cert.KeyId] = true
		return nil
	}
	return errors.New("the certificate has neither a number nor a name: revoke its key")
}

// KRL writes the list as a key revocation list, one version higher than it was, and
// remembers that. Read again it says the same.
func (l *List) KRL(now time.Time) []byte {
	l.Version++
	l.Generated = uint64(max(now.Unix(), 0))
	b := append([]byte(krlMagic), 0, 0, 0, krlFormat)
	for _, n := range []uint64{l.Version, l.Generated, 0} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = appendText(appendText(b, nil), []byte(l.Comment))
	for _, i := range l.issuers {
		if body := i.marshal(); body != nil {
			b = appendText(append(b, sectionCertificates), body)
		}
	}
	var body []byte
	for _, k := range slices.Sorted(maps.Keys(l.keys)) {
		body = appendText(body, []byte(k))
	}
	b = appendSection(b, sectionKeys, body)
	body = nil
	for _, sum := range slices.SortedFunc(maps.Keys(l.sums1), func(x, y [20]byte) int { return bytes.Compare(x[:], y[:]) }) {
		body = appendText(body, sum[:])
	}
	b = appendSection(b, sectionSHA1, body)
	body = nil
	for _, sum := range slices.SortedFunc(maps.Keys(l.sums256), func(x, y [32]byte) int { return bytes.Compare(x[:], y[:]) }) {
		body = appendText(body, sum[:])
	}
	return appendSection(b, sectionSHA256, body)
}

// marshal gives the section of an issuer; nil if it revokes nothing.
func (i *issuer) marshal() []byte {
	if len(i.serials)+len(i.bitmaps)+len(i.ids) == 0 {
		return nil
	}
	b := appendText(appendText(nil, []byte(i.ca)), nil)
	for _, s := range i.serials {
		body := binary.BigEndian.AppendUint64(nil, s.low)
		if s.low == s.high {
			b = appendSection(b, certSerials, body)
			continue
		}
		b = appendSection(b, certRange, binary.BigEndian.AppendUint64(body, s.high))
	}
	for _, m := range i.bitmaps {
		b = appendSection(b, certBitmap, appendText(binary.BigEndian.AppendUint64(nil, m.low), m.bits))
	}
	var ids []byte
	for _, id := range slices.Sorted(maps.Keys(i.ids)) {
		ids = appendText(ids, []byte(id))
	}
	return appendSection(b, certIDs, ids)
}

// appendSection appends what has a kind and a length; nothing if it is empty.
func appendSection(b []byte, kind byte, body []byte) []byte {
	if len(body) == 0 {
		return b
	}
	return appendText(append(b, kind), body)
}

// Not inlined, for the size of the program.
//
//go:noinline
func appendText(b, text []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}
