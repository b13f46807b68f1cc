package console

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hozen/service/hub/view"
)

// Bounds of one request.
const (
	maxBody     = 256 << 10
	requestTime = 30 * time.Second
)

// secure sets the headers of every answer. Nothing but what we serve ourselves is run,
// shown or asked; nobody frames us; nothing is kept by caches.
func secure(h http.Header, tls bool) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: with that, browsers send "Origin: null" with our own forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if tls {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// bound limits body and time. Downloads and live pages set their own deadlines.
func bound(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(requestTime)) // where there are none, as in a recorder, none are needed
	_ = rc.SetWriteDeadline(time.Now().Add(requestTime))
}

// A request is one that passed its checks.
type request struct {
	w       http.ResponseWriter
	r       *http.Request
	lang    lang
	session *session // nil: not logged in
	user    view.User
}

func (q *request) ctx() context.Context { return q.r.Context() }

// may says whether the user has one of the roles.
func (q *request) may(roles []string) bool {
	return q.session != nil && (q.user.Role == view.Admin || slices.Contains(roles, q.user.Role))
}

// Refusals of a request; each is a page of its own text.
var (
	errForgery = errors.New("the request did not come from a page of ours")
	errRole    = errors.New("the role does not allow it")
)

// open is a path for those who are not logged in, too.
func (c *console) open(pattern string, f func(*request) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		q := &request{w: w, r: r, lang: langOf(r)}
		var err error
		if r.Method == http.MethodPost && !(sameOrigin(r) && c.loginTokenGood(r)) {
			err = errForgery
		} else {
			err = f(q)
		}
		c.finish(q, err)
	})
}

// guarded is a path for users who are logged in and have one of the roles; a POST must
// come from one of our own forms of this session.
func (c *console) guarded(pattern string, roles []string, f func(*request) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		q := &request{w: w, r: r, lang: langOf(r)}
		if err := c.enter(q); err != nil {
			c.finish(q, err)
			return
		}
		switch {
		case q.session == nil && r.Method == http.MethodPost && !sameOrigin(r):
			c.finish(q, errForgery)
		case q.session == nil:
			http.Redirect(w, r, "/login?next="+url.QueryEscape(nextOf(r)), http.StatusSeeOther)
		case r.Method == http.MethodPost && !(sameOrigin(r) && same(r.PostFormValue("csrf"), q.session.csrf)):
			c.finish(q, errForgery)
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
			w.Header().Set("Allow", "GET, HEAD, POST")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		case !q.may(roles):
			c.finish(q, errRole)
		default:
			c.finish(q, f(q))
		}
	})
}

// enter finds the session of a request and asks the hub whether its user still is who
// logged in. What a page asks by itself does not keep a session alive.
func (c *console) enter(q *request) error {
	s := c.sessions.find(cookieOf(q.r, sessionCookie), q.r.Header.Get("Hozen-Live") == "" && q.r.URL.Path != "/live")
	if s == nil {
		return nil
	}
	u, err := c.Hub.User(q.ctx(), s.user.Name)
	switch {
	case errors.Is(err, view.ErrNotFound) || err == nil && u.Serial != s.user.Serial:
		c.sessions.end(s)
		return nil
	case err != nil:
		return err
	}
	q.session, q.user = s, u
	return nil
}

// nextOf is where somebody goes on after the login: the page that was asked for.
func nextOf(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/live" {
		return "/"
	}
	return r.URL.RequestURI()
}

// ownPath gives a path of this console, "/" for anything else: no other host gets in by
// "//host", "/\host" or a scheme.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}

// sameOrigin says whether a POST comes from a page of ours, as the browser says: by
// Sec-Fetch-Site, or by Origin where that is not sent. One that says neither is refused.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func same(a, b string) bool { return b != "" && hmac.Equal([]byte(a), []byte(b)) }

// loginToken is the token of the login form for a cookie: there is no session yet, and
// nothing has to be kept for whoever looks at the form.
func (c *console) loginToken(cookie string) string {
	m := hmac.New(sha256.New, c.loginKey[:])
	m.Write([]byte(cookie))
	return hex.EncodeToString(m.Sum(nil))
}

func (c *console) loginTokenGood(r *http.Request) bool {
	cookie := cookieOf(r, loginCookie)
	return cookie != "" && same(r.PostFormValue("csrf"), c.loginToken(cookie))
}

// finish answers an error with a page that says so, and writes it down.
func (c *console) finish(q *request, err error) {
	if err == nil {
		return
	}
	status, key := http.StatusInternalServerError, "error.internal"
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, view.ErrNotFound):
		status, key = http.StatusNotFound, "error.notfound"
	case errors.Is(err, errForgery):
		status, key = http.StatusForbidden, "error.forgery"
	case errors.Is(err, errRole):
		status, key = http.StatusForbidden, "error.role"
	case errors.As(err, &large):
		status, key = http.StatusRequestEntityTooLarge, "error.large"
	case q.ctx().Err() != nil:
		return
	}
	level := "console: refused"
	if status == http.StatusInternalServerError {
		level = "console: error"
	}
	if status != http.StatusNotFound {
		c.note(q, level, "status", status, "error", fmt.Sprint(err))
	}
	c.render(q, status, "error", errorPage{status, key})
}

// note writes down what a person did: who, from where, what.
func (c *console) note(q *request, what string, more ...any) {
	fields := []any{"user", q.user.Name, "role", q.user.Role, "from", q.r.RemoteAddr, "method", q.r.Method, "path", q.r.URL.Path}
	c.Log.InfoContext(q.ctx(), what, append(fields, more...)...)
}
