package console

import (
	"errors"
	"net/http"
	"time"

	"hozen/service/hub/console/users"
	"hozen/service/hub/view"
)

// loginData is the login page: why the last try did not work, and where to go on.
type loginData struct{ Problem, Next, Name string }

// loginPage shows the form. Its cookie binds the form to this browser, so that nobody
// is logged in by somebody else's form.
func (c *console) loginPage(q *request) error {
	if err := c.enter(q); err != nil {
		return err
	}
	next := ownPath(q.r.URL.Query().Get("next"))
	if q.session != nil {
		http.Redirect(q.w, q.r, next, http.StatusSeeOther)
		return nil
	}
	c.showLogin(q, http.StatusOK, loginData{Next: next})
	return nil
}

func (c *console) showLogin(q *request, status int, d loginData) {
	cookie := cookieOf(q.r, loginCookie)
	if len(cookie) != len(secret()) {
		cookie = secret()
		setCookie(q.w, loginCookie, cookie, time.Hour)
	}
	c.renderPage(q, status, &page{q: q, c: c, Name: "login", Login: c.loginToken(cookie), Data: d})
}

// login checks name and password and begins a session, always a new one.
func (c *console) login(q *request) error {
	name, next := q.r.PostFormValue("name"), ownPath(q.r.PostFormValue("next"))
	u, err := c.Hub.Login(q.ctx(), name, q.r.PostFormValue("password"), q.r.RemoteAddr)
	if err != nil {
		status, problem := http.StatusUnauthorized, "login.wrong"
		switch {
		case errors.Is(err, users.ErrTooOften):
			status, problem = http.StatusTooManyRequests, "login.often"
			q.w.Header().Set("Retry-After", "60")
		case !errors.Is(err, view.ErrRefused) && !errors.Is(err, view.ErrNotFound):
			return err
		}
		// A name may be a password that was typed into the wrong field: it is not written down.
		c.note(q, "console: login refused", "why", problem)
		c.showLogin(q, status, loginData{Problem: problem, Next: next, Name: name})
		return nil
	}
	if old := c.sessions.find(cookieOf(q.r, sessionCookie), false); old != nil {
		c.sessions.end(old)
	}
	setCookie(q.w, sessionCookie, c.sessions.start(u), 0)
	setCookie(q.w, loginCookie, "", 0)
	q.user = u
	c.note(q, "console: login")
	http.Redirect(q.w, q.r, next, http.StatusSeeOther)
	return nil
}

func (c *console) logout(q *request) error {
	c.sessions.end(q.session)
	setCookie(q.w, sessionCookie, "", 0)
	c.note(q, "console: logout")
	http.Redirect(q.w, q.r, "/login", http.StatusSeeOther)
	return nil
}

// accountData is the page of one's own password.
type accountData struct {
	Problem string
	Least   int
}

func (c *console) accountPage(q *request) error {
	c.render(q, http.StatusOK, "account", accountData{Least: users.MinPassword})
	return nil
}

// account changes one's own password, which must be given again; all sessions end.
func (c *console) account(q *request) error {
	fresh, problem := q.r.PostFormValue("fresh"), ""
	_, err := c.Hub.Login(q.ctx(), q.user.Name, q.r.PostFormValue("password"), q.r.RemoteAddr)
	switch {
	case errors.Is(err, users.ErrTooOften):
		problem = "login.often"
	case errors.Is(err, view.ErrRefused):
		problem = "account.wrong"
	case err != nil:
		return err
	case fresh != q.r.PostFormValue("again"):
		problem = "account.differ"
	default:
		err = c.Hub.SetPassword(q.ctx(), q.user.Name, fresh)
		if errors.Is(err, view.ErrRefused) {
			problem = "account.weak"
		} else if err != nil {
			return err
		}
	}
	if problem != "" {
		c.note(q, "console: password not changed", "why", problem)
		c.render(q, http.StatusUnprocessableEntity, "account", accountData{problem, users.MinPassword})
		return nil
	}
	c.sessions.endUser(q.user.Name)
	c.note(q, "console: password changed")
	http.Redirect(q.w, q.r, "/login", http.StatusSeeOther)
	return nil
}
