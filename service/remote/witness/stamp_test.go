package witness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/packager/timestamp"
	"hozen/packager/timestamp/tsatest"
)

func sum() [32]byte { return sha256.Sum256([]byte("seal")) }

// authority is a TSA of this test with a server before it.
func authority(t *testing.T, shape tsatest.Shape) *tsatest.Authority {
	t.Helper()
	a, err := tsatest.New(time.Now, shape)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(func() {
		s.CloseClientConnections() // else Close waits for who never answers
		s.Close()
	})
	return s.URL
}

func answers(t *testing.T, a *tsatest.Authority) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
			t.Errorf("%s %v %v", r.Method, r.Header, err)
		}
		b, err := a.Answer(query)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		if _, err := w.Write(b); err != nil {
			t.Error(err)
		}
	}
}

// TestStamp: a good authority answers; one that is not there is passed over.
func TestStamp(t *testing.T) {
	a := authority(t, tsatest.Shape{})
	gone := httptest.NewServer(nil)
	gone.Close()
	roots, err := timestamp.ParseRoots(a.Roots(false))
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, answers(t, a))
	got, err := Stamp(t.Context(), sum(), []string{gone.URL, url}, Options{PlainLoopback: true, Roots: roots, Now: func() time.Time { return time.Now().Add(-90 * time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	if got.URL != url || got.Clock.Kind != "tsa" || got.Clock.OffsetMS < 88_000-got.Clock.RTTMS || got.Clock.OffsetMS > 91_000+got.Clock.RTTMS || got.MaxError < 90*time.Second {
		t.Errorf("%+v", got)
	}
	if token, err := timestamp.Parse(got.Response); err != nil || token.For([]byte("seal")) != nil || token.Verify(roots) != nil {
		t.Error(err)
	}
}

// TestHostile: what an authority, or who stands between, can do gives no time stamp, in a
// bounded time.
func TestHostile(t *testing.T) {
	good := authority(t, tsatest.Shape{})
	lying := func(lie tsatest.Lie) http.HandlerFunc {
		a := authority(t, tsatest.Shape{})
		a.Lie = lie
		return answers(t, a)
	}
	shaped := func(s tsatest.Shape) http.HandlerFunc { return answers(t, authority(t, s)) }
	elsewhere := serve(t, answers(t, good))
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		says   string
	}{
		"huge":        {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, timestamp.MaxResponse+2)) }, "over 131072 bytes"},
		"without end": {func(w http.ResponseWriter, r *http.Request) { endless(w, r) }, "over 131072 bytes"},
		"silent":      {func(_ http.ResponseWriter, r *http.Request) { wait(r) }, "no answer within 0."},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte{0x30})
			w.(http.Flusher).Flush()
			wait(r)
		}, "no answer within 0."},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		}, "sends on"},
		"error":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "status 500"},
		"a page":        {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>log in") }, "no DER"},
		"nothing":       {func(http.ResponseWriter, *http.Request) {}, "no DER"},
		"BER":           {func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte{0x30, 0x80}, 5000)) }, "no DER"},
		"headers":       {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "header"},
		"refuses":       {lying(tsatest.Lie{Status: 2}), "timeNotAvailable"},
		"other nonce":   {lying(tsatest.Lie{Nonce: []byte{9}}), "nonce"},
		"no nonce":      {lying(tsatest.Lie{NoNonce: true}), "nonce"},
		"other hash":    {lying(tsatest.Lie{Imprint: make([]byte, 32)}), "another hash"},
		"no signer":     {lying(tsatest.Lie{NoCertificate: true}), "neither in it"},
		"bad signature": {lying(tsatest.Lie{BadSignature: true}), "signature"},
		"for servers":   {shaped(tsatest.Shape{Usages: nil, NoUsage: true}), "not for time stamps alone"},
		"not critical":  {shaped(tsatest.Shape{NotCritical: true}), "critically"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			wait := time.Minute
			if strings.HasPrefix(c.says, "no answer") {
				wait = 700 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			_, err := Stamp(ctx, sum(), []string{serve(t, c.handle)}, Options{PlainLoopback: true})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

// wait holds a request until its client has gone, which is seen only once its body was read.
func wait(r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}

// TestExpired: a certificate that is not valid now is refused where roots are given.
func TestExpired(t *testing.T) {
	a := authority(t, tsatest.Shape{NotAfter: time.Now().Add(-time.Hour)})
	roots, err := timestamp.ParseRoots(a.Roots(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Stamp(t.Context(), sum(), []string{serve(t, answers(t, a))}, Options{PlainLoopback: true, Roots: roots}); !errors.Is(err, timestamp.ErrChain) {
		t.Error(err)
	}
}

// TestURL: only https is asked, or this machine where that is allowed.
func TestURL(t *testing.T) {
	for address, good := range map[string]bool{"https://tsa.example/tsr": true, "http://127.0.0.1:1/": true, "http://[::1]:1/": true, "http://tsa.example/": false,
		"http://localhost/": false, "http://192.0.2.1/": false, "https://u:p@tsa.example/": false, "ftp://127.0.0.1/": false, "tsa.example": false, "https://": false, "": false} {
		if err := CheckURL(address, Options{PlainLoopback: true}); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	if CheckURL("http://127.0.0.1/", Options{}) == nil {
		t.Error("http without being allowed")
	}
	if _, err := Stamp(t.Context(), sum(), nil, Options{}); !errors.Is(err, ErrURL) {
		t.Error(err)
	}
}

// TestPinned: a TLS server is believed by its pinned certificate, and by no other.
func TestPinned(t *testing.T) {
	a := authority(t, tsatest.Shape{})
	s := httptest.NewUnstartedServer(answers(t, a))
	s.Config.ErrorLog = nil
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	pinned, other := x509.NewCertPool(), x509.NewCertPool()
	pinned.AddCert(s.Certificate())
	other.AddCert(a.Root)
	if _, err := Stamp(t.Context(), sum(), []string{s.URL}, Options{Authorities: pinned}); err != nil {
		t.Error(err)
	}
	for _, pool := range []*x509.CertPool{other, nil} {
		if _, err := Stamp(t.Context(), sum(), []string{s.URL}, Options{Authorities: pool}); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%v", err)
		}
	}
}

// TestOpenSSL: an authority that is "openssl ts -reply" answers us, and openssl verifies
// what it gave.
func TestOpenSSL(t *testing.T) {
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		c := exec.Command(tool, args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v: %s", args, err, out)
		}
	}
	for name, text := range map[string]string{
		"tsa.ext":  "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\n",
		"tsa.cnf":  "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\nordering=yes\ntsa_name=yes\ness_cert_id_chain=yes\ness_cert_id_alg=sha256\n",
		"serial":   "01\n",
		"seal":     "seal",
		"root.cnf": "[req]\ndistinguished_name=dn\n[dn]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("req", "-x509", "-config", "root.cnf", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=test root", "-days", "30", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
	run("req", "-config", "root.cnf", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=test TSA")
	run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "20", "-extfile", "tsa.ext")
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "q"), query, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
		run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-signer", "tsa.pem", "-inkey", "tsa.key", "-chain", "root.pem", "-out", "a")
		b, err := os.ReadFile(filepath.Join(dir, "a"))
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			t.Error(err)
		}
	})
	pem, err := os.ReadFile(filepath.Join(dir, "root.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots, err := timestamp.ParseRoots(pem)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Stamp(t.Context(), sum(), []string{url}, Options{PlainLoopback: true, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Token.Ordering || got.Token.Policy != "1.2.3.4.1" || got.Token.TSA != "CN=test TSA" {
		t.Errorf("%+v", got.Token)
	}
	if err := os.WriteFile(filepath.Join(dir, "got.tsr"), got.Response, 0o600); err != nil {
		t.Fatal(err)
	}
	run("ts", "-verify", "-in", "got.tsr", "-data", "seal", "-CAfile", "root.pem")
}

// nobody is an address at which nobody answers.
func nobody(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// TestSilentFirst: who never answers leaves the others their share of the time.
func TestSilentFirst(t *testing.T) {
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { wait(r) })
	good := serve(t, answers(t, authority(t, tsatest.Shape{})))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, err := Stamp(ctx, sum(), []string{silent, good}, Options{PlainLoopback: true})
	if err != nil || got.URL != good {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAllSilent: of several who do not answer each is named, on one line, with how long it
// was waited for.
func TestAllSilent(t *testing.T) {
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { wait(r) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := Stamp(ctx, sum(), []string{silent, silent + "/2"}, Options{PlainLoopback: true})
	if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), ": no answer within 0.") != 2 {
		t.Errorf("%v", err)
	}
}
