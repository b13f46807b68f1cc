package console

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"hozen/packager/evidence/sorting"
	"hozen/service/hub/view"
)

// Names of cookies. The prefix has browsers refuse one that is not Secure, not of "/", or
// of another host.
const (
	sessionCookie = "__Host-hozen"
	loginCookie   = "__Host-hozen-login"
	langCookie    = "__Host-hozen-lang"
)

// How long a session lasts, and how many there are.
const (
	sessionIdle  = 30 * time.Minute
	sessionLife  = 12 * time.Hour
	maxSessions  = 512
	userSessions = 8
	maxDrafts    = 8 // of one session
)

// A session is somebody who is logged in. What is not exported by sessions is fixed.
type session struct {
	id    [32]byte // SHA-256 of the cookie: what is in memory opens nothing
	user  view.User
	csrf  string
	began time.Time
	over  chan struct{} // closed at the end

	// Guarded by the mutex of sessions.
	used   time.Time
	drafts []draft // oldest first
}

// A draft is a job that waits for its signatures.
type draft struct {
	id   string
	file []byte // as job.Envelope encodes it
}

// sessions are all of them, in memory: a hub that starts again has none.
type sessions struct {
	now func() time.Time
	mu  sync.Mutex
	all map[[32]byte]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, all: map[[32]byte]*session{}}
}

// secret makes 256 random bits.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// start begins a session of a user and gives its cookie. Always a new one: what a
// browser brought before the login is worth nothing after it.
func (s *sessions) start(u view.User) (cookie string) {
	cookie = secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	now := s.now()
	n := &session{id: sha256.Sum256([]byte(cookie)), user: u, csrf: secret(), began: now, used: now, over: make(chan struct{})}
	s.makeRoom(func(o *session) bool { return o.user.Name == u.Name }, userSessions)
	s.makeRoom(func(*session) bool { return true }, maxSessions)
	s.all[n.id] = n
	return cookie
}

// makeRoom ends those that were not used for longest, so that fewer than most are left.
func (s *sessions) makeRoom(which func(*session) bool, most int) {
	var of []*session
	for o := range maps.Values(s.all) {
		if which(o) {
			of = append(of, o)
		}
	}
	sorting.By(of, func(a, b *session) int { return cmp.Compare(a.used.UnixNano(), b.used.UnixNano()) })
	for _, o := range of[:max(0, len(of)-most+1)] {
		s.drop(o)
	}
}

func (s *sessions) sweep() {
	for o := range maps.Values(s.all) {
		if s.expired(o) {
			s.drop(o)
		}
	}
}

func (s *sessions) expired(o *session) bool {
	now := s.now()
	return now.Sub(o.used) > sessionIdle || now.Sub(o.began) > sessionLife
}

// drop is called with the mutex held.
func (s *sessions) drop(o *session) {
	if s.all[o.id] == o {
		delete(s.all, o.id)
		close(o.over)
	}
}

// find gives the session of a cookie, nil if there is none any more. touch says that a
// person acts.
func (s *sessions) find(cookie string, touch bool) *session {
	id := sha256.Sum256([]byte(cookie))
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.all[id]
	if o == nil {
		return nil
	}
	if s.expired(o) {
		s.drop(o)
		return nil
	}
	if touch {
		o.used = s.now()
	}
	return o
}

// end ends a session.
func (s *sessions) end(o *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(o)
}

// endUser ends all sessions of a user.
func (s *sessions) endUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range maps.Values(s.all) {
		if o.user.Name == name {
			s.drop(o)
		}
	}
}

// alive says whether a session goes on; it is no use of it.
func (s *sessions) alive(o *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[o.id] == o && s.expired(o) {
		s.drop(o)
	}
	return s.all[o.id] == o
}

// keep adds a draft to a session, which forgets its oldest.
func (s *sessions) keep(o *session, d draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.drafts = append(o.drafts, d)
	o.drafts = slices.Delete(o.drafts, 0, max(0, len(o.drafts)-maxDrafts))
}

// drafted gives a draft of a session.
func (s *sessions) drafted(o *session, id string) (draft, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(o.drafts, func(d draft) bool { return d.id == id })
	if i < 0 {
		return draft{}, false
	}
	return o.drafts[i], true
}

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie for as long as the browser runs, or for life if it is longer
// than 0; "" takes it back.
func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	age := int(life.Seconds())
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}
