package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/ssh"

	"hozen/service/hub/broker"
	"hozen/service/hub/intake"
	"hozen/service/hub/registry"
	"hozen/service/hub/store"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// Options say what kind of hub this is. Only Dir and Log must be given.
type Options struct {
	Dir       string   // of keys, and of the embedded server's store; made with the mode 0700
	Name      string   // in receipts and certificates; "": "hub"
	Version   string   // of the program
	Listen    string   // host:port for endpoints; "": "0.0.0.0:4222"
	Advertise []string // host:port that endpoints connect to; nil: the addresses of this machine

	NATS      []string // URLs of an existing cluster; nil: the embedded server
	NATSCreds string   // see broker.Options
	NATSCA    string

	Store     store.Store // where archives stay; nil: JetStream's object store
	Operators string      // allowed_signers of operators, so that co-signatures in archives are judged; it decides nothing else
	Reserve   int64       // bytes of the disk below Dir that stay free; 0: 1 GiB

	Limits Limits
	Users  view.Users // of the console; nil: none
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now

	free   func() (int64, error) // of tests: bytes of the disk below Dir
	budget time.Duration         // of tests: see intake.Options
}

// A Hub is a running hub. It implements view.Hub.
type Hub struct {
	o        Options
	key      ed25519.PrivateKey
	pub      ssh.PublicKey
	ca       *broker.Authority // nil with a cluster that has its own
	caHash   string
	broker   *broker.Broker
	registry *registry.Registry
	streams  *streams
	intake   *intake.Intake
	store    store.Store
	lanes    *lanes
	watchers *watchers
	started  time.Time
	ctx      context.Context // ends with the hub
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
	counters *counters
	senders  *senders
	view.Users
}

const (
	replicasOfCluster = 3
	requestTime       = 30 * time.Second // that one message may take
	flushEvery        = 5 * time.Minute
	lookEvery         = 2 * time.Second
)

// Start starts a hub. When it returns, endpoints may connect. The caller ends it with Stop.
func Start(ctx context.Context, o Options) (*Hub, error) {
	h := &Hub{o: o, watchers: &watchers{all: map[chan view.Event]bool{}}, counters: newCounters(), Users: o.Users}
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := h.start(ctx); err != nil {
		return nil, errors.Join(err, h.Stop(ctx))
	}
	return h, nil
}

func (h *Hub) defaults() {
	if h.o.Name == "" {
		h.o.Name = "hub"
	}
	if h.o.Listen == "" {
		h.o.Listen = "0.0.0.0:4222"
	}
	if h.o.Now == nil {
		h.o.Now = time.Now
	}
	if h.o.Reserve <= 0 {
		h.o.Reserve = 1 << 30
	}
	h.o.Limits = h.o.Limits.withDefaults()
	h.senders = newSenders(h.o.Limits.Jobs)
	h.started = h.o.Now()
}

func (h *Hub) start(ctx context.Context) (err error) {
	h.defaults()
	if err := os.MkdirAll(h.o.Dir, 0o700); err != nil {
		return err
	}
	if h.key, err = broker.SigningKey(filepath.Join(h.o.Dir, "hub.key"), "hub:"+h.o.Name); err != nil {
		return err
	}
	if h.pub, err = ssh.NewPublicKey(h.key.Public()); err != nil {
		return err
	}
	if err := h.startBroker(ctx); err != nil {
		return err
	}
	replicas := 1
	if len(h.o.NATS) > 0 {
		replicas = replicasOfCluster
	}
	if h.streams, err = openStreams(ctx, h.broker.JS, replicas); err != nil {
		return err
	}
	if h.registry, err = registry.Open(ctx, h.broker.JS, replicas, h.o.Now); err != nil {
		return err
	}
	if err := h.openIntake(ctx, replicas); err != nil {
		return err
	}
	h.lanes = &lanes{limits: h.o.Limits, handle: h.handle, refuse: h.overLimit, kick: h.broker.Kick, all: map[string]*lane{}}
	if err := h.subscribe(); err != nil {
		return err
	}
	if err := h.broker.Serve(h.registry); err != nil {
		return err
	}
	h.intake.Start(h.ctx)
	h.tasks.Go(h.housekeeping)
	return nil
}

// openIntake finds out what has arrived before anybody may send more.
func (h *Hub) openIntake(ctx context.Context, replicas int) (err error) {
	if h.store = h.o.Store; h.store == nil {
		if h.store, err = store.Objects(ctx, h.broker.JS, replicas); err != nil {
			return err
		}
	}
	o := intake.Options{
		JS: h.broker.JS, Replicas: replicas, Store: h.store, Trust: h.trust, Sign: h.sign, Tell: h.tellReceipt,
		Transit: h.o.Limits.Transit, Uploads: h.o.Limits.Uploads, Active: h.o.Limits.Active,
		Reserve: h.o.Reserve, Share: h.o.Limits.Share, Local: h.o.Store == nil, Budget: h.o.budget, Log: h.o.Log, Now: h.o.Now,
	}
	if h.o.free == nil && len(h.o.NATS) == 0 {
		h.o.free = func() (int64, error) { return freeBytes(h.o.Dir) }
	}
	if h.o.free != nil {
		o.Free = func() (int64, error) {
			if h.broker.Broken() {
				return 0, nil
			}
			return h.o.free()
		}
	}
	h.intake, err = intake.Open(ctx, o)
	return err
}

