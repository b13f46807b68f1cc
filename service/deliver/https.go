package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"hozen/packager/evidence/fault"
)

// LogSuffix ends the name of a custody log; it has an address of its own where whole
// files are put.
const LogSuffix = ".custody.jsonl"

// web is the destination that is a place of an HTTPS server.
type web struct {
	place   Place
	options Options
	client  *http.Client
}

func newWeb(p Place, o Options) (*web, error) {
	t, err := transport(p, o)
	if err != nil {
		return nil, err
	}
	d := &web{place: p, options: o, client: &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, s := range []string{o.Credentials.PutArchive, o.Credentials.PutLog} {
		if s == "" {
			continue
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.Host != p.Host && u.Host != p.address() || u.User != nil {
			return nil, errors.New("credentials: put_archive and put_log must be https addresses of the destination's host")
		}
		if !p.Whole() {
			return nil, errors.New("credentials: put_archive and put_log are for single files: the destination must not end in /")
		}
	}
	return d, nil
}

// Close implements io.Closer.
func (d *web) Close() error {
	d.client.CloseIdleConnections()
	return nil
}

// address gives where something is put.
func (d *web) address(name string) string {
	c := d.options.Credentials
	log := strings.HasSuffix(name, LogSuffix)
	switch {
	case !d.place.Whole():
		return d.place.String() + name
	case log && c.PutLog != "":
		return c.PutLog
	case log:
		return d.place.String() + LogSuffix
	case c.PutArchive != "":
		return c.PutArchive
	}
	return d.place.String()
}

// do sends a request; name is of what is meant, for errors: the address may be secret.
func (d *web) do(ctx context.Context, method, name string, body io.Reader, size int64) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, d.address(name), body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: no valid address", method, name)
	}
	r.ContentLength = size
	if size == 0 && method == http.MethodPut {
		r.Body = http.NoBody
	}
	r.Header.Set("User-Agent", "hozen")
	if method == http.MethodPut {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	switch c := d.options.Credentials; {
	case r.URL.RawQuery != "": // presigned: it says it all
	case c.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+c.Bearer)
	case c.User != "":
		r.SetBasicAuth(c.User, c.Password)
	}
	a, err := d.client.Do(r)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = failed.Err // the rest has the address in it
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, name, err)
	}
	return a, nil
}

// status does a request whose answer has no body that matters.
func (d *web) status(ctx context.Context, method, name string, body io.Reader, size int64) (int, int64, error) {
	a, err := d.do(ctx, method, name, body, size)
	if err != nil {
		return 0, 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(a.Body, 64<<10))
	return a.StatusCode, a.ContentLength, fault.Join(err, a.Body.Close())
}

// put puts a whole thing.
func (d *web) put(ctx context.Context, name string, body io.Reader, size int64) error {
	code, _, err := d.status(ctx, http.MethodPut, name, body, size)
	if err != nil {
		return err
	}
	return refusal(http.MethodPut, name, code)
}

// size asks how long something is; -1: it is not there, or the server does not say.
func (d *web) size(ctx context.Context, name string) (int64, error) {
	code, n, err := d.status(ctx, http.MethodHead, name, nil, 0)
	switch {
	case err != nil:
		return 0, err
	case code == http.StatusNotFound || code == http.StatusGone:
		return -1, nil
	case code == http.StatusOK && n >= 0:
		return n, nil
	case code == http.StatusOK:
		return 0, fmt.Errorf("HEAD %s: the server does not say how long it is", name)
	}
	return 0, refusal(http.MethodHead, name, code)
}

// get opens something to be read; nil if the server does not let us.
func (d *web) get(ctx context.Context, name string) (io.ReadCloser, error) {
	a, err := d.do(ctx, http.MethodGet, name, nil, 0)
	if err != nil || a.StatusCode == http.StatusOK {
		if err != nil {
			return nil, err
		}
		return a.Body, nil
	}
	a.Body.Close()
	if a.StatusCode == http.StatusForbidden || a.StatusCode == http.StatusMethodNotAllowed {
		return nil, nil
	}
	return nil, refusal(http.MethodGet, name, a.StatusCode)
}

// refusal makes an error of an answer; nil if it says yes.
func refusal(method, name string, code int) error {
	switch {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return fmt.Errorf("%s %s: %d: the server sends us elsewhere: nothing is followed", method, name, code)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%s %s: %d: %w", method, name, code, ErrCredentials)
	case code == http.StatusPreconditionFailed || code == http.StatusConflict:
		return fmt.Errorf("%s %s: %d: %w", method, name, code, ErrDiffers)
	}
	return fmt.Errorf("%s %s: %d %s", method, name, code, http.StatusText(code))
}

// Try implements Destination. Where parts are put, an empty .hozen-try is put and
// deleted; a server that lets nobody delete keeps it. A place for a single file is only
// asked for what is there: it takes one PUT.
func (d *web) Try(ctx context.Context) error {
	const name = ".hozen-try"
	if d.place.Whole() {
		code, _, err := d.status(ctx, http.MethodHead, "archive", nil, 0)
		if err == nil && code == http.StatusUnauthorized {
			err = refusal(http.MethodHead, "archive", code)
		}
		return err
	}
	if err := d.put(ctx, name, nil, 0); err != nil {
		return err
	}
	_, _, err := d.status(ctx, http.MethodDelete, name, nil, 0)
	return err
}

// Open implements Destination.
func (d *web) Open(ctx context.Context, name string) (Upload, error) {
	if err := validName(name); err != nil {
		return nil, err
	}
	if d.place.Whole() {
		return &webFile{d: d, name: name, at: 0}, nil
	}
	return openParts(ctx, d, name)
}
