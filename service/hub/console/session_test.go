package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/service/hub/view"
)

func (w *browser) in() bool {
	resp, _ := w.get("/account")
	return resp.StatusCode == http.StatusOK
}

func TestCookies(t *testing.T) {
	b := newBench(t, nil)
	w := b.browser()
	resp, _ := w.post("/login", url.Values{"csrf": {w.token("/login")}, "name": {view.Viewer}, "password": {password}})
	form := regexp.MustCompile(`^__Host-hozen=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; Secure; SameSite=Strict$`)
	found := false
	for _, c := range resp.Header.Values("Set-Cookie") {
		found = found || form.MatchString(c)
		for _, want := range []string{"__Host-", "Path=/", "HttpOnly", "Secure", "SameSite=Strict"} {
			if !strings.Contains(c, want) || strings.Contains(c, "Domain") {
				t.Errorf("%s: no %s", c, want)
			}
		}
	}
	if !found {
		t.Errorf("%v", resp.Header.Values("Set-Cookie"))
	}
}

// A session that a browser brought before the login is worth nothing after it.
func TestFixation(t *testing.T) {
	b := newBench(t, nil)
	attacker := b.as(view.Viewer)
	planted := attacker.cookie(sessionCookie)
	victim := b.browser()
	victim.setCookie(strings.Repeat("x", 43))
	resp, _ := victim.post("/login", url.Values{"csrf": {victim.token("/login")}, "name": {view.Admin}, "password": {password}})
	if resp.StatusCode != http.StatusSeeOther || victim.cookie(sessionCookie) == strings.Repeat("x", 43) {
		t.Fatalf("login: %d", resp.StatusCode)
	}
	// With a live session of the attacker: the login page does not show itself, the form can still be posted.
	other := b.browser()
	token := other.token("/login")
	other.setCookie(planted)
	resp, _ = other.post("/login", url.Values{"csrf": {token}, "name": {view.Admin}, "password": {password}})
	if resp.StatusCode != http.StatusSeeOther || other.cookie(sessionCookie) == planted || other.cookie(sessionCookie) == "" {
		t.Fatalf("login over a session: %d", resp.StatusCode)
	}
	if attacker.in() {
		t.Error("the session from before the login lives on")
	}
	if !other.in() || !victim.in() {
		t.Error("the new sessions do not live")
	}
}

func TestSessionEnds(t *testing.T) {
	b := newBench(t, nil)
	t.Run("logout", func(t *testing.T) {
		w := b.as(view.Viewer)
		kept := w.cookie(sessionCookie)
		if resp, _ := w.post("/logout", url.Values{"csrf": {w.token("/account")}}); resp.StatusCode != http.StatusSeeOther || w.cookie(sessionCookie) != "" {
			t.Errorf("%d", resp.StatusCode)
		}
		w.setCookie(kept)
		if w.in() {
			t.Error("the cookie is still good")
		}
	})
	t.Run("idle", func(t *testing.T) {
		w := b.as(view.Viewer)
		b.now.forward(sessionIdle - time.Minute)
		if !w.in() {
			t.Error("ended too soon")
		}
		b.now.forward(sessionIdle - time.Minute)
		w.header.Set("Hozen-Live", "1") // what a page asks by itself
		if resp, _ := w.get("/jobs"); resp.StatusCode != http.StatusOK {
			t.Error("ended too soon")
		}
		w.header.Del("Hozen-Live")
		b.now.forward(2 * time.Minute)
		if w.in() {
			t.Error("a page that asks by itself keeps the session alive")
		}
	})
	t.Run("age", func(t *testing.T) {
		w := b.as(view.Viewer)
		for range 2*int(sessionLife/sessionIdle) - 1 {
			b.now.forward(sessionIdle / 2)
			if !w.in() {
				t.Fatal("ended too soon")
			}
		}
		b.now.forward(sessionIdle/2 + time.Minute)
		if w.in() {
			t.Error("lives for ever")
		}
	})
	t.Run("password", func(t *testing.T) {
		w, same := b.as(view.Auditor), b.as(view.Auditor)
		change := func(old, fresh, again string) int {
			resp, _ := w.post("/account", url.Values{"csrf": {w.token("/account")}, "password": {old}, "fresh": {fresh}, "again": {again}})
			return resp.StatusCode
		}
		for _, c := range [][3]string{{"wrong", password + "2", password + "2"}, {password, password + "2", password + "3"}, {password, "short", "short"}} {
			if code := change(c[0], c[1], c[2]); code != http.StatusUnprocessableEntity || !w.in() {
				t.Errorf("%q: %d", c, code)
			}
		}
		if code := change(password, password+"2", password+"2"); code != http.StatusSeeOther {
			t.Errorf("%d", code)
		}
		if w.in() || same.in() {
			t.Error("a session with the old password lives on")
		}
		if code, _ := b.browser().login(view.Auditor, password+"2", ""); code != http.StatusSeeOther {
			t.Errorf("new password: %d", code)
		}
	})
	t.Run("removed", func(t *testing.T) {
		w := b.as(view.Operator)
		if err := b.hub.Remove(view.Operator); err != nil {
			t.Fatal(err)
		}
		if w.in() {
			t.Error("who was taken out is still in")
		}
	})
}

