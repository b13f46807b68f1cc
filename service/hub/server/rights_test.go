package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"hozen/service/hub/broker"
	"hozen/service/hub/registry"
	"hozen/service/protocol"
)

// A raw is a connection that does what no honest client does.
type raw struct {
	*nats.Conn
	id string
}

// dial connects with a key, and maybe with a token's secret.
func dial(t testing.TB, h *Hub, key nkeys.KeyPair, secret string) (*raw, error) {
	t.Helper()
	id, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(h.ca.PEM())
	r := &raw{id: id}
	r.Conn, err = nats.Connect("tls://"+h.broker.Addr().String(),
		nats.Nkey(id, key.Sign), nats.Token(secret), nats.Secure(&tls.Config{RootCAs: pool}), nats.TLSHandshakeFirst(),
		nats.CustomInboxPrefix(protocol.InboxPrefix+id), nats.NoReconnect(), nats.Timeout(time.Minute),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // denied asks LastError
	if err == nil {
		t.Cleanup(r.Close)
	}
	return r, err
}

// seedOf reads the nkey that an enrolment left.
func seedOf(t testing.TB, state string) nkeys.KeyPair {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(state, "hub.nk"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(b))))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newKey(t testing.TB) nkeys.KeyPair {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// denied says whether the server refused what f did.
func (r *raw) denied(t testing.TB, f func() error) bool {
	t.Helper()
	before := r.LastError()
	if err := f(); err != nil {
		return true
	}
	if err := r.FlushTimeout(time.Minute); err != nil { // an error of the server comes before its PONG
		return true
	}
	// The reader keeps it before it sees the PONG, and each is a new one.
	err := r.LastError()
	return err != before && errors.Is(err, nats.ErrPermissionViolation)
}

// rights of each role: everything else is refused.
func TestRights(t *testing.T) {
	h := start(t)
	_, stateA := device(t, h, "pc-a")
	_, stateB := device(t, h, "pc-b")
	a, err := dial(t, h, seedOf(t, stateA), "")
	if err != nil {
		t.Fatal(err)
	}
	other, err := seedOf(t, stateB).PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"hozen.status." + a.id, "hozen.progress." + a.id, "hozen.hello." + a.id, "hozen.part." + a.id + ".c.archive", "hozen.api." + a.id + ".jobs"}
	ownListen := []string{"hozen.job." + a.id, "hozen.receipt." + a.id, protocol.InboxPrefix + a.id + ".x"}
	for _, s := range own {
		if a.denied(t, func() error { return a.Publish(s, nil) }) {
			t.Errorf("endpoint may not publish %s", s)
		}
	}
	for _, s := range ownListen {
		if a.denied(t, func() error { _, err := a.SubscribeSync(s); return err }) {
			t.Errorf("endpoint may not listen to %s", s)
		}
	}
	publish := []string{
		"hozen.job." + a.id, "hozen.job." + other, "hozen.receipt." + a.id, "hozen.receipt." + other, "hozen.kept.status." + a.id + ".x",
		"hozen.kept.sent.job-1", "$JS.API.INFO", "$JS.API.STREAM.DELETE.HOZEN_JOBS", "$KV.HOZEN_REGISTRY.e." + a.id, "$O.HOZEN_FILES.C.x",
		"$SYS.REQ.USER.AUTH", "$SYS.REQ.SERVER.PING", protocol.InboxPrefix + a.id + ".x", protocol.InboxPrefix + other + ".x", "_INBOX.x", "hozen.enrol", "x",
	}
	for _, s := range append(publish, theirs(own, a.id, other)...) {
		if !a.denied(t, func() error { return a.Publish(s, nil) }) {
			t.Errorf("endpoint may publish %s", s)
		}
	}
	listen := []string{">", "*", "hozen.>", "hozen.job.*", "hozen.*." + other, "$SYS.>", "$JS.>", "$KV.>", "_INBOX.>", "_INBOX_*.>", "hozen.api.*.*", "hozen.kept.>", "$SYS.REQ.USER.AUTH"}
	for _, s := range append(listen, theirs(ownListen, a.id, other)...) {
		if !a.denied(t, func() error { _, err := a.SubscribeSync(s); return err }) {
			t.Errorf("endpoint may listen to %s", s)
		}
	}
}

// theirs are subjects of another endpoint.
func theirs(own []string, id, other string) (out []string) {
	for _, s := range own {
		out = append(out, strings.Replace(s, id, other, 1))
	}
	return out
}

