// Package admin is how the commands of the hub's own machine talk to the hub that runs
// there: HTTP over the socket hub.sock in its directory, which is its owner's alone
// (0700, the socket 0600); whoever may open it may do everything. Begin with Handler and
// Do; each call is a POST of one JSON object to its name.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"hozen/service/hub/registry"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// Socket is the name of the socket in the hub's directory.
const Socket = "hub.sock"

const maxBody = 1 << 20

// Calls.
const (
	CallToken     = "token"     // TokenRequest → TokenAnswer
	CallEndpoints = "endpoints" // nothing → []protocol.Endpoint
	CallUserAdd   = "user-add"  // UserRequest → nothing
	CallUserSet   = "user-set"  // UserRequest → nothing: a new password
	CallUserDel   = "user-del"  // UserRequest → nothing
	CallUsers     = "users"     // nothing → []view.User
	CallRevoke    = "revoke"    // RevokeRequest → nothing
	CallAbout     = "about"     // nothing → view.About
)

// TokenRequest asks for a token that is good for some seconds.
type TokenRequest struct {
	registry.Invitation
	Seconds int64 `json:"seconds"`
}

// TokenAnswer has the token as text.
type TokenAnswer struct {
	Token string `json:"token"`
}

// RevokeRequest says whose enrolment ends: a device name, or the id of an operator's connection.
type RevokeRequest struct {
	Who string `json:"who"`
}

// UserRequest is about a user of the console.
type UserRequest struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password"`
}

// A Hub is what is administered.
type Hub interface {
	Token(ctx context.Context, i registry.Invitation, life time.Duration) (string, error)
	List(ctx context.Context) ([]protocol.Endpoint, error)
	About() view.About
	Revoke(ctx context.Context, who string) error
}

// Users is the list of those who may log in at the console.
type Users interface {
	Add(name, role, password string) error
	Remove(name string) error
	List() ([]view.User, error)
}

// Passwords changes the password of a user.
type Passwords interface {
	SetPassword(ctx context.Context, name, password string) error
}

// Handler answers the calls.
func Handler(h Hub, users interface {
	Users
	Passwords
}) http.Handler {
	mux := http.NewServeMux()
	call(mux, CallToken, func(ctx context.Context, r TokenRequest) (any, error) {
		text, err := h.Token(ctx, r.Invitation, time.Duration(r.Seconds)*time.Second)
		return TokenAnswer{text}, err
	})
	call(mux, CallEndpoints, func(ctx context.Context, _ struct{}) (any, error) { return h.List(ctx) })
	call(mux, CallRevoke, func(ctx context.Context, r RevokeRequest) (any, error) { return nil, h.Revoke(ctx, r.Who) })
	call(mux, CallAbout, func(context.Context, struct{}) (any, error) { return h.About(), nil })
	call(mux, CallUsers, func(context.Context, struct{}) (any, error) { return users.List() })
	call(mux, CallUserAdd, func(_ context.Context, r UserRequest) (any, error) {
		return nil, users.Add(r.Name, r.Role, r.Password)
	})
	call(mux, CallUserDel, func(_ context.Context, r UserRequest) (any, error) { return nil, users.Remove(r.Name) })
	call(mux, CallUserSet, func(ctx context.Context, r UserRequest) (any, error) {
		return nil, users.SetPassword(ctx, r.Name, r.Password)
	})
	return mux
}

// call answers one kind of call.
func call[Q any](mux *http.ServeMux, name string, f func(context.Context, Q) (any, error)) {
	mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
		var q Q
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := f(r.Context(), q)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // whoever asked may have left
	})
}

// Listen makes the socket in dir; one that a killed hub left is replaced.
func Listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, Socket)
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return nil, errors.Join(fmt.Errorf("%s: a hub runs there already", path), c.Close())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Do makes one call to the hub of dir. answer may be nil.
func Do(ctx context.Context, dir, name string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, Socket))
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://hub/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no hub runs in %s: %w", dir, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(string(bytes.TrimSpace(b)))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(b, answer)
}
