package users

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hozen/service/hub/view"
)

const good = "correct horse battery staple"

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "users.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAddLoginRemove(t *testing.T) {
	s, ctx := open(t), t.Context()
	if err := s.Add("alice", view.Auditor, good); err != nil {
		t.Fatal(err)
	}
	u, err := s.Login(ctx, "alice", good, "192.0.2.1:99")
	if err != nil || u.Name != "alice" || u.Role != view.Auditor || u.Created == "" {
		t.Fatalf("%+v, %v", u, err)
	}
	for _, c := range [][2]string{{"alice", good + "x"}, {"alice", ""}, {"bob", good}, {"", ""}, {"alice\n", good}, {"alice", strings.Repeat("x", 2000)}} {
		if u, err := s.Login(ctx, c[0], c[1], "192.0.2.1"); !errors.Is(err, view.ErrRefused) || errors.Is(err, ErrTooOften) || u != (view.User{}) {
			t.Errorf("%q: %+v, %v", c, u, err)
		}
	}
	b, err := os.ReadFile(s.path)
	if err != nil || !strings.Contains(string(b), "$argon2id$v=19$m=65536,t=3,p=4$") || strings.Contains(string(b), good) {
		t.Errorf("file: %s, %v", b, err)
	}
	if info, err := os.Stat(s.path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v", info.Mode(), err)
	}
	if err := s.SetPassword(ctx, "alice", good+" two"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Login(ctx, "alice", good, ""); !errors.Is(err, view.ErrRefused) {
		t.Errorf("old password: %v", err)
	}
	again, err := s.Login(ctx, "alice", good+" two", "")
	if err != nil || again.Serial == u.Serial {
		t.Errorf("new password: %+v, %v", again, err)
	}
	if err := s.Remove("alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.User(ctx, "alice"); !errors.Is(err, view.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	if err := s.Add("alice", view.Viewer, good); err != nil {
		t.Fatal(err)
	}
	if now, err := s.User(ctx, "alice"); err != nil || now.Serial == u.Serial || now.Serial == again.Serial {
		t.Errorf("a namesake has an old serial: %+v, %v", now, err)
	}
}

func TestRefusedUsers(t *testing.T) {
	s := open(t)
	if err := s.Add("alice", view.Viewer, good); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"alice", view.Viewer, good}, {"", view.Viewer, good}, {"../x", view.Viewer, good}, {"Bob", view.Viewer, good},
		{"bob", "root", good}, {"bob", "", good}, {"bob", view.Viewer, "short"}, {"bob", view.Viewer, strings.Repeat("é", 600)},
	} {
		if err := s.Add(c[0], c[1], c[2]); !errors.Is(err, view.ErrRefused) {
			t.Errorf("%.40q: %v", c, err)
		}
	}
	if err := s.SetPassword(t.Context(), "alice", "short"); !errors.Is(err, view.ErrRefused) {
		t.Error(err)
	}
	if err := s.Remove("bob"); !errors.Is(err, view.ErrNotFound) {
		t.Error(err)
	}
	if all, err := s.List(); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

// Another program's change is seen at once, and so is what it broke.
func TestFileOfAnother(t *testing.T) {
	s := open(t)
	other, err := Open(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Add("carol", view.Operator, good); err != nil {
		t.Fatal(err)
	}
	if u, err := s.User(t.Context(), "carol"); err != nil || u.Role != view.Operator {
		t.Errorf("%+v, %v", u, err)
	}
	for _, bad := range []string{
		"{", "[]\n", `{"name":"x","role":"admin","password":"plain","created":"","serial":1}`,
		`{"name":"x","role":"admin","password":"$argon2id$v=19$m=99999999,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		`{"name":"x","shell":"/bin/sh"}`,
	} {
		if err := os.WriteFile(s.path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.User(t.Context(), "x"); err == nil || errors.Is(err, view.ErrNotFound) || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestThrottle(t *testing.T) {
	now := time.Unix(1e9, 0)
	spend := func(tr *tries, n int, user, from func(i int) string) (taken int) {
		for i := range n {
			if tr.take(user(i), from(i), now) {
				taken++
			}
		}
		return taken
	}
	always := func(s string) func(int) string { return func(int) string { return s } }
	numbered := func(format string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, i) }
	}
	tr := newTries()
	if n := spend(&tr, 100, always("alice"), numbered("10.0.%d.1:5")); n != userTries {
		t.Errorf("one user from everywhere: %d tries", n)
	}
	if n := spend(&tr, 100, numbered("user%d"), always("192.0.2.7:80")); n > addressTries || n < addressTries-2 {
		t.Errorf("all users from one address: %d tries", n)
	}
	if n := spend(&tr, 100, numbered("vser%d"), numbered("[2001:db8::%x]:80")); n > addressTries {
		t.Errorf("all users from one /64: %d tries", n)
	}
	now = now.Add(userEvery)
	if n := spend(&tr, 5, always("alice"), always("198.51.100.1")); n != 1 {
		t.Errorf("after a while: %d tries", n)
	}
	for range 20 {
		now = now.Add(userEvery)
		if !tr.take("alice", "198.51.100.1", now) {
			t.Fatal("who gives the right password is never stopped")
		}
		tr.giveBack("alice", "198.51.100.1")
	}
	if got := len(tr.users) + len(tr.addresses); got != 2*buckets {
		t.Errorf("the table grew: %d", got)
	}
}

// The store refuses without looking at the password when it was tried too often.
func TestLoginIsThrottled(t *testing.T) {
	s := open(t)
	if err := s.Add("alice", view.Viewer, good); err != nil {
		t.Fatal(err)
	}
	for s.take("alice", "192.0.2.1", s.now()) {
	}
	if _, err := s.Login(t.Context(), "alice", good, "203.0.113.9"); !errors.Is(err, ErrTooOften) || !errors.Is(err, view.ErrRefused) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"x","role":"admin","password":"` + hashOf("x") + `","created":"","serial":1}` + "\n"))
	f.Add([]byte("{}\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parse(b)
		if err == nil {
			for _, r := range all {
				if !nameForm.MatchString(r.Name) {
					t.Errorf("name %q", r.Name)
				}
			}
		}
	})
}
