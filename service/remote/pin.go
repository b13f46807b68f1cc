package remote

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
)

// ErrPin is wrapped when a server is not the one that was enrolled at.
var ErrPin = errors.New("not the hub that this endpoint was enrolled at")

// pinned is TLS 1.3 to a server whose chain has the authority with the pinned hash, and
// whose certificate this authority gave to the pinned name, or to one of the addresses
// where there is no name.
//
// The dates in certificates are not looked at: the clock of an examined machine may be
// wrong or set wrong on purpose, and must not keep evidence from leaving. An authority
// that is no longer to be believed is replaced by enrolling anew.
func pinned(h Hub) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: h.Name,
		// The usual verification asks the machine's roots and clock; VerifyConnection
		// does all of it with the pin. It runs for every connection.
		InsecureSkipVerify: true,
		VerifyConnection:   func(s tls.ConnectionState) error { return checkChain(h, s.PeerCertificates) },
	}
	return c
}

func checkChain(h Hub, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return fmt.Errorf("%w: no certificate", ErrPin)
	}
	roots, found := x509.NewCertPool(), false
	for _, c := range chain {
		sum := sha256.Sum256(c.Raw)
		if hex.EncodeToString(sum[:]) == h.CA {
			roots.AddCert(c)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%w: its certificates are from another authority", ErrPin)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: leaf.NotBefore}); err != nil {
		return fmt.Errorf("%w: %w", ErrPin, err)
	}
	return checkName(h, leaf)
}

func checkName(h Hub, leaf *x509.Certificate) error {
	if h.Name != "" {
		if err := leaf.VerifyHostname(h.Name); err != nil {
			return fmt.Errorf("%w: %w", ErrPin, err)
		}
		return nil
	}
	for _, a := range h.Addresses {
		if ap, err := netip.ParseAddrPort(a); err == nil && leaf.VerifyHostname(ap.Addr().String()) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: its certificate is for none of %v", ErrPin, h.Addresses)
}
