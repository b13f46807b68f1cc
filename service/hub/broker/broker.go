package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"golang.org/x/time/rate"
)

// Options say which NATS is used. Dir is where keys and the store of the embedded
// server are.
type Options struct {
	Dir    string
	Name   string
	Listen string      // host:port of the embedded server; port 0 takes a free one
	TLS    *tls.Config // of the embedded server

	URLs  []string // of an existing cluster; then nothing is embedded
	Creds string   // file of a seed or credentials for it; "": the hub's own nkey
	CA    string   // file of the certificates that its servers are believed by; "": the system's

	Log *slog.Logger
}

// A Broker is the connection to NATS, and the server if it is our own.
type Broker struct {
	NC       *nats.Conn
	JS       jetstream.JetStream
	Identity Identity

	server  *server.Server
	dir     string
	broken  atomic.Bool
	callout *callout
	mu      sync.Mutex
	cids    map[string][]uint64 // newest connections of each id, the oldest first
}

// keys are the secrets of the hub towards NATS.
type keys struct{ user, issuer, curve nkeys.KeyPair }

func openKeys(dir string) (k keys, i Identity, err error) {
	for _, one := range []struct {
		file   string
		create func() (nkeys.KeyPair, error)
		to     *nkeys.KeyPair
		public *string
	}{
		{"nats.nk", nkeys.CreateUser, &k.user, &i.User},
		{"issuer.nk", nkeys.CreateAccount, &k.issuer, &i.Issuer},
		{"callout.xk", nkeys.CreateCurveKeys, &k.curve, &i.XKey},
	} {
		if *one.to, err = nkey(filepath.Join(dir, one.file), one.create); err != nil {
			return k, i, err
		}
		if *one.public, err = (*one.to).PublicKey(); err != nil {
			return k, i, err
		}
	}
	return k, i, nil
}

// OpenIdentity reads the hub's keys in dir, or makes them, and gives their public half.
func OpenIdentity(dir string) (Identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Identity{}, err
	}
	_, i, err := openKeys(dir)
	return i, err
}

// Start starts the embedded server, or connects to the cluster. Nobody is let in before
// Serve. The caller ends it with Stop.
func Start(ctx context.Context, o Options) (*Broker, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	k, id, err := openKeys(o.Dir)
	if err != nil {
		return nil, err
	}
	b := &Broker{Identity: id, cids: map[string][]uint64{}, dir: o.Dir}
	b.callout = &callout{issuer: k.issuer, curve: k.curve, account: Account, log: o.Log, hosts: map[string]*rate.Limiter{}, seen: b.remember}
	options := []nats.Option{
		nats.Name("hozen hub " + o.Name), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond),
		nats.RetryOnFailedConnect(false), nats.Timeout(10 * time.Second),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2), // a server that vanished without a word
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				o.Log.Warn("nats disconnected", "error", err.Error())
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { o.Log.Info("nats connected", "url", c.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			o.Log.Warn("nats", "error", text(err), "subject", subject(s))
		}),
	}
	url := strings.Join(o.URLs, ",")
	if len(o.URLs) == 0 {
		if b.server, err = b.embed(o); err != nil {
			return nil, err
		}
		options = append(options, nats.InProcessServer(b.server))
	} else if o.CA != "" {
		options = append(options, nats.RootCAs(o.CA))
	}
	if o.Creds != "" {
		options = append(options, nats.UserCredentials(o.Creds))
	} else {
		options = append(options, nats.Nkey(id.User, k.user.Sign))
	}
	if b.NC, err = nats.Connect(url, options...); err == nil {
		b.JS, err = jetstream.New(b.NC, jetstream.WithPublishAsyncMaxPending(256))
	}
	if err != nil {
		_ = b.Stop() // the first error counts
		return nil, fmt.Errorf("nats: %w", err)
	}
	return b, nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func subject(s *nats.Subscription) string {
	if s == nil {
		return ""
	}
	return s.Subject
}

// embed starts the server in this process.
func (b *Broker) embed(o Options) (*server.Server, error) {
	host, portText, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", o.Listen, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 0 || port > 65535 {
		return nil, fmt.Errorf("listen address %q: no port", o.Listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if host == "" {
		host = "0.0.0.0"
	}
	var so server.Options
	if err := so.ProcessConfigString(b.Identity.embedded("hozen-hub", host, port, filepath.Join(o.Dir, "nats"))); err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	so.NoSigs, so.DisableJetStreamBanner = true, true
	so.TLSConfig, so.TLS, so.TLSTimeout, so.AuthTimeout = o.TLS, o.TLS != nil, 10, 10
	so.TLSHandshakeFirst = o.TLS != nil // nothing is told to who has not seen the certificate
	s, err := server.NewServer(&so)
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	s.SetLoggerV2(natsLog{o.Log, &b.broken}, false, false, false)
	go s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		return nil, errors.Join(fmt.Errorf("nats: the server does not listen on %s", o.Listen), shutDown(s))
	}
	return s, nil
}

