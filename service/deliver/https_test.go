package deliver

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tlsServer serves h with a certificate that pin and ca are for.
func tlsServer(t *testing.T, h http.HandlerFunc) (port int, pin, ca string) {
	cert, key, ca, pin := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS, s.Config.ErrorLog = &tls.Config{Certificates: []tls.Certificate{pair}}, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return newLink(t, s.Listener.Addr().String()).port(), pin, ca
}

// Presigned addresses are asked as they are, and never shown.
func TestPresigned(t *testing.T) {
	got := map[string]string{}
	port, pin, _ := tlsServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || r.Header.Get("Authorization") != "" || r.URL.Query().Get("sig") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		b, _ := io.ReadAll(r.Body)
		if int64(len(b)) != r.ContentLength {
			w.WriteHeader(http.StatusLengthRequired)
			return
		}
		got[r.URL.Path] = string(b)
	})
	p := Place{Kind: HTTPS, Host: "store.example", Port: port, Path: "/box"}
	o := Options{Pin: pin, Resolve: map[string]netip.Addr{"store.example": netip.MustParseAddr("127.0.0.1")}, Credentials: Credentials{
		Bearer: "not for presigned ones", PutArchive: "https://" + p.address() + "/a?sig=hunter2", PutLog: "https://" + p.address() + "/b?sig=hunter2"}}
	d, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Try(t.Context()); err != nil {
		t.Error(err)
	}
	send(t, d, "x.tar.zst", []byte("archive"))
	send(t, d, "x"+LogSuffix, []byte("log"))
	if got["/a"] != "archive" || got["/b"] != "log" {
		t.Errorf("%v", got)
	}
	for _, bad := range []string{"http://store.example/a", "https://elsewhere.example/a?sig=hunter2", "https://u:hunter2@" + p.address() + "/a", "%zz"} {
		q := o
		q.Credentials.PutArchive = bad
		if _, err := New(p, q); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	o.Pin = strings.Repeat("0", 64)
	if d, err = New(p, o); err != nil {
		t.Fatal(err)
	}
	if _, err := Send(t.Context(), d, fileOf("x.tar.zst", []byte("a")), nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// Nobody sends us elsewhere, also not to the same host.
func TestRedirects(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(other.Close)
	port, _, ca := tlsServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	for _, p := range []Place{
		{Kind: HTTPS, Host: "127.0.0.1", Port: port, Path: "/in/"}, {Kind: HTTPS, Host: "127.0.0.1", Port: port, Path: "/one"},
		{Kind: S3, Host: "127.0.0.1", Port: port, Bucket: "evidence"},
	} {
		d, err := New(p, Options{CAFile: ca, Stall: time.Minute, Credentials: Credentials{Bearer: "t", AccessKey: "a", SecretKey: "s"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Send(t.Context(), d, fileOf("x.tar.zst", []byte("a")), nil); err == nil || !strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("%s: %v", p, err)
		}
	}
	if asked {
		t.Error("somebody else was asked")
	}
}

// A chain is believed below the pinned certificate, for the right name only.
func TestPinned(t *testing.T) {
	port, pin, ca := tlsServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	try := func(host string, o Options) error {
		o.Resolve = map[string]netip.Addr{"store.example": netip.MustParseAddr("127.0.0.1"), "other.example": netip.MustParseAddr("127.0.0.1")}
		d, err := New(Place{Kind: HTTPS, Host: host, Port: port, Path: "/one"}, o)
		if err != nil {
			return err
		}
		return d.Try(t.Context())
	}
	for _, o := range []Options{{Pin: pin}, {Pin: strings.ToUpper(pin)}, {CAFile: ca}} {
		if err := try("store.example", o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
		if err := try("other.example", o); err == nil {
			t.Errorf("%+v: for another name", o)
		}
	}
	for _, o := range []Options{{}, {Pin: "SHA256:x"}, {Pin: strings.Repeat("a", 64)}, {CAFile: "nowhere"}} {
		if err := try("store.example", o); err == nil {
			t.Errorf("%+v: taken", o)
		}
	}
}

// The rate is kept: a burst goes out at once, each byte behind it takes its time.
func TestLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := New(Place{Kind: Directory, Path: t.TempDir()}, Options{Rate: 1})
		if err != nil {
			t.Fatal(err)
		}
		u, err := d.Open(t.Context(), "slow.tar.zst")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			bytes int
			takes time.Duration
		}{{burst, 0}, {60, time.Minute}, {1, time.Second}} {
			began := time.Now()
			if err := u.Write(t.Context(), make([]byte, c.bytes)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); (took - c.takes).Abs() > time.Millisecond {
				t.Errorf("%d bytes took %v, want %v", c.bytes, took, c.takes)
			}
		}
	})
	d, err := New(Place{Kind: Directory, Path: t.TempDir()}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := Limited(d, 0); got != d {
		t.Error("no limit is a limit")
	}
	if !errors.Is(refusal("PUT", "x", 401), ErrCredentials) || refusal("PUT", "x", 204) != nil {
		t.Error("refusals")
	}
}
