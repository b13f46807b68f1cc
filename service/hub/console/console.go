// Package console is the hub's web console: what people see of endpoints, jobs,
// collections and refusals, and where they draft jobs. It knows nothing of NATS: all that
// it shows comes from a view.Hub. It holds no key: a drafted job is signed on the
// operator's own machine and comes back as a file, which is relayed as any other.
//
// Begin with New; routes.go has every path with the roles that may use it, guard.go what
// is checked before a page is made, session.go who is logged in. Pages are rendered by the
// server (render.go, templates) in English and Japanese (the files of texts) and read well
// without script; static/app.js adds what is live. Package users is whom it lets in.
//
// Who may do what: everybody who is logged in reads all pages, custody logs and verdicts
// among them. An operator also drafts and relays jobs. An auditor downloads: archives,
// which may hold anything that was on the machine, custody logs, receipts and audit lines.
// Who orders a collection does not get its contents by that, and who gets the contents
// cannot order one; an administrator of the hub may do both.
package console

import (
	"crypto/rand"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"hozen/packager"
	"hozen/service/hub/view"
	"hozen/service/job"
)

// Config is what the console needs of the hub.
type Config struct {
	Hub view.Hub
	// Trust is the public list of operators (allowed_signers) that the hub's administrator
	// gave; nil, or a nil list, if he gave none: then signatures are shown as not judged.
	// It decides nothing: endpoints ask their own list.
	Trust func() *packager.Trust
	// Profiles are those that the form of a draft offers, with their hashes; nil, or none:
	// whoever drafts gives the hash himself.
	Profiles func() []job.Profile
	Log      *slog.Logger     // one line for each action of a person
	Now      func() time.Time // nil: time.Now
}

type console struct {
	Config
	mux      *http.ServeMux
	pages    map[string]*template.Template
	static   map[string]asset
	sessions *sessions
	loginKey [32]byte
	streams  chan struct{} // one for each live page
	reports  chan struct{} // one for each report that is made
}

// New gives the console, to be served at "/" of a TLS listener of its own; it answers
// everything below. Live pages end when the context of their request ends.
func New(c Config) (http.Handler, error) {
	if c.Hub == nil || c.Log == nil {
		return nil, errors.New("console: hub and log must be given")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	h := &console{Config: c, mux: http.NewServeMux(), sessions: newSessions(c.Now), streams: make(chan struct{}, maxStreams), reports: make(chan struct{}, maxReports)}
	rand.Read(h.loginKey[:])
	var err error
	if h.pages, err = parsePages(); err != nil {
		return nil, err
	}
	if h.static, err = readAssets(); err != nil {
		return nil, err
	}
	h.routes()
	return h, nil
}
