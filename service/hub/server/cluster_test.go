package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"hozen/packager"
	"hozen/service/deliver"
	"hozen/service/hub/broker"
	"hozen/service/hub/intake"
	"hozen/service/hub/registry"
	"hozen/service/hub/store"
	"hozen/service/porttest"
)

// cluster starts three NATS servers that know nothing of Hozen but what the hub prints
// for them.
func cluster(t *testing.T, id broker.Identity) (nodes []*natsserver.Server, urls []string, ca string) {
	t.Helper()
	keys := t.TempDir()
	authority, err := broker.OpenAuthority(keys, []string{"127.0.0.1"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ports := porttest.Pick(t, 6)
	var routes []string
	for _, port := range ports[3:] {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	for i := range 3 {
		var o natsserver.Options
		config := fmt.Sprintf("server_name: n%d\nhost: 127.0.0.1\nport: %d\njetstream { store_dir: %q }\ncluster { name: c, listen: %q, routes: [ %s ] }\n%s",
			i, ports[i], filepath.Join(t.TempDir(), "js"), strings.TrimPrefix(routes[i], "nats://"), strings.Join(routes, ", "), id.Config())
		if err := o.ProcessConfigString(config); err != nil {
			t.Fatal(err)
		}
		o.NoSigs, o.NoLog = true, true
		o.TLSConfig, o.TLS, o.TLSTimeout = authority.ServerTLS(), true, 10
		// An endpoint's first bytes must be there before the server speaks in the clear to the
		// hub's client, which waits for that, ten seconds at most.
		o.TLSHandshakeFirst, o.TLSHandshakeFirstFallback = true, 2*time.Second
		s, err := natsserver.NewServer(&o)
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		nodes, urls = append(nodes, s), append(urls, fmt.Sprintf("tls://127.0.0.1:%d", ports[i]))
	}
	for _, s := range nodes {
		if !s.ReadyForConnections(time.Minute) {
			t.Fatal("a node does not start")
		}
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		for _, s := range nodes {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 {
				return nodes, urls, filepath.Join(keys, "ca.crt")
			}
		}
		if time.Now().After(end) {
			t.Fatal("the cluster has no leader")
		}
	}
}

// The hub stores in a cluster of three, which loses a node during an upload.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("long test: a cluster of three")
	}
	dir := t.TempDir()
	identity, err := broker.OpenIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	nodes, urls, ca := cluster(t, identity)
	h := start(t, func(o *Options) { o.Dir, o.NATS, o.NATSCA = dir, urls, ca })
	d, state := device(t, h, "pc-1")
	c := connect(t, state)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	files, commit := archive(t, d, 6<<20)
	f, err := os.Open(filepath.Join(files, commit.Archive.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lost := false
	file := deliver.File{Name: commit.Archive.Name, ReaderAt: f, Size: commit.Archive.Bytes, SHA256: commit.Archive.SHA256}
	for {
		_, err := deliver.Send(ctx, c.Destination(), file, func(n int64) {
			if n > file.Size/2 && !lost {
				lost = true
				nodes[2].Shutdown()
				nodes[2].WaitForShutdown()
			}
		})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		t.Logf("again: %v", err)
	}
	if err := sendUntil(ctx, c, files, commit); err != nil {
		t.Fatal(err)
	}
	a, err := h.Archive(ctx, "pc-1", commit.Collection)
	if err != nil || a.Verdict != string(packager.Valid) || !lost {
		t.Errorf("%+v %v", a, err)
	}
	checkStreams(ctx, t, h)
}

// checkStreams has all that the hub keeps be there as often as there are servers, and
// what it decides by be read where it was written.
func checkStreams(ctx context.Context, t *testing.T, h *Hub) {
	t.Helper()
	n := 0
	list := h.broker.JS.ListStreams(ctx)
	for info := range list.Info() {
		n++
		c := info.Config
		if c.Replicas != replicasOfCluster {
			t.Errorf("%s is kept %d times", c.Name, c.Replicas)
		}
		elsewhere := []string{"KV_" + registry.Bucket, "OBJ_" + store.Bucket, intake.Stream} // one is in memory, in the others nothing changes
		if c.AllowDirect && !slices.Contains(elsewhere, c.Name) {
			t.Errorf("%s is read from replicas that may be behind", c.Name)
		}
	}
	if err := list.Err(); err != nil || n != 11 {
		t.Errorf("%d streams, %v", n, err)
	}
}
