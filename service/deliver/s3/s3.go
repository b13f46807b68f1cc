// Package s3 makes the nine calls to a bucket of an S3 server that a delivery needs
// (Amazon S3 API Reference, 2006-03-01), over HTTPS and in the path style. Whatever the
// server answers is bounded; nothing is followed, and nothing is tried twice: who calls
// does that. Begin with Client; calls.go has the calls, sign.go signs them, answer.go
// reads what comes.
package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Client is who asks, and of which bucket. Its methods may be called concurrently.
type Client struct {
	Host                               string // name or address, with its port
	Bucket, Region                     string
	AccessKey, SecretKey, SessionToken string            // the last one may be empty
	HTTP                               http.RoundTripper // bounds every wait
}

// Codes of an Error that callers ask for.
const (
	NoSuchKey          = "NoSuchKey"
	NoSuchUpload       = "NoSuchUpload"
	AccessDenied       = "AccessDenied"
	PreconditionFailed = "PreconditionFailed"
)

// Error is a refusal in the server's words, cut and without control characters.
type Error struct {
	Status  int    // of HTTP; 200 where the refusal came in the body of an answer that began well
	Code    string // such as NoSuchKey; where the server gave none, one made from Status
	Message string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d): %s", e.Code, e.Status, e.Message) }

// Has says whether err is a refusal with one of these codes.
func Has(err error, codes ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// A call is a request before it is signed.
type call struct {
	method, key string
	query       url.Values
	header      http.Header
	body        []byte
}

// do signs a call and sends it. An answer that is no success is an *Error, and its body
// is closed.
func (c *Client) do(ctx context.Context, k call) (*http.Response, error) {
	r, err := c.request(ctx, k)
	if err != nil {
		return nil, err
	}
	a, err := c.HTTP.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.method, err)
	}
	switch {
	case a.StatusCode >= 300 && a.StatusCode < 400:
		a.Body.Close()
		return nil, fmt.Errorf("%s: %d: the server sends us elsewhere: nothing is followed", k.method, a.StatusCode)
	case a.StatusCode != http.StatusOK && a.StatusCode != http.StatusNoContent:
		defer a.Body.Close()
		return nil, refusal(a)
	}
	return a, nil
}

// request makes the request with its signature. Path and query go over the wire as they
// are signed.
func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	path := "/" + c.Bucket
	if k.key != "" {
		path += "/" + k.key
	}
	if !utf8.ValidString(path) {
		return nil, fmt.Errorf("%q: the name is not UTF-8", k.key)
	}
	u := &url.URL{Scheme: "https", Host: c.host(), Path: path, RawPath: encode(path), RawQuery: strings.ReplaceAll(k.query.Encode(), "+", "%20")}
	r, err := http.NewRequestWithContext(ctx, k.method, u.String(), bytes.NewReader(k.body))
	if err != nil {
		return nil, fmt.Errorf("%s: no valid address", k.method)
	}
	for name, values := range k.header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "hozen")
	if len(k.body) > 0 || k.method == http.MethodPut {
		md := md5.Sum(k.body)
		r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(md[:]))
	}
	c.sign(r, sha256.Sum256(k.body), time.Now())
	return r, nil
}

// host leaves HTTPS' own port away, as every other client does: the name is signed.
func (c *Client) host() string {
	name, port, err := net.SplitHostPort(c.Host)
	if err != nil || port != "443" {
		return c.Host
	}
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}
