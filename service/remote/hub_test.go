package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"log/slog"
	"math/big"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/porttest"
	"hozen/service/protocol"
)

// authority is a hub's certificates.
type authority struct {
	hash string
	conf *tls.Config
}

// newAuthority makes a server's certificate for names and 127.0.0.1, whose dates may be
// those of long ago.
func newAuthority(t *testing.T, began time.Time, names ...string) authority {
	t.Helper()
	make := func(c, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = key
		}
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(began.UnixNano()), began, began.Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	ca, caKey := make(root, root, nil)
	parent, err := x509.ParseCertificate(ca)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "hub"}, DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if len(names) == 0 {
		leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, key := make(leaf, parent, caKey)
	sum := sha256.Sum256(ca)
	return authority{hex.EncodeToString(sum[:]), &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca}, PrivateKey: key}}}}
}

// admit lets everybody in who signs the nonce, with the token or once enrolled.
type admit struct{ h *fakeHub }

func (a admit) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if c.Kind() == server.CLIENT && c.RemoteAddress() == nil || o.Nkey == "" {
		return o.Nkey == "" // our own, in this process
	}
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	return a.h.enrolled[o.Nkey] != "" || o.Token == a.h.secret
}

// fakeHub does what PROTOCOL.md says, in memory, and breaks it where a test says so.
type fakeHub struct {
	t      *testing.T
	server *server.Server
	conn   *nats.Conn
	pki    authority
	name   string
	key    ed25519.PrivateKey
	pub    string
	opts   *server.Options

	mu       sync.Mutex
	secret   string
	enrolled map[string]string // nkey → device key
	stream   string
	jobs     []protocol.QueuedJob
	status   []string
	progress []string
	hellos   int
	files    map[string][]byte
	parts    int
	commits  map[string]protocol.CommitRequest
	// faults, each nil or what is done in the place of the answer
	onPart    func(n int, m *nats.Msg, offset int64) (answer any, handled bool)
	onStatus  func(n int) (answer any, handled bool)
	onReceipt func(r *protocol.Receipt)
	onResume  func(a *protocol.ResumeAnswer)
	onAsk     func(verb string)
	statuses  int
	ahead     *time.Duration // its clock; nil: it says nothing of it
}

func newHub(t *testing.T, change ...func(*fakeHub)) *fakeHub {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	h := &fakeHub{
		t: t, pki: newAuthority(t, time.Now()), key: key, pub: signed.PublicText(pub), secret: "a-secret-of-a-token", stream: "one",
		enrolled: map[string]string{}, files: map[string][]byte{}, commits: map[string]protocol.CommitRequest{},
	}
	for _, c := range change {
		c(h)
	}
	h.opts = &server.Options{
		Host: "127.0.0.1", Port: porttest.Pick(t, 1)[0], NoSigs: true, NoLog: true, AlwaysEnableNonce: true, TLSHandshakeFirst: true,
		TLSConfig: h.pki.conf, TLSTimeout: 10, CustomClientAuthentication: admit{h}, MaxPayload: 1 << 20,
	}
	h.up()
	t.Cleanup(h.down)
	return h
}

