package console

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hozen/service/hub/view"
)

// Every path, and who may use it: the table that routes.go must keep to.
func TestRoles(t *testing.T) {
	p := newPeople(t, "alice", "bob")
	b := newBench(t, nil)
	b.fill(p)
	jobID := b.hub.details[0].ID
	archive := "/archives/" + b.hub.kept[1].Device + "/" + b.hub.kept[1].Collection
	paths := map[string][]string{}
	for _, path := range []string{"/", "/endpoints", "/endpoints/pc-keiri-03", "/jobs", "/jobs/" + jobID, "/jobs/" + jobID + "/file", "/archives", archive, "/refusals", "/account"} {
		paths[path] = []string{view.Viewer, view.Operator, view.Auditor, view.Admin}
	}
	for _, path := range []string{"/draft", "/relay"} {
		paths[path] = []string{view.Operator, view.Admin}
	}
	for _, path := range []string{archive + "/archive", archive + "/log", archive + "/receipt.json", archive + "/receipt.json.sig", "/jobs/" + jobID + "/lines", "/refusals/lines"} {
		paths[path] = []string{view.Auditor, view.Admin}
	}
	out := b.browser()
	for path := range paths {
		if resp, body := out.get(path); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/login?next="+url.QueryEscape(path) || strings.Contains(body, "corp.example") {
			t.Errorf("%s, not logged in: %d to %q", path, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	for _, role := range append(anybody(), view.Admin) {
		w := b.as(role)
		for path, roles := range paths {
			want := http.StatusForbidden
			for _, r := range roles {
				if r == role {
					want = http.StatusOK
				}
			}
			if resp, body := w.get(path); resp.StatusCode != want {
				t.Errorf("%s as %s: %d, want %d: %.200s", path, role, resp.StatusCode, want, body)
			}
		}
		token := w.token("/account")
		for path, operators := range map[string]bool{"/draft": true, "/relay": true} {
			resp, _ := w.post(path, url.Values{"csrf": {token}})
			may := role == view.Operator || role == view.Admin
			if want := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusForbidden}[may == operators]; resp.StatusCode != want {
				t.Errorf("POST %s as %s: %d, want %d", path, role, resp.StatusCode, want)
			}
		}
		if resp, _ := w.get("/nothing/here"); resp.StatusCode != http.StatusNotFound {
			t.Errorf("a path that is not there: %d", resp.StatusCode)
		}
	}
	if len(b.hub.sent) != 2 {
		t.Errorf("sent: %v", b.hub.sent)
	}
	for _, line := range []string{`"msg":"console: refused","user":"viewer","role":"viewer"`, `"path":"/draft"`, `"status":403`, `"msg":"console: download"`} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("the log has no %s", line)
		}
	}
	if strings.Contains(b.log.String(), password) {
		t.Error("a password is in the log")
	}
}

func TestForgery(t *testing.T) {
	b := newBench(t, nil)
	w, other := b.as(view.Operator), b.as(view.Admin)
	token, foreign := w.token("/draft"), other.token("/draft")
	try := func(name string, header http.Header, path, token string, want int) {
		t.Helper()
		keep := w.header
		w.header = header
		defer func() { w.header = keep }()
		if resp, _ := w.post(path, url.Values{"csrf": {token}}); resp.StatusCode != want {
			t.Errorf("%s: %s: %d, want %d", path, name, resp.StatusCode, want)
		}
	}
	same, host := http.Header{"Sec-Fetch-Site": {"same-origin"}}, strings.TrimPrefix(b.server.URL, "https://")
	for _, path := range []string{"/draft", "/relay", "/logout", "/account"} {
		try("no token", same, path, "", http.StatusForbidden)
		try("a wrong token", same, path, strings.Repeat("A", 43), http.StatusForbidden)
		try("another session's token", same, path, foreign, http.StatusForbidden)
		for _, site := range []string{"cross-site", "same-site", "none"} {
			try(site, http.Header{"Sec-Fetch-Site": {site}}, path, token, http.StatusForbidden)
		}
		try("another origin", http.Header{"Origin": {"https://evil.example"}}, path, token, http.StatusForbidden)
		try("the null origin", http.Header{"Origin": {"null"}}, path, token, http.StatusForbidden)
		try("no origin at all", http.Header{}, path, token, http.StatusForbidden)
		try("another origin, said to be the same site", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://" + host}}, path, token, http.StatusForbidden)
	}
	try("our own origin", http.Header{"Origin": {"https://" + host}}, "/draft", token, http.StatusUnprocessableEntity)
	try("all as it should be", same, "/draft", token, http.StatusUnprocessableEntity)
	// A token in the address is none.
	if resp, _ := w.do("POST", "/draft?csrf="+token, strings.NewReader(""), "application/x-www-form-urlencoded"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("token in the address: %d", resp.StatusCode)
	}
	// The login form, too: nobody is logged in by a form of somebody else.
	thief := b.browser()
	form := url.Values{"name": {view.Viewer}, "password": {password}}
	for name, token := range map[string]string{"no token": "", "a token without its cookie": b.browser().token("/login")} {
		form.Set("csrf", token)
		if resp, _ := thief.post("/login", form); resp.StatusCode != http.StatusForbidden || thief.cookie(sessionCookie) != "" {
			t.Errorf("login, %s: %d", name, resp.StatusCode)
		}
	}
	form.Set("csrf", thief.token("/login"))
	thief.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
	if resp, _ := thief.post("/login", form); resp.StatusCode != http.StatusForbidden {
		t.Errorf("login from another site: %d", resp.StatusCode)
	}
	if n := len(b.hub.sent); n != 0 {
		t.Errorf("%d jobs were sent", n)
	}
}

func TestHeaders(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Admin)
	for _, path := range []string{"/", "/login", "/static/app.js", "/static/none", "/missing", "/draft", "/jobs/x"} {
		resp, _ := w.get(path)
		h := resp.Header
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "trusted-types 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: no %s in %q", path, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=31536000"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s: %q", path, name, h.Get(name))
			}
		}
		if strings.HasPrefix(path, "/static/app") {
			if h.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(h.Get("Content-Type"), "text/javascript") {
				t.Errorf("%s: %v", path, h)
			}
		} else if h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, h.Get("Cache-Control"))
		}
	}
	plain := http.Header{}
	secure(plain, false)
	if plain.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS without TLS")
	}
}

