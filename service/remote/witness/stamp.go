package witness

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"hozen/packager"
	"hozen/packager/timestamp"
)

// Options says how an authority is asked.
type Options struct {
	// Authorities is whose TLS certificates are taken; nil: those of this machine.
	Authorities *x509.CertPool
	// Roots, if not nil, must have certified the authority's time stamps.
	Roots *timestamp.Roots
	// PlainLoopback allows http, to an address of this machine only: for tests.
	PlainLoopback bool
	// Plain allows http to anybody, where Roots are given: who is on the way sees a hash, and
	// can withhold the answer, but not make one that these roots have certified.
	Plain bool
	// Random is what nonces are made of; nil is the system's source.
	Random io.Reader
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// An Answer is a time stamp that came.
type Answer struct {
	URL      string
	Response []byte // TimeStampResp, as it came
	Token    *timestamp.Token
	// Clock is how far the token's time is from this machine's, and MaxError how wrong
	// this machine's may be, as far as the token tells.
	Clock    packager.ClockSource
	MaxError time.Duration
}

// ErrURL is wrapped by Stamp and CheckURL for an address that is not asked.
var ErrURL = errors.New("address of a time stamping authority")

// CheckURL says why an address is not asked.
func CheckURL(address string, o Options) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("%w: %q: not a URL", ErrURL, address)
	}
	if u.User != nil {
		return fmt.Errorf("%w: a password does not belong into it", ErrURL)
	}
	if u.Scheme == "https" {
		return nil
	}
	at, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && (o.Plain && o.Roots != nil || o.PlainLoopback && err == nil && at.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%w: %q: only https is asked", ErrURL, address)
}

// Stamp asks one authority after the other, in their order, for a time stamp of a
// SHA-256, until one gives it or ctx ends. What it gives is checked as far as can be
// without roots: the signature, the hash, the nonce. The error is that of each.
func Stamp(ctx context.Context, imprint [32]byte, addresses []string, o Options) (*Answer, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	var all error
	for i, a := range addresses {
		answer, err := inItsShare(ctx, len(addresses)-i, func(ctx context.Context) (*Answer, error) { return stamp(ctx, imprint, a, o) })
		if err == nil {
			return answer, nil
		}
		if err = fmt.Errorf("%s: %w", a, err); all != nil {
			err = fmt.Errorf("%w; %w", all, err) // on one line: it is shown and kept as one
		}
		all = err
		if ctx.Err() != nil {
			break
		}
	}
	if all == nil {
		all = fmt.Errorf("%w: none is given", ErrURL)
	}
	return nil, all
}

// inItsShare calls ask with an equal share of the time that is left, so that one who is
// silent leaves some to the others.
func inItsShare(ctx context.Context, askers int, ask func(context.Context) (*Answer, error)) (*Answer, error) {
	if end, ok := ctx.Deadline(); ok {
		wait := time.Until(end) / time.Duration(askers)
		share, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		answer, err := ask(share)
		if errors.Is(err, context.DeadlineExceeded) {
			err = noAnswer(wait)
		}
		return answer, err
	}
	return ask(ctx)
}

// noAnswer says that nobody answered for so long.
type noAnswer time.Duration

func (n noAnswer) Error() string {
	return fmt.Sprintf("no answer within %g s", time.Duration(n).Round(time.Second/10).Seconds())
}

// Unwrap says why it was no longer waited for.
func (noAnswer) Unwrap() error { return context.DeadlineExceeded }

func stamp(ctx context.Context, imprint [32]byte, address string, o Options) (*Answer, error) {
	if err := CheckURL(address, o); err != nil {
		return nil, err
	}
	request, err := timestamp.NewRequest(imprint, o.Random)
	if err != nil {
		return nil, err
	}
	query, err := request.Bytes()
	if err != nil {
		return nil, err
	}
	began, start := o.Now(), time.Now()
	body, err := post(ctx, address, query, o)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	token, err := timestamp.Parse(body)
	if err == nil {
		err = request.Check(token)
	}
	if err == nil {
		err = token.Verify(o.Roots)
	}
	if err != nil {
		return nil, err
	}
	a := &Answer{URL: address, Response: body, Token: token}
	a.compare(began, took)
	return a, nil
}

// compare holds the token's time against ours in the middle of the round trip.
func (a *Answer) compare(began time.Time, took time.Duration) {
	offset := a.Token.Time.Sub(began.Add(took / 2))
	grain := time.Duration(0)
	if a.Token.Time.Nanosecond() == 0 { // most write whole seconds
		grain = time.Second
	}
	a.Clock = packager.ClockSource{Kind: "tsa", ID: a.URL, OffsetMS: offset.Milliseconds(), RTTMS: took.Milliseconds()}
	a.MaxError = offset.Abs() + took/2 + a.Token.Accuracy + grain
}

// post sends a query. Neither a proxy nor another place that it is sent on to is used: who
// is asked is whom the caller named.
func post(ctx context.Context, address string, query []byte, o Options) ([]byte, error) {
	transport := &http.Transport{
		DialContext:     (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Authorities}, DisableKeepAlives: true, DisableCompression: true,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 16 << 10,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("it sends on to another address, which is not asked")
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	r.Header.Set("Accept", "application/timestamp-reply")
	r.Header.Set("User-Agent", "hozen")
	answer, err := client.Do(r)
	if err != nil {
		return nil, plainError(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers with HTTP status %d", answer.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, timestamp.MaxResponse+1))
	if err == nil && len(b) > timestamp.MaxResponse {
		err = fmt.Errorf("its answer is over %d bytes", timestamp.MaxResponse)
	}
	return b, err
}

// plainError leaves out the address, which the caller knows.
func plainError(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
