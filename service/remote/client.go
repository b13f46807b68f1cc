package remote

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/ssh"
	"golang.org/x/time/rate"

	"hozen/packager/signed"
	"hozen/service/durable"
	"hozen/service/protocol"
)

// helloInterval is how often an endpoint shows that it is there.
const helloInterval = time.Minute

// Options are what Connect needs.
type Options struct {
	State string // directory that Enrol filled
	// Hello tells what is to be said of this endpoint; Sent is filled in. It is called
	// from another goroutine, and must not wait.
	Hello func() protocol.Hello
	Log   *slog.Logger // nil: silent
}

// A Client is an endpoint's connection. Its methods may be called concurrently; those
// with a context go on over lost connections until it ends.
type Client struct {
	link     *link
	key      ssh.PublicKey // of the hub
	opts     Options
	announce chan struct{}
	asks     *rate.Limiter // for jobs
	progress mailbox
	life     context.Context // until Close
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	pos   position
	given uint64 // highest number that Jobs gave out in this life of the stream
}

// Connect makes the connection in the background: it is no error that the hub is not
// there. Close ends it.
func Connect(o Options) (*Client, error) {
	h, err := Load(o.State)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{opts: o, announce: make(chan struct{}, 1), asks: rate.NewLimiter(rate.Every(askInterval), asksAtOnce), progress: mailbox{filled: make(chan struct{}, 1)}}
	if c.key, err = h.key(); err != nil {
		return nil, err
	}
	if c.pos, err = loadPosition(o.State); err != nil {
		// The worst is that jobs come again, which the ledger knows.
		o.Log.Warn("position among the jobs lost, asking from the beginning", "error", err)
		c.pos = position{}
	}
	key, err := loadSeed(o.State)
	if err != nil {
		return nil, err
	}
	if c.link, err = open(h, login{key: key, forever: true}, o.Log); err != nil {
		return nil, err
	}
	c.life, c.stop = context.WithCancel(context.Background())
	c.running.Go(func() { c.hello(c.life) })
	c.running.Go(func() { c.tell(c.life) })
	return c, nil
}

// Hub gives what the enrolment pinned.
func (c *Client) Hub() Hub { return c.link.hub }

// ID gives our nkey: who we are to the hub.
func (c *Client) ID() string { return c.link.id }

// Connected says whether a connection stands, as far as is known.
func (c *Client) Connected() bool { return c.link.conn.IsConnected() }

// Close ends the connection and all that waits for it. It is called once, by whom no
// other method is called afterwards.
func (c *Client) Close() {
	c.stop()
	c.link.close()
	c.running.Wait()
}

// Announce says hello now, because something changed.
func (c *Client) Announce() {
	select {
	case c.announce <- struct{}{}:
	default:
	}
}

func (c *Client) hello(ctx context.Context) {
	if c.opts.Hello == nil {
		return
	}
	for ctx.Err() == nil {
		again := c.link.again()
		if c.Connected() {
			h := c.opts.Hello()
			h.Sent = signed.Wall(time.Now())
			c.publish(protocol.HelloSubject, h)
		}
		select {
		case <-c.announce:
			pause(ctx, time.Second, nil) // several changes at once are one
		case <-again:
		case <-time.After(helloInterval/2 + rand.N(helloInterval)):
		case <-ctx.Done():
		}
	}
}

// publish sends what nobody answers and nobody keeps.
func (c *Client) publish(subject string, v any) {
	b, err := protocol.Encode(v)
	if err == nil {
		err = c.link.conn.Publish(subject+c.link.id, b)
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrReconnectBufExceeded) {
		c.opts.Log.Debug("not sent", "subject", subject, "error", err)
	}
}

func (c *Client) savePosition(p position) error {
	return durable.ReplaceJSON(filepath.Join(c.opts.State, positionFile), p)
}