func TestConnectionsAreDenied(t *testing.T) {
	h := start(t)
	_, state := device(t, h, "pc-a")
	if _, err := dial(t, h, newKey(t), ""); err == nil {
		t.Error("an unknown key is let in")
	}
	if _, err := dial(t, h, newKey(t), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"); err == nil {
		t.Error("a token that nobody made is let in")
	}
	// A known id, whose key signs with another: the proof is wrong.
	victim, err := seedOf(t, state).PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	thief := newKey(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(h.ca.PEM())
	c, err := nats.Connect("tls://"+h.broker.Addr().String(), nats.Nkey(victim, thief.Sign), nats.Secure(&tls.Config{RootCAs: pool}), nats.TLSHandshakeFirst(), nats.NoReconnect(), nats.Timeout(time.Minute))
	if err == nil {
		c.Close()
		t.Error("a stolen id is let in")
	}
	if n := h.broker.Denied(); n < 3 {
		t.Errorf("%d denied connections were counted", n)
	}
	// After many refusals of an address even good ones wait; they are not forgotten.
	for range 40 {
		if _, err := dial(t, h, newKey(t), ""); err == nil {
			t.Fatal("an unknown key is let in")
		}
	}
}

func TestTokens(t *testing.T) {
	now := time.Now()
	h := start(t, func(o *Options) { o.Now = func() time.Time { return now } })
	ask := func(r *raw, v any) protocol.EnrolAnswer {
		t.Helper()
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Request(protocol.EnrolSubject+r.id, b, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var a protocol.EnrolAnswer
		if err := protocol.Decode(m.Data, &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	secret := func(i registry.Invitation, life time.Duration) string {
		t.Helper()
		s, err := h.registry.Invite(t.Context(), i, life)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := secret(registry.Invitation{Role: broker.Endpoint}, time.Hour)
	first, err := dial(t, h, newKey(t), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"hozen.hello." + first.id, "hozen.api." + first.id + ".jobs", "hozen.part." + first.id + ".c.archive"} {
		if !first.denied(t, func() error { return first.Publish(subject, nil) }) {
			t.Errorf("who has a token only may publish %s", subject)
		}
	}
	if !first.denied(t, func() error { _, err := first.SubscribeSync("hozen.job." + first.id); return err }) {
		t.Error("who has a token only may listen to jobs")
	}
	if a := ask(first, protocol.Enrolment{Payload: "{}\n"}); a.Error == "" {
		t.Error("an empty statement is taken")
	}
	d := newDevice(t, "pc-x")
	good := statement(t, d, first.id)
	if a := ask(first, statement(t, d, "UAAA")); a.Error == "" {
		t.Error("a statement for another connection is taken")
	}
	stolen := good
	stolen.Sig = statement(t, newDevice(t, "pc-x"), first.id).Sig
	if a := ask(first, stolen); a.Error == "" {
		t.Error("the signature of another key is taken")
	}
	// Two connections hold the same token: the second to ask is refused.
	second, err := dial(t, h, newKey(t), s)
	if err != nil {
		t.Fatal(err)
	}
	if a := ask(first, good); a.Error != "" || a.HubKey == "" {
		t.Fatalf("enrolment: %+v", a)
	}
	if a := ask(first, good); a.Error != "" {
		t.Errorf("the same again: %+v", a)
	}
	if a := ask(second, statement(t, newDevice(t, "pc-y"), second.id)); a.Error == "" {
		t.Error("a token is used twice")
	}
	if _, err := dial(t, h, newKey(t), s); err == nil {
		t.Error("a used token is let in")
	}
	// The name of a device is taken once, but a token for it replaces it.
	third, err := dial(t, h, newKey(t), secret(registry.Invitation{Role: broker.Endpoint}, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	fresh := newDevice(t, "pc-x")
	if a := ask(third, statement(t, fresh, third.id)); a.Error == "" {
		t.Error("a device's name is taken twice")
	}
	again, err := dial(t, h, newKey(t), secret(registry.Invitation{Role: broker.Endpoint, Device: "pc-x"}, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if a := ask(again, statement(t, fresh, again.id)); a.Error != "" {
		t.Errorf("replacing a device: %s", a.Error)
	}
	if e, ok := h.registry.Endpoint(again.id); !ok || len(e.Keys) != 2 {
		t.Errorf("the keys of a replaced device: %+v", e)
	}
	// A token expires, and an operator's is not for endpoints.
	late := secret(registry.Invitation{Role: broker.Endpoint}, time.Minute)
	now = now.Add(2 * time.Minute)
	if _, err := dial(t, h, newKey(t), late); err == nil {
		t.Error("an expired token is let in")
	}
	o, err := dial(t, h, newKey(t), secret(registry.Invitation{Role: broker.Operator}, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if a := ask(o, statement(t, newDevice(t, "pc-z"), o.id)); a.Error == "" {
		t.Error("an endpoint came in by an operator's token")
	}
}