// startBroker makes the certificates and starts or reaches NATS.
func (h *Hub) startBroker(ctx context.Context) (err error) {
	bo := broker.Options{Dir: h.o.Dir, Name: h.o.Name, Listen: h.o.Listen, URLs: h.o.NATS, Creds: h.o.NATSCreds, CA: h.o.NATSCA, Log: h.o.Log}
	if h.ca, err = broker.OpenAuthority(h.o.Dir, h.names(), h.o.Now); err != nil {
		return err
	}
	if h.caHash = h.ca.Hash(); len(h.o.NATS) == 0 {
		bo.TLS = h.ca.ServerTLS()
	} else if h.o.NATSCA != "" {
		if h.caHash, err = hashOfCA(h.o.NATSCA); err != nil {
			return err
		}
	}
	h.broker, err = broker.Start(ctx, bo)
	return err
}

// names are what the certificate is for: all that endpoints may use to come here.
func (h *Hub) names() []string {
	names := []string{"127.0.0.1", "::1", "localhost"}
	for _, a := range h.o.Advertise {
		if host, _, err := net.SplitHostPort(a); err == nil {
			names = append(names, host)
		}
	}
	return append(names, ownAddresses()...)
}

// ownAddresses are those of this machine's interfaces, without loopback and link-local.
func ownAddresses() (list []string) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return list
}

// Addresses are where endpoints connect to: what was advertised, else this machine's
// own addresses.
func (h *Hub) Addresses() []string {
	if len(h.o.Advertise) > 0 {
		return h.o.Advertise
	}
	if h.broker == nil || h.broker.Addr() == nil {
		return clusterAddresses(h.o.NATS)
	}
	host, port, err := net.SplitHostPort(h.broker.Addr().String())
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		return []string{net.JoinHostPort(host, port)}
	}
	var list []string
	for _, a := range ownAddresses() {
		list = append(list, net.JoinHostPort(a, port))
	}
	if len(list) == 0 {
		list = []string{net.JoinHostPort("127.0.0.1", port)}
	}
	return list[:min(len(list), protocol.MaxAddresses)]
}

func clusterAddresses(urls []string) (list []string) {
	for _, u := range urls {
		_, rest, found := strings.Cut(u, "://")
		if !found {
			rest = u
		}
		list = append(list, rest)
	}
	return list
}

// Token makes a token, as text.
func (h *Hub) Token(ctx context.Context, i registry.Invitation, life time.Duration) (string, error) {
	secret, err := h.registry.Invite(ctx, i, life)
	if err != nil {
		return "", err
	}
	t := protocol.Token{Addresses: h.Addresses(), CA: h.caHash, HubKey: ssh.FingerprintSHA256(h.pub), Secret: secret, Role: i.Role}
	if err := protocol.CheckAddresses(t.Addresses); err != nil {
		return "", fmt.Errorf("advertised addresses: %w", err)
	}
	return t.String(), nil
}

// About implements view.Hub.
func (h *Hub) About() view.About {
	return view.About{Name: h.o.Name, Version: h.o.Version, Fingerprint: ssh.FingerprintSHA256(h.pub), Addresses: h.Addresses(), CA: h.caHash, Store: h.store.Where(), Started: h.started.UTC().Format(time.RFC3339)}
}

// housekeeping writes now and then what is not worth a write each time.
func (h *Hub) housekeeping() {
	tick, look := time.NewTicker(flushEvery), time.NewTicker(lookEvery)
	defer tick.Stop()
	defer look.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-look.C:
			h.revive()
		case <-tick.C:
			h.lanes.tidy()
			if err := h.registry.Flush(h.ctx); err != nil && h.ctx.Err() == nil {
				h.o.Log.Warn("presence not written", "error", err.Error())
			}
		}
	}
}

// revive starts the storage again when it had no room and has it now.
func (h *Hub) revive() {
	if !h.broker.Broken() || h.o.free == nil {
		return
	}
	if free, err := h.o.free(); err == nil && free < h.o.Reserve {
		return
	}
	err := h.broker.Revive()
	if err == nil { // what was kept in memory only is made anew
		_, err = openStreams(h.ctx, h.broker.JS, 1)
	}
	h.o.Log.Warn("storage started again", "error", fmt.Sprint(err))
}

// Stop ends the hub: what is being handled is finished, what is stored stays.
func (h *Hub) Stop(ctx context.Context) error {
	var errs []error
	h.watchers.close()
	if h.broker != nil && h.broker.NC != nil {
		for _, s := range h.counters.subscriptions {
			if err := s.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
				errs = append(errs, err)
			}
		}
	}
	if h.lanes != nil {
		h.lanes.close()
	}
	h.cancel()
	h.tasks.Wait()
	if h.intake != nil {
		h.intake.Close()
	}
	if h.registry != nil {
		errs = append(errs, h.registry.Flush(ctx))
		h.registry.Close()
	}
	if h.broker != nil {
		errs = append(errs, h.broker.Stop())
	}
	return errors.Join(errs...)
}
