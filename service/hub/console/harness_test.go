package console

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/hub/console/users"
	"hozen/service/hub/view"
	"hozen/service/job"
	"hozen/service/protocol"
)

const password = "correct horse battery staple"

// usersFile is made once: four users, one of each role, named after it.
var usersFile = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "users")
	if err != nil {
		return nil
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "users.jsonl")
	s, err := users.Open(path)
	if err != nil {
		return nil
	}
	for _, role := range []string{view.Viewer, view.Operator, view.Auditor, view.Admin} {
		if err := s.Add(role, role, password); err != nil {
			return nil
		}
	}
	b, _ := os.ReadFile(path)
	return b
})

// A bench is a console with its hub behind a TLS server.
type bench struct {
	t       *testing.T
	hub     *fakeHub
	console *console
	server  *httptest.Server
	log     *syncBuffer
	now     *clock
}

// A clock that tests put forward.
type clock struct {
	mu  sync.Mutex
	add time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add += d
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.jsonl")
	if err := os.WriteFile(path, usersFile(), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := users.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, log: &syncBuffer{}, now: &clock{}}
	b.hub = &fakeHub{Store: store, about: view.About{Name: "hub-tokyo-1", Version: "0.5.0"}, stored: map[string][]byte{}}
	c := Config{Hub: b.hub, Log: slog.New(slog.NewJSONHandler(b.log, nil)), Now: b.now.Now}
	if change != nil {
		change(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.console = h.(*console)
	b.server = httptest.NewUnstartedServer(h)
	b.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	b.server.StartTLS()
	t.Cleanup(func() {
		b.server.CloseClientConnections()
		b.server.Close()
	})
	return b
}

// A browser keeps cookies and does not follow redirects.
type browser struct {
	*bench
	client *http.Client
	header http.Header // sent with everything
}

func (b *bench) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	client := &http.Client{Transport: b.server.Client().Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &browser{bench: b, client: client, header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

// as is a browser that is logged in as the user of a role.
func (b *bench) as(role string) *browser {
	b.t.Helper()
	w := b.browser()
	u, err := b.hub.User(b.t.Context(), role)
	if err != nil {
		b.t.Fatal(err)
	}
	w.setCookie(b.console.sessions.start(u))
	return w
}

func (w *browser) do(method, path string, body io.Reader, kind string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range w.header {
		r.Header[k] = v
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		b = append(b, "BROKEN: "+err.Error()...)
	}
	return resp, string(b)
}

func (w *browser) get(path string) (*http.Response, string) { return w.do("GET", path, nil, "") }

func (w *browser) post(path string, form url.Values) (*http.Response, string) {
	return w.do("POST", path, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded")
}

var tokenField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// token is the token of a page's forms.
func (w *browser) token(path string) string {
	w.t.Helper()
	_, body := w.get(path)
	m := tokenField.FindStringSubmatch(body)
	if m == nil {
		w.t.Fatalf("%s: no token in %s", path, body)
	}
	return m[1]
}

func (w *browser) login(name, password, next string) (int, string) {
	w.t.Helper()
	resp, body := w.post("/login", url.Values{"csrf": {w.token("/login")}, "name": {name}, "password": {password}, "next": {next}})
	return resp.StatusCode, resp.Header.Get("Location") + body
}

func (w *browser) setCookie(session string) {
	u, _ := url.Parse(w.server.URL)
	w.client.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: session, Path: "/", Secure: true}})
}

func (w *browser) cookie(name string) string {
	u, _ := url.Parse(w.server.URL)
	for _, c := range w.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// people are operators with keys, and the public list of them.
type people struct {
	keys  map[string]ed25519.PrivateKey
	trust *packager.Trust
}

func newPeople(t *testing.T, names ...string) people {
	t.Helper()
	p := people{keys: map[string]ed25519.PrivateKey{}}
	var list strings.Builder
	for _, n := range names {
		pub, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k, err := ssh.NewPublicKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		p.keys[n] = key
		fmt.Fprintf(&list, "operator:%s namespaces=\"%s\" %s\n", n, signed.Job, signed.PublicText(k))
	}
	var err error
	if p.trust, err = packager.ParseTrust(strings.NewReader(list.String())); err != nil {
		t.Fatal(err)
	}
	return p
}

// sign signs a job file by those whom it names.
func (p people) sign(t *testing.T, file []byte, names ...string) []byte {
	t.Helper()
	s, err := job.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := s.Sign(n, p.keys[n]); err != nil {
			t.Fatal(err)
		}
	}
	b, err := s.Envelope.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newJob makes a job for devices.
func newJob(t *testing.T, change func(*job.Job), devices ...string) *job.Signed {
	t.Helper()
	id, err := job.NewID(time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := job.NewNonce(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	j := job.Job{
		Type: job.Type, ID: id, Nonce: nonce, Issued: job.Time(now), NotBefore: job.Time(now), Expires: job.Time(now.Add(24 * time.Hour)),
		Targets: job.Targets{Devices: devices}, Action: job.Collect, Profile: job.Profile{Name: "standard", SHA256: strings.Repeat("5a", 32)},
		Case: "2026-042", Evidence: "E-7", Authority: "order 17 of the board", Reason: "beacon to a known address", Operator: "alice", Approvals: []string{},
	}
	if change != nil {
		change(&j)
	}
	s, err := job.New(j)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// send puts a job into the hub as if it had been sent before.
func (b *bench) send(s *job.Signed, by string) string {
	b.t.Helper()
	e, err := s.Envelope.Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.hub.SendJob(context.Background(), e, by); err != nil {
		b.t.Fatal(err)
	}
	return s.Job.ID
}

func endpointNamed(device, host string, online bool) protocol.Endpoint {
	return protocol.Endpoint{
		ID: "UAKIZ4YWM3GLFYV5DZSFZ2NKX3KDRDAFYH3XUKFLNN7Y3MXXWBD3AUW7", Device: device,
		DeviceKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk2nFZ5nG8S0k4v7q2kqkq0O2jW1vJk2c0xM1m0wq3P", Enrolled: "2026-11-02T01:10:00Z",
		LastSeen: time.Now().UTC().Add(-7 * time.Second).Format(time.RFC3339), Online: online,
		Hello: protocol.Hello{Device: device, Version: "hozen/0.5.0", Host: host, OS: "Debian GNU/Linux 12 (bookworm)"},
	}
}
