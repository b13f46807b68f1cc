// Package users is the local users of the hub's console: their roles, their passwords
// (Argon2id, password.go), and how often a password may be tried (throttle.go). Begin
// with Open; a Store is the view.Users of a hub.
package users

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"hozen/service/hub/view"
)

// ErrTooOften is wrapped, beside view.ErrRefused, where a password was tried too often.
var ErrTooOften = errors.New("tried too often")

// The shortest and longest password, in characters and in bytes (NIST SP 800-63B-4,
// section 3.1.1.2, asks for 15 where a password is all there is to know).
const (
	MinPassword = 15
	maxPassword = 1024
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// roles that a user can have; one each.
func roles() []string { return []string{view.Viewer, view.Operator, view.Auditor, view.Admin} }

// A Store is the users in one file of JSON Lines, 0600. Another program may write the
// file, too (the hub's own commands do): it is read again when it changed. Its methods
// may be called concurrently.
type Store struct {
	path string
	now  func() time.Time
	tries
	hashing chan struct{} // bounds how many passwords are tried at once: each takes 64 MiB

	mu    sync.Mutex
	stamp stamp
	users []record
}

// Open takes the file of users, which need not be there yet: then there are none.
func Open(path string) (*Store, error) {
	s := &Store{path: path, now: time.Now, tries: newTries(), hashing: make(chan struct{}, 2)}
	_, err := s.List()
	return s, err
}

// Login implements view.Users: it takes as long for a name that is not there. from is
// the address of the asker, with or without its port.
func (s *Store) Login(ctx context.Context, name, password, from string) (view.User, error) {
	refused := fmt.Errorf("user %.40q: %w", name, view.ErrRefused)
	if !s.take(name, from, s.now()) {
		return view.User{}, fmt.Errorf("%w: %w", refused, ErrTooOften)
	}
	if len(password) > maxPassword || len(name) > maxPassword {
		return view.User{}, refused
	}
	r, err := s.find(name)
	if err != nil && !errors.Is(err, view.ErrNotFound) {
		return view.User{}, err
	}
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return view.User{}, ctx.Err()
	}
	if !matches(r.Password, password) || err != nil {
		return view.User{}, refused
	}
	s.giveBack(name, from)
	return r.user(), nil
}

// User implements view.Users.
func (s *Store) User(_ context.Context, name string) (view.User, error) {
	r, err := s.find(name)
	if err != nil {
		return view.User{}, err
	}
	return r.user(), nil
}

// SetPassword implements view.Users. All sessions of the user are over with that.
func (s *Store) SetPassword(_ context.Context, name, password string) error {
	if err := checkPassword(name, password); err != nil {
		return err
	}
	hash := hashOf(password)
	return s.change(func(all []record) ([]record, error) {
		i := indexOf(all, name)
		if i < 0 {
			return nil, unknown(name)
		}
		all[i].Password, all[i].Serial = hash, all[i].Serial+1
		return all, nil
	})
}

// Add makes a new user; view.ErrRefused if there is one of that name, or if the name,
// the role or the password will not do.
func (s *Store) Add(name, role, password string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%w: user name %.40q: want 1 to 32 of a-z, 0-9, dot, dash, underscore", view.ErrRefused, name)
	}
	if !slices.Contains(roles(), role) {
		return fmt.Errorf("%w: role %.40q: want one of %v", view.ErrRefused, role, roles())
	}
	if err := checkPassword(name, password); err != nil {
		return err
	}
	// The serial goes on with the clock, so that a session of a namesake who was taken
	// out is not one of the new user.
	now := s.now().UTC()
	r := record{Name: name, Role: role, Password: hashOf(password), Created: now.Format(time.RFC3339), Serial: uint64(now.UnixNano())}
	return s.change(func(all []record) ([]record, error) {
		if indexOf(all, name) >= 0 {
			return nil, fmt.Errorf("%w: user %q is there already", view.ErrRefused, name)
		}
		return append(all, r), nil
	})
}

// Remove takes a user out, whose sessions are over with that.
func (s *Store) Remove(name string) error {
	return s.change(func(all []record) ([]record, error) {
		i := indexOf(all, name)
		if i < 0 {
			return nil, unknown(name)
		}
		return slices.Delete(all, i, i+1), nil
	})
}

// List gives all users, by name.
func (s *Store) List() ([]view.User, error) {
	all, err := s.current()
	out := make([]view.User, 0, len(all))
	for _, r := range all {
		out = append(out, r.user())
	}
	return out, err
}

func (s *Store) find(name string) (record, error) {
	all, err := s.current()
	if err != nil {
		return record{}, err
	}
	i := indexOf(all, name)
	if i < 0 {
		return record{}, unknown(name)
	}
	return all[i], nil
}

func unknown(name string) error { return fmt.Errorf("user %.40q: %w", name, view.ErrNotFound) }

func indexOf(all []record, name string) int {
	return slices.IndexFunc(all, func(r record) bool { return r.Name == name })
}

func checkPassword(name, password string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Errorf("%w: password: want at least %d characters", view.ErrRefused, MinPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("%w: password: over %d bytes", view.ErrRefused, maxPassword)
	case password == name:
		return fmt.Errorf("%w: password: it is the user's name", view.ErrRefused)
	}
	return nil
}
