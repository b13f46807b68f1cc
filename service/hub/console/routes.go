package console

import (
	"net/http"

	"hozen/service/hub/view"
)

// Who may use a path. An administrator may use all.
func anybody() []string { return []string{view.Viewer, view.Operator, view.Auditor} }
func drafts() []string  { return []string{view.Operator} }
func audits() []string  { return []string{view.Auditor} }

// routes are all paths. The first two are for people who are not logged in; everything
// else goes through guard.
func (c *console) routes() {
	c.mux.HandleFunc("GET /static/{name}", c.asset)
	c.open("GET /login", c.loginPage)
	c.open("POST /login", c.login)

	all := anybody()
	c.guarded("POST /logout", all, c.logout)
	c.guarded("GET /{$}", all, c.overview)
	c.guarded("GET /live", all, c.live)
	c.guarded("GET /account", all, c.accountPage)
	c.guarded("POST /account", all, c.account)
	c.guarded("GET /endpoints", all, c.endpoints)
	c.guarded("GET /endpoints/{device}", all, c.endpoint)
	c.guarded("GET /jobs", all, c.jobs)
	c.guarded("GET /jobs/{id}", all, c.job)
	c.guarded("GET /jobs/{id}/file", all, c.jobFile)
	c.guarded("GET /archives", all, c.archives)
	c.guarded("GET /archives/{device}/{collection}", all, c.archive)
	c.guarded("GET /refusals", all, c.refusals)

	c.guarded("GET /draft", drafts(), c.draftForm)
	c.guarded("POST /draft", drafts(), c.draft)
	c.guarded("GET /draft/{id}", drafts(), c.drafted)
	c.guarded("GET /draft/{id}/file", drafts(), c.draftFile)
	c.guarded("GET /relay", drafts(), c.relayPage)
	c.guarded("POST /relay", drafts(), c.relay)

	c.guarded("GET /archives/{device}/{collection}/report.html", audits(), c.report)
	c.guarded("GET /archives/{device}/{collection}/{file}", audits(), c.download)
	c.guarded("GET /jobs/{id}/lines", audits(), c.jobLines)
	c.guarded("GET /refusals/lines", audits(), c.refusalLines)

	c.guarded("/", all, func(*request) error { return view.ErrNotFound })
}

// ServeHTTP is the way of every request: headers, bounds, language, then its path.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), r.TLS != nil)
	bound(w, r)
	if c.switchLanguage(w, r) {
		return
	}
	c.mux.ServeHTTP(w, r)
}