func TestLogin(t *testing.T) {
	b := newBench(t, nil)
	w := b.browser()
	if code, to := w.login(view.Viewer, password, "/jobs?page=1"); code != http.StatusSeeOther || to != "/jobs?page=1" {
		t.Errorf("%d to %q", code, to)
	}
	if !strings.Contains(b.log.String(), `"msg":"console: login","user":"viewer"`) || strings.Contains(b.log.String(), password) {
		t.Errorf("log: %s", b.log)
	}
	if code, to := b.browser().login(view.Viewer, password, "//evil.example/"); code != http.StatusSeeOther || to != "/" {
		t.Errorf("%d to %q", code, to)
	}
	_, unknown := b.browser().login("nobody", "wrong", "")
	code, wrong := b.browser().login(view.Viewer, "wrong", "")
	if code != http.StatusUnauthorized || strings.ReplaceAll(tokenField.ReplaceAllString(unknown, ""), "nobody", view.Viewer) != tokenField.ReplaceAllString(wrong, "") {
		t.Errorf("%d: the page tells who is there", code)
	}
	for range 20 {
		if code, _ = w.retry(); code == http.StatusTooManyRequests {
			break
		}
	}
	if code != http.StatusTooManyRequests {
		t.Errorf("tried for ever: %d", code)
	}
	// Names share counters, a few thousand: that two fall together is rare, and three rarer.
	var others []int
	for _, other := range []string{view.Operator, view.Auditor} {
		code, _ := b.browser().login(other, password, "")
		others = append(others, code)
	}
	if !slices.Contains(others, http.StatusSeeOther) {
		t.Errorf("other users are locked out: %v", others)
	}
}

// retry is a wrong password from a fresh browser.
func (w *browser) retry() (int, string) { return w.browser().login(view.Viewer, "wrong again", "") }

func TestSessionsAreBounded(t *testing.T) {
	s := newSessions(time.Now)
	first := s.start(view.User{Name: "u"})
	for range userSessions {
		s.start(view.User{Name: "u"})
	}
	if s.find(first, true) != nil || len(s.all) != userSessions {
		t.Errorf("%d sessions of one user", len(s.all))
	}
	for i := range 2 * maxSessions {
		s.start(view.User{Name: fmt.Sprint(i)})
	}
	if len(s.all) != maxSessions {
		t.Errorf("%d sessions", len(s.all))
	}
	o := s.find(s.start(view.User{Name: "u"}), true)
	for i := range 3 * maxDrafts {
		s.keep(o, draft{id: fmt.Sprint(i)})
	}
	if _, ok := s.drafted(o, "0"); ok || len(o.drafts) != maxDrafts {
		t.Errorf("%d drafts", len(o.drafts))
	}
	s.endUser("u")
	if s.alive(o) {
		t.Error("lives")
	}
	select {
	case <-o.over:
	default:
		t.Error("its end is not told")
	}
}
