package timestamp

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"hozen/packager/text"
)

// maxRoots bounds the certificates of a file of roots.
const maxRoots = 1000

// Roots are the certificates that an auditor believes, or that help to get to one of
// those. They are never in the archive.
type Roots struct {
	roots, others *x509.CertPool
	list          []*x509.Certificate // those that are not roots: one of them may have signed
}

// ParseRoots reads PEM certificates: those that signed themselves are believed, the
// others are only used on the way to them, as "openssl ts -verify -CAfile" does. Text
// between them is passed over.
func ParseRoots(b []byte) (*Roots, error) {
	r := &Roots{roots: x509.NewCertPool(), others: x509.NewCertPool()}
	b = text.UTF8(b)
	n := 0
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if n++; n > maxRoots {
			return nil, fmt.Errorf("more than %d certificates", maxRoots)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err == nil {
			err = checkKey(c)
		}
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", n, err)
		}
		if bytes.Equal(c.RawSubject, c.RawIssuer) {
			r.roots.AddCert(c)
		} else {
			r.others.AddCert(c)
			r.list = append(r.list, c)
		}
	}
	if n == len(r.list) {
		return nil, errors.New("no root in it: none of the certificates signed itself")
	}
	return r, nil
}