// No page has a script, a style or an address of its own in it.
func TestNothingInline(t *testing.T) {
	for name, page := range newBench(t, nil).console.pages {
		for _, tree := range page.Templates() {
			if tree.Tree == nil {
				continue
			}
			text := tree.Tree.Root.String()
			for _, bad := range []string{"<style", "style=", "javascript:", " onclick", " onload", " onerror", "http://", "https://", "<iframe", "srcset"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s, %s: %s", name, tree.Name(), bad)
				}
			}
			if n := strings.Count(text, "<script"); n > 0 && (n > 1 || !strings.Contains(text, `<script src="/static/app.js" defer></script>`)) {
				t.Errorf("%s, %s: a script", name, tree.Name())
			}
		}
	}
}

func TestMethodsAndBodies(t *testing.T) {
	b := newBench(t, nil)
	w := b.as(view.Admin)
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT-X"} {
		if resp, _ := w.do(method, "/jobs", nil, ""); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
	if resp, body := w.do("HEAD", "/jobs", nil, ""); resp.StatusCode != http.StatusOK || body != "" {
		t.Errorf("HEAD: %d, %q", resp.StatusCode, body)
	}
	token := w.token("/draft")
	big := url.Values{"csrf": {token}, "reason": {strings.Repeat("x", maxBody)}}
	if resp, _ := w.post("/draft", big); resp.StatusCode < 400 {
		t.Errorf("a large form: %d", resp.StatusCode)
	}
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("csrf", token)
	f, _ := m.CreateFormFile("file", "x.job")
	fmt.Fprint(f, strings.Repeat("x", 100<<10))
	m.Close()
	if resp, body := w.do("POST", "/relay", &form, m.FormDataContentType()); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "over 65536") {
		t.Errorf("a large job: %d %s", resp.StatusCode, body)
	}
}

func TestOwnPath(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "/jobs?page=2": "/jobs?page=2", "": "/", "jobs": "/", "//evil.example/x": "/", `/\evil.example`: "/", "https://evil.example": "/", "/x\r\nSet-Cookie: a=b": "/",
		"javascript:alert(1)": "/", "/%2f/evil.example": "/%2f/evil.example", "/\tjobs": "/", "http:/jobs": "/", "/a b": "/a%20b", "/jobs#x": "/jobs",
	} {
		if got := ownPath(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzOwnPath(f *testing.F) {
	f.Add("//x")
	f.Add("/\\x")
	f.Fuzz(func(t *testing.T, s string) {
		got := ownPath(s)
		base, _ := url.Parse("https://hub.example/login")
		u, err := base.Parse(got)
		if err != nil || u.Host != "hub.example" || u.Scheme != "https" || strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q: %q", s, got)
		}
	})
}

// No path leads out of what there is.
func TestTraversal(t *testing.T) {
	b := newBench(t, nil)
	b.fill(newPeople(t, "alice"))
	w := b.as(view.Admin)
	for _, path := range []string{"/static/../console.go", "/static/..%2fconsole.go", "/static/%2e%2e/templates/job.html", "/archives/..%2f..%2f/etc%2fpasswd/archive", "/archives/pc-keiri-03/..%2f..%2fx/log",
		"/archives/pc-keiri-03/" + b.hub.kept[1].Collection + "/..%2farchive", "/archives/pc-keiri-03/" + b.hub.kept[1].Collection + "/report", "/jobs/..%2f..%2fetc/file", "/draft/..%2fx/file", "/endpoints/..%2f..%2fetc"} {
		resp, body := w.get(path)
		for resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect {
			resp, body = w.get(resp.Header.Get("Location"))
		}
		if resp.StatusCode != http.StatusNotFound || strings.Contains(body, "root:") {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}
