package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"hozen/packager/evidence/fault"
	"hozen/service/protocol"
)

const (
	dialTimeout  = 10 * time.Second
	askTimeout   = 15 * time.Second // for one answer of the hub
	pingInterval = 20 * time.Second // a pulled cable is seen after three
	leastDelay   = 250 * time.Millisecond
	firstDelay   = 4 * time.Second  // at most, before a new attempt; doubled each time,
	longestDelay = 30 * time.Second // up to this; all above the least is chance
)

// ErrRefused is wrapped when the hub says no and asking again is of no use.
var ErrRefused = errors.New("refused by the hub")

// refusal makes an error of what an answer says; nil if it says nothing.
func refusal(why string, final bool) error {
	switch {
	case why == "":
		return nil
	case final:
		return fmt.Errorf("%w: %.500s", ErrRefused, why) // escaped by who prints it
	}
	return fmt.Errorf("hub: %.500s", why)
}

// errAway is what is said of a request while the link is lost: it is made again later.
var errAway = errors.New("the hub is not connected")

// stands says why nothing can be sent now. Of a link that was closed the client says it.
func (l *link) stands() error {
	if l.conn.IsConnected() || l.conn.IsClosed() {
		return nil
	}
	return errAway
}

// delay is how long to wait before attempt n, counted from 1: a thousand endpoints that
// lost the same hub come back one after another, over seconds if it is there at once.
func delay(n int) time.Duration {
	return leastDelay + rand.N(min(firstDelay<<min(max(n-1, 0), 10), longestDelay)-leastDelay)
}

// A link is a connection to the hub in the name of one nkey.
type link struct {
	hub    Hub
	id     string
	log    *slog.Logger
	conn   *nats.Conn
	dialer *dialer
	stop   context.CancelFunc

	mu    sync.Mutex
	wake  chan struct{} // closed and made anew when a connection stands
	clock Clock         // the hub's, as it was last heard of
}

// A login is how a link shows who it is.
type login struct {
	key     nkeys.KeyPair
	secret  string // of a token; "" where the key alone is known
	forever bool   // connects in the background, and again whenever the connection is lost
}

// open makes a link. One that is for ever is there at once, connected or not.
func open(h Hub, who login, log *slog.Logger) (*link, error) {
	id, err := who.key.PublicKey()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &link{hub: h, id: id, log: log, stop: stop, dialer: newDialer(ctx, h), wake: make(chan struct{})}
	l.conn, err = nats.Connect(servers(h.Addresses), l.options(who)...)
	if err != nil {
		stop()
		return nil, err
	}
	return l, nil
}

func servers(addresses []string) string {
	urls := make([]string, len(addresses))
	for i, a := range addresses {
		urls[i] = "tls://" + a
	}
	return strings.Join(urls, ",")
}

func (l *link) options(who login) []nats.Option {
	o := []nats.Option{
		nats.Name("hozen"),
		nats.Nkey(l.id, who.key.Sign),
		nats.Token(who.secret),
		nats.Secure(),                  // a server that does not speak of TLS is refused, too
		nats.SetCustomDialer(l.dialer), // it does TLS: nothing is read of a server that has not shown its certificate
		nats.SkipHostLookup(),
		nats.IgnoreDiscoveredServers(), // the addresses are those of the token, whatever a server says
		nats.CustomInboxPrefix(protocol.InboxPrefix + l.id),
		nats.NoEcho(),
		nats.Timeout(dialTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(3),
		nats.ReconnectOnFlusherError(),
		nats.ReconnectBufSize(-1), // what cannot be sent now is kept by who sends it
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) { l.log.Warn("hub", "error", err) }),
	}
	if !who.forever {
		return append(o, nats.NoReconnect())
	}
	return append(o,
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a hub that was set back may know us again tomorrow
		nats.CustomReconnectDelay(delay),
		nats.ConnectHandler(l.connected),
		nats.ReconnectHandler(l.connected),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.log.Debug("hub not reached", "error", err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.log.Info("hub lost", "error", err) }),
	)
}

func (l *link) connected(c *nats.Conn) {
	l.log.Info("hub connected", "address", c.ConnectedAddr(), "tls", l.dialer.tlsVersion())
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.wake)
	l.wake = make(chan struct{})
}

// again is closed when the next connection stands.
func (l *link) again() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wake
}

// close ends the connection, also in the middle of a handshake.
func (l *link) close() {
	l.stop()
	l.dialer.hangUp()
	l.conn.Close()
}

// ask sends a request to the hub and reads the answer; it tries once.
func (l *link) ask(ctx context.Context, verb string, request, answer any) error {
	return l.request(ctx, protocol.APISubject+l.id+"."+verb, request, answer)
}

func (l *link) request(ctx context.Context, subject string, request, answer any) error {
	b, err := protocol.Encode(request)
	if err != nil {
		return err
	}
	return l.exchange(ctx, subject, b, answer)
}

// exchange sends bytes as they are and reads the answer.
func (l *link) exchange(ctx context.Context, subject string, b []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := l.stands(); err != nil {
		return err
	}
	asked := time.Now()
	m, err := l.conn.RequestWithContext(ctx, subject, b)
	if err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	l.heard(m.Header.Get(protocol.HeaderClock), asked, time.Since(asked))
	if err := protocol.Decode(m.Data, answer); err != nil {
		return fmt.Errorf("%s: answer: %w", subject, err)
	}
	return nil
}

// retry calls try until it succeeds, is refused, or ctx ends. Between attempts it waits
// longer and longer, but no longer than until the next connection stands.
func (l *link) retry(ctx context.Context, what string, try func(context.Context) error) error {
	for n := 1; ; n++ {
		again := l.again()
		err := try(ctx)
		if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, nats.ErrConnectionClosed) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, fault.Join(ctx.Err(), err))
		}
		l.log.Debug(what+" again later", "attempt", n, "error", err)
		if !pause(ctx, delay(n), again) && ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, fault.Join(ctx.Err(), err))
		}
	}
}

// pause waits, and says whether the whole time went by; ctx and wake end it early.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-wake:
	case <-ctx.Done():
	}
	return false
}
