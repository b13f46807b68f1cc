package deliver

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

// transport makes connections to the place's host and to no other: no proxy, no name
// server, and only TLS.
func transport(p Place, o Options) (*http.Transport, error) {
	config, err := tlsConfig(p.Host, o)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		TLSClientConfig: config,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			if address != p.address() {
				return nil, fmt.Errorf("%s: not the host of this destination", address)
			}
			c, err := o.dial(ctx, p.Host, p.Port)
			if err != nil {
				return nil, err
			}
			return impatient{c, o.stall()}, nil
		},
		TLSHandshakeTimeout: o.stall(), ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: o.stall(), DisableCompression: true,
		MaxResponseHeaderBytes: 64 << 10,
	}, nil
}

func tlsConfig(host string, o Options) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if o.Pin != "" {
		pin := strings.ToLower(o.Pin)
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(pin) {
			return nil, errors.New("pin: want the SHA-256 of a certificate, 64 hexadecimal digits")
		}
		c.InsecureSkipVerify = true // VerifyConnection does it, with another root
		c.VerifyConnection = func(s tls.ConnectionState) error { return pinned(s.PeerCertificates, pin, host) }
		return c, nil
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA %s: no certificate in it", o.CAFile)
		}
	}
	return c, nil
}

// pinned says whether one of the certificates that the server sent is the pinned one,
// and the server's own is that one or stands below it and is for this host.
func pinned(chain []*x509.Certificate, pin, host string) error {
	for i, c := range chain {
		sum := sha256.Sum256(c.Raw)
		if hex.EncodeToString(sum[:]) != pin {
			continue
		}
		if i == 0 {
			return nil
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(c)
		for _, other := range chain[1:] {
			between.AddCert(other)
		}
		_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host})
		return err
	}
	if len(chain) == 0 {
		return errors.New("the server sent no certificate")
	}
	sum := sha256.Sum256(chain[0].Raw)
	return fmt.Errorf("none of the server's certificates is the pinned one; its own is %s", hex.EncodeToString(sum[:]))
}
