package remote

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// dialer opens TLS connections to the pinned addresses and to nothing else, and not
// more than about one a second, however often the other side hangs up.
type dialer struct {
	ctx       context.Context
	addresses []string
	tls       *tls.Config
	slow      *rate.Limiter

	mu      sync.Mutex
	last    net.Conn
	version uint16 // of TLS, of the last connection
}

func newDialer(ctx context.Context, h Hub) *dialer {
	return &dialer{ctx: ctx, addresses: h.Addresses, tls: pinned(h), slow: rate.NewLimiter(rate.Every(time.Second), len(h.Addresses)+1)}
}

// SkipTLSHandshake tells nats.go that Dial has done it.
func (d *dialer) SkipTLSHandshake() bool { return true }

// Dial is what nats.go calls. What it gives has shown the pinned certificate, and is bounded.
func (d *dialer) Dial(_, address string) (net.Conn, error) {
	if !slices.Contains(d.addresses, address) {
		return nil, fmt.Errorf("%s: not one of the hub's addresses", address)
	}
	if err := d.slow.Wait(d.ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(d.ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: pingInterval}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.last = conn
	d.mu.Unlock()
	return d.secure(conn)
}

// secure does the handshake; the connection is closed if it fails.
func (d *dialer) secure(conn net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, dialTimeout)
	defer cancel()
	c := tls.Client(conn, d.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	d.mu.Lock()
	d.version = c.ConnectionState().Version
	d.mu.Unlock()
	return newBounded(c), nil
}

// tlsVersion names what the last connection speaks.
func (d *dialer) tlsVersion() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return tls.VersionName(d.version)
}

// hangUp closes what is open, so that nobody waits for the end of a handshake.
func (d *dialer) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last != nil {
		d.last.Close()
	}
}