// Serve lets connections in as ask says.
func (b *Broker) Serve(ask Authorizer) error {
	b.callout.ask = ask
	_, err := b.NC.Subscribe(calloutSubject, b.callout.answer)
	return err
}

// Addr is where the embedded server listens; nil if there is none.
func (b *Broker) Addr() net.Addr {
	if b.server == nil {
		return nil
	}
	return b.server.Addr()
}

// Denied counts connections that were refused.
func (b *Broker) Denied() uint64 { return b.callout.denied.Load() }

// maxEach is how many connections one id may have at the same time: one more than a
// client needs that has not noticed yet that its old ones are dead.
const maxEach = 4

// remember keeps the connections of an id; of too many the oldest is closed.
func (b *Broker) remember(id string, cid uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cids[id] = append(b.live(id), cid)
	if n := len(b.cids[id]); n > maxEach {
		b.disconnect(b.cids[id][:n-maxEach])
		b.cids[id] = slices.Clone(b.cids[id][n-maxEach:])
	}
}

// live gives the connections of an id that have not ended, as far as our own server knows.
func (b *Broker) live(id string) []uint64 {
	if b.server == nil {
		return b.cids[id]
	}
	return slices.DeleteFunc(b.cids[id], func(c uint64) bool { return b.server.GetClient(c) == nil })
}

// Live counts the connections of an id, where the server is our own.
func (b *Broker) Live(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cids[id] = b.live(id)
	return len(b.cids[id])
}

// Kick closes all connections of an id, where the server is our own; with a cluster it
// does nothing, and a client without rights is not answered.
func (b *Broker) Kick(id string) {
	b.mu.Lock()
	cids := b.cids[id]
	delete(b.cids, id)
	b.mu.Unlock()
	b.disconnect(cids)
}

func (b *Broker) disconnect(cids []uint64) {
	if b.server == nil {
		return
	}
	for _, cid := range cids {
		_ = b.server.DisconnectClientByID(cid) // gone already
	}
}

// Broken says that the embedded server could not write: the disk was full, or is gone.
func (b *Broker) Broken() bool { return b.broken.Load() }

// Revive starts the storage of the embedded server again, after there was no room for
// it. What was acknowledged before is there.
func (b *Broker) Revive() error {
	b.broken.Store(false)
	if err := b.server.ShutdownJetStream(); err != nil {
		return err
	}
	return b.server.EnableJetStream(&server.JetStreamConfig{StoreDir: filepath.Join(b.dir, "nats"), MaxStore: noLimit, MaxMemory: maxMemory, SyncAlways: true})
}

// Stop ends the connection, and the server with all that it has stored on disk.
func (b *Broker) Stop() error {
	var err error
	if b.NC != nil {
		err = b.NC.FlushTimeout(5 * time.Second)
		if errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrTimeout) {
			err = nil
		}
		b.NC.Close()
	}
	if b.server != nil {
		err = errors.Join(err, shutDown(b.server))
	}
	return err
}

// stopAfter is how long a server may take to end; it acknowledged nothing that is not on
// the disk.
const stopAfter = 30 * time.Second

func shutDown(s *server.Server) error {
	down := make(chan struct{})
	go func() {
		s.Shutdown()
		s.WaitForShutdown()
		close(down)
	}()
	select {
	case <-down:
		return nil
	case <-time.After(stopAfter):
		return fmt.Errorf("nats: the server did not end within %s", stopAfter)
	}
}

// natsLog hands the server's own words to our log: warnings and errors.
// A stream whose write failed once takes nothing more, and says so here only.
type natsLog struct {
	log    *slog.Logger
	broken *atomic.Bool
}

func (l natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l natsLog) Warnf(format string, v ...any)   { l.tell(slog.LevelInfo, fmt.Sprintf(format, v...)) }
func (l natsLog) Fatalf(format string, v ...any)  { l.tell(slog.LevelError, fmt.Sprintf(format, v...)) }
func (l natsLog) Errorf(format string, v ...any)  { l.tell(slog.LevelError, fmt.Sprintf(format, v...)) }
func (l natsLog) tell(level slog.Level, text string) {
	if strings.Contains(text, "Critical write error") || strings.Contains(text, "JetStream out of") || strings.Contains(text, "no space left") {
		l.broken.Store(true)
	}
	l.log.Log(context.Background(), level, "nats", "text", text)
}
func (l natsLog) Debugf(string, ...any) {}
func (l natsLog) Tracef(string, ...any) {}
