package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/hub/broker"
	"hozen/service/hub/registry"
	hub "hozen/service/hub/server"
	"hozen/service/porttest"
	"hozen/service/protocol"
)

// cluster is three NATS servers, as somebody's own cluster would be set up for a hub:
// with what `hub nats-config` prints.
type cluster struct {
	urls  []string
	nodes []*server.Server
}

func newCluster(t *testing.T, id broker.Identity, ca *broker.Authority) *cluster {
	t.Helper()
	ports := porttest.Pick(t, 6)
	var routes []string
	for _, p := range ports[3:] {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	c := &cluster{}
	for i := range 3 {
		text := fmt.Sprintf("server_name: n%d\nhost: 127.0.0.1\nport: %d\njetstream { store_dir: %q }\ncluster { name: c, listen: \"127.0.0.1:%d\", routes: [ %s ] }\n%s",
			i, ports[i], filepath.Join(t.TempDir(), "nats"), ports[3+i], strings.Join(routes, ", "), id.Config())
		var o server.Options
		if err := o.ProcessConfigString(text); err != nil {
			t.Fatal(err)
		}
		o.NoSigs, o.NoLog, o.DisableJetStreamBanner = true, true, true
		o.TLSConfig, o.TLS, o.TLSTimeout = ca.ServerTLS(), true, 10
		o.TLSHandshakeFirst, o.TLSHandshakeFirstFallback = true, server.DEFAULT_TLS_HANDSHAKE_FIRST_FALLBACK_DELAY
		s, err := server.NewServer(&o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		c.nodes, c.urls = append(c.nodes, s), append(c.urls, fmt.Sprintf("tls://127.0.0.1:%d", ports[i]))
	}
	until(t, "the cluster has a leader", func() bool {
		leaders := 0
		for _, s := range c.nodes {
			if s.JetStreamIsLeader() {
				leaders++
			}
		}
		return leaders == 1
	})
	return c
}

// lose ends the server at an address, and no other: whoever was connected to it is at
// another one as soon as it is gone, and two of three must stay.
func (c *cluster) lose(t *testing.T, address string) {
	t.Helper()
	i := slices.Index(c.urls, "tls://"+address)
	if i < 0 {
		t.Fatalf("%s is none of %v", address, c.urls)
	}
	c.nodes[i].Shutdown()
	c.nodes[i].WaitForShutdown()
}

// TestClusterLosesANode has an upload go on, without a byte lost, while the server that
// the endpoint is connected to dies; jobs and status lines likewise.
func TestClusterLosesANode(t *testing.T) {
	if os.Getenv("HOZEN_CLUSTER") == "" {
		t.Skip("long test: HOZEN_CLUSTER=1 has three servers elect leaders; on a busy machine the hub may not get to its start")
	}
	dir := t.TempDir()
	id, err := broker.OpenIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := broker.OpenAuthority(dir, []string{"127.0.0.1"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	nats := newCluster(t, id, ca)
	h, err := hub.Start(t.Context(), hub.Options{Dir: dir, Name: "test", NATS: nats.urls, NATSCA: file, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(context.Background()); err != nil {
			t.Log(err)
		}
	})
	token, err := h.Token(t.Context(), registry.Invitation{Role: protocol.RoleEndpoint}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	if _, err := Enrol(soon(t), Enrolment{Token: token, Device: deviceOf(t), State: state}); err != nil {
		t.Fatal(err)
	}
	c := client(t, state)
	until(t, "connected", c.Connected)
	b := content(12 << 20)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	u, err := c.Destination().Open(ctx, collection+".tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Write(ctx, b[:4<<20]); err != nil {
		t.Fatal(err)
	}
	nats.lose(t, c.link.conn.ConnectedAddr())
	err = u.Write(ctx, b[4<<20:])
	for err != nil && ctx.Err() == nil { // as an outbox does; servers take seconds to agree
		t.Log(err)
		pause(ctx, time.Second, nil)
		if u, err = c.Destination().Open(ctx, collection+".tar.zst"); err == nil {
			err = u.Write(ctx, b[u.Offset():])
		}
	}
	if err := u.Commit(ctx, int64(len(b)), signed.HexSum(b)); err != nil {
		t.Fatal(err)
	}
	log := []byte("no custody log\n")
	l, err := c.Destination().Open(ctx, collection+".custody.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if err := put(ctx, l, log); err != nil {
		t.Fatal(err)
	}
	if err := c.Status(ctx, []byte("a line")); err != nil {
		t.Fatal(err)
	}
	r := protocol.CommitRequest{
		Collection: collection,
		Archive:    protocol.Whole{Name: collection + ".tar.zst", Bytes: int64(len(b)), SHA256: signed.HexSum(b)},
		Log:        protocol.Whole{Name: collection + ".custody.jsonl", Bytes: int64(len(log)), SHA256: signed.HexSum(log)},
	}
	if err := c.Commit(ctx, r); err != nil {
		t.Fatal(err)
	}
	// The bytes are those that we sent, and what they are the hub says as it is.
	if _, receipt, err := c.Receipt(ctx, r); err != nil || receipt.Verdict == string(packager.Valid) {
		t.Fatalf("%+v, %v", receipt, err)
	}
}