// up starts the server, again at the same port.
func (h *fakeHub) up() {
	h.t.Helper()
	o := h.opts.Clone()
	s, err := server.NewServer(o)
	if err != nil {
		h.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		h.t.Fatal("the server does not listen")
	}
	h.server = s
	if h.conn, err = nats.Connect("", nats.InProcessServer(s)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.conn.Subscribe("hozen.>", h.handle); err != nil {
		h.t.Fatal(err)
	}
	if err := h.conn.Flush(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *fakeHub) down() {
	h.conn.Close()
	h.server.Shutdown()
	h.server.WaitForShutdown()
}

func (h *fakeHub) token(role string) string {
	return protocol.Token{
		Addresses: []string{"127.0.0.1:" + strconv.Itoa(h.opts.Port)}, Name: h.name, CA: h.pki.hash,
		HubKey: h.fingerprint(), Secret: h.secret, Role: role,
	}.String()
}

func (h *fakeHub) fingerprint() string {
	k, err := signed.ParsePublic(h.pub)
	if err != nil {
		h.t.Fatal(err)
	}
	return ssh.FingerprintSHA256(k)
}

func (h *fakeHub) handle(m *nats.Msg) {
	t := strings.Split(m.Subject, ".")
	h.mu.Lock()
	defer h.mu.Unlock()
	var answer any
	switch t[1] {
	case "enrol":
		var e protocol.Enrolment
		var s protocol.EnrolStatement
		h.read(m.Data, &e)
		if err := signed.Decode([]byte(e.Payload), &s); err != nil {
			h.t.Error(err)
		}
		h.enrolled[t[2]] = "operator"
		if s.Device != "" {
			k, err := signed.ParsePublic(s.DeviceKey)
			if err == nil {
				err = signed.Check(k, signed.Enrol, []byte(e.Payload), []byte(e.Sig))
			}
			if err != nil || s.NKey != t[2] {
				h.t.Errorf("enrolment: %v, %s", err, s.NKey)
			}
			h.enrolled[t[2]] = s.DeviceKey
		}
		answer = protocol.EnrolAnswer{Hub: "test", HubKey: h.pub}
	case "hello":
		h.hellos++
	case "progress":
		h.progress = append(h.progress, string(m.Data))
	case "status":
		h.statuses++
		if h.onStatus != nil {
			if a, handled := h.onStatus(h.statuses); handled {
				answer = a
				break
			}
		}
		h.status = append(h.status, string(m.Data))
		answer = protocol.Ack{Seq: uint64(len(h.status))}
	case "part":
		answer = h.part(m, t[3]+"."+t[4])
	case "api":
		answer = h.api(t[3], m.Data)
	}
	if answer == nil {
		return
	}
	b, err := protocol.Encode(answer)
	if err != nil {
		h.t.Error(err)
	}
	reply := &nats.Msg{Data: b}
	if h.ahead != nil && t[1] == "api" {
		now := time.Now().Add(*h.ahead)
		reply.Header = nats.Header{protocol.HeaderClock: {protocol.ClockText(now, now)}}
	}
	_ = m.RespondMsg(reply) // the connection may be down by now
}

func (h *fakeHub) read(b []byte, v any) {
	if err := protocol.Decode(b, v); err != nil {
		h.t.Errorf("%q: %v", b, err)
	}
}

func (h *fakeHub) part(m *nats.Msg, file string) any {
	at, err := strconv.ParseInt(m.Header.Get(protocol.HeaderOffset), 10, 64)
	if err != nil || m.Header.Get(protocol.HeaderSHA256) != signed.HexSum(m.Data) {
		h.t.Errorf("part %v: %v", m.Header, err)
	}
	h.parts++
	if h.onPart != nil {
		if answer, handled := h.onPart(h.parts, m, at); handled {
			return answer
		}
	}
	have := int64(len(h.files[file]))
	switch {
	case at > have:
		return protocol.Ack{Error: "a gap", Offset: have}
	case at+int64(len(m.Data)) > have:
		h.files[file] = append(h.files[file], m.Data[have-at:]...)
	}
	return protocol.Ack{Seq: uint64(h.parts), Offset: int64(len(h.files[file]))}
}

func (h *fakeHub) api(verb string, b []byte) any {
	if h.onAsk != nil {
		h.onAsk(verb)
	}
	switch verb {
	case protocol.VerbJobs:
		var r protocol.JobsRequest
		h.read(b, &r)
		a := protocol.JobsAnswer{Stream: h.stream}
		for _, q := range h.jobs {
			a.Last = max(a.Last, q.Seq)
			if q.Seq > r.After && len(a.Jobs) < 2 {
				a.Jobs = append(a.Jobs, q)
			} else if q.Seq > r.After {
				a.More = true
			}
		}
		return a
	case protocol.VerbResume:
		var r protocol.ResumeRequest
		h.read(b, &r)
		a := protocol.ResumeAnswer{Offset: int64(len(h.files[r.Collection+"."+r.File]))}
		if h.onResume != nil {
			h.onResume(&a)
		}
		return a
	case protocol.VerbCommit:
		var r protocol.CommitRequest
		h.read(b, &r)
		h.commits[r.Collection] = r
		return protocol.CommitAnswer{}
	case protocol.VerbReceipt:
		return h.receipt(b)
	case protocol.VerbSend:
		return protocol.SendAnswer{Job: string(b), To: []string{"pc-1"}}
	case protocol.VerbStatus:
		var r protocol.StatusRequest
		h.read(b, &r)
		return protocol.StatusAnswer{Error: "no job " + r.Job}
	case protocol.VerbEndpoints:
		var r protocol.EndpointsRequest
		h.read(b, &r)
		if r.After == "" {
			return protocol.EndpointsAnswer{Endpoints: []protocol.Endpoint{{Device: "A"}, {Device: "B"}}, More: true}
		}
		return protocol.EndpointsAnswer{Endpoints: []protocol.Endpoint{{Device: r.After + "C"}}}
	}
	return nil
}

func (h *fakeHub) receipt(b []byte) any {
	var r protocol.ReceiptRequest
	h.read(b, &r)
	c, ok := h.commits[r.Collection]
	if !ok {
		return protocol.ReceiptAnswer{}
	}
	if a := h.files[r.Collection+".archive"]; signed.HexSum(a) != c.Archive.SHA256 {
		return protocol.ReceiptAnswer{Error: "another archive"}
	}
	out := protocol.Receipt{Type: protocol.ReceiptType, Collection: c.Collection, Job: c.Job, Archive: c.Archive, Log: c.Log, Verdict: "VALID", Hub: "test", Key: h.pub}
	for id := range h.enrolled {
		out.Endpoint = id
	}
	if h.onReceipt != nil {
		h.onReceipt(&out)
	}
	payload, err := signed.Encode(out)
	if err != nil {
		h.t.Error(err)
	}
	sig, err := signed.Sign(h.key, signed.Receipt, payload)
	if err != nil {
		h.t.Error(err)
	}
	return protocol.ReceiptAnswer{Receipt: protocol.SignedReceipt{Payload: string(payload), Sig: string(sig)}}
}

// give puts a job into the stream and nudges.
func (h *fakeHub) give(envelope string) {
	h.mu.Lock()
	h.jobs = append(h.jobs, protocol.QueuedJob{Seq: uint64(10 + 3*len(h.jobs)), Envelope: envelope})
	h.mu.Unlock()
	h.nudge(protocol.JobSubject)
}

// nudge tells all endpoints to ask, for jobs or receipts.
func (h *fakeHub) nudge(subject string) {
	h.mu.Lock()
	var ids []string
	for id := range h.enrolled {
		ids = append(ids, id)
	}
	h.mu.Unlock()
	for _, id := range ids {
		_ = h.conn.Publish(subject+id, nil)
	}
}

// with looks at the hub while nothing is handled.
func (h *fakeHub) with(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// enrolled gives the state of an endpoint that was enrolled.
func enrolled(t *testing.T, h *fakeHub) string {
	t.Helper()
	d, err := packager.NewDevice("pc-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	if _, err := Enrol(t.Context(), Enrolment{Token: h.token(protocol.RoleEndpoint), Device: d, Host: "PC", Version: "test", State: state}); err != nil {
		t.Fatal(err)
	}
	return state
}

// client connects an endpoint; it is closed with the test.
func client(t *testing.T, state string) *Client {
	t.Helper()
	c, err := Connect(Options{State: state, Hello: func() protocol.Hello { return protocol.Hello{Device: "pc-1"} }, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// soon is a context for what takes moments here.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := soon(t)
	for !ok() {
		if !pause(ctx, 5*time.Millisecond, nil) {
			t.Fatalf("never: %s", what)
		}
	}
}
