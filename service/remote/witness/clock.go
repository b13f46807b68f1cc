package witness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/ntp"

	"hozen/packager"
)

const (
	ntpPort = 123
	// MaxServers bounds how many time servers are asked.
	MaxServers = 8
)

// A Clock is what another clock, such as a time server's, says of this machine's clock.
type Clock struct {
	packager.ClockSource
	MaxError time.Duration // how wrong this machine's clock may be, by it
	Err      error         // why it says nothing
	Asked    time.Time     // by this machine's clock; zero: just now
	Elapsed  time.Duration // since Asked, by the monotonic clock
}

// CheckServer says why a text is not HOST or HOST:PORT of a time server.
func CheckServer(s string) error {
	_, _, err := serverOf(s)
	return err
}

func serverOf(s string) (host string, port int, err error) {
	if at, err := netip.ParseAddr(s); err == nil {
		return at.String(), ntpPort, nil
	}
	host, port = s, ntpPort
	if strings.Contains(s, ":") {
		var text string
		if host, text, err = net.SplitHostPort(s); err != nil {
			return "", 0, fmt.Errorf("time server %q: %w", s, err)
		}
		if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return "", 0, fmt.Errorf("time server %q: port %q", s, text)
		}
	}
	if host == "" || strings.ContainsAny(host, "/@ \t\n") {
		return "", 0, fmt.Errorf("time server %q: want HOST or HOST:PORT", s)
	}
	return host, port, nil
}

// Clocks asks time servers, all at once, each with one packet, until ctx ends; their
// answers are in the order of the servers. A server given by its address costs no query to
// a name server. This machine's clock is not set.
func Clocks(ctx context.Context, servers []string) []Clock {
	servers = servers[:min(len(servers), MaxServers)]
	type numbered struct {
		n int
		Clock
	}
	answers := make(chan numbered, len(servers)) // nobody waits for one that comes late
	for i, s := range servers {
		go func() { answers <- numbered{i, ask(ctx, s)} }()
	}
	all := make([]Clock, len(servers))
	for i, s := range servers {
		all[i] = Clock{ClockSource: source(s), Err: errors.New("no answer in time")}
	}
	for range servers {
		select {
		case a := <-answers:
			all[a.n] = a.Clock
		case <-ctx.Done():
			return all
		}
	}
	return all
}

func source(server string) packager.ClockSource { return packager.ClockSource{Kind: "ntp", ID: server} }

func ask(ctx context.Context, server string) Clock {
	c := Clock{ClockSource: source(server)}
	host, port, err := serverOf(server)
	if err != nil {
		c.Err = err
		return c
	}
	timeout := 3 * time.Second
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end))
	}
	dial := func(_, remote string) (net.Conn, error) {
		return (&net.Dialer{Timeout: timeout}).DialContext(ctx, "udp", remote)
	}
	r, err := ntp.QueryWithOptions(net.JoinHostPort(host, strconv.Itoa(port)), ntp.QueryOptions{Timeout: timeout, Dialer: dial})
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		c.Err = err
		return c
	}
	c.OffsetMS, c.RTTMS = r.ClockOffset.Milliseconds(), r.RTT.Milliseconds()
	c.MaxError = r.ClockOffset.Abs() + r.RootDistance
	return c
}
