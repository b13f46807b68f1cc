package broker

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"golang.org/x/time/rate"
)

const (
	calloutSubject = "$SYS.REQ.USER.AUTH"
	serverKey      = "Nats-Server-Xkey"
	invitedLife    = 2 * time.Minute // a connection with a token is for one request
	refusedHosts   = 4096            // addresses whose refusals are counted
	refusalBurst   = 20              // refusals of one address that are looked at in a row
)

// ErrDenied is wrapped by refusals of a connection.
var ErrDenied = errors.New("denied")

// callout answers NATS: may this connection in, and as what?
type callout struct {
	issuer, curve nkeys.KeyPair
	account       string
	ask           Authorizer
	log           *slog.Logger
	seen          func(id string, cid uint64) // told of each connection that was let in

	denied atomic.Uint64
	mu     sync.Mutex
	hosts  map[string]*rate.Limiter
}

// answer handles one question; it runs in the connection's goroutine, one at a time.
func (c *callout) answer(m *nats.Msg) {
	body, peer := m.Data, m.Header.Get(serverKey)
	if peer == "" {
		c.log.Warn("callout", "error", "a server asked without a key of its own")
		return
	}
	body, err := c.curve.Open(body, peer)
	if err != nil {
		c.log.Warn("callout", "error", err.Error())
		return
	}
	req, err := jwt.DecodeAuthorizationRequestClaims(string(body))
	if err != nil {
		c.log.Warn("callout", "error", err.Error())
		return
	}
	reply, err := c.reply(req)
	if err == nil {
		reply, err = c.curve.Seal(reply, peer)
	}
	if err == nil {
		err = m.Respond(reply)
	}
	if err != nil {
		c.log.Warn("callout", "error", err.Error())
	}
}

// reply makes the signed answer to a question.
func (c *callout) reply(req *jwt.AuthorizationRequestClaims) ([]byte, error) {
	resp := jwt.NewAuthorizationResponseClaims(req.UserNkey)
	resp.Audience = req.Server.ID
	client, role, err := c.decide(req)
	if err != nil {
		c.denied.Add(1)
		c.log.Info("connection denied", "host", req.ClientInformation.Host, "id", client.ID, "why", err.Error())
		resp.Error = "denied"
	} else if resp.Jwt, err = c.user(req.UserNkey, role, client.ID); err != nil {
		return nil, err
	} else {
		c.seen(client.ID, req.ClientInformation.ID)
	}
	text, err := resp.Encode(c.issuer)
	return []byte(text), err
}

// user is the server's own description of what the connection may do.
func (c *callout) user(key, role, id string) (string, error) {
	u := jwt.NewUserClaims(key)
	u.Name, u.Audience = id, c.account
	u.Permissions = permissions(role, id)
	if role == Invited {
		u.Expires = time.Now().Add(invitedLife).Unix()
	}
	return u.Encode(c.issuer)
}

// decide checks the proof of the nkey, and asks what the connection may do.
func (c *callout) decide(req *jwt.AuthorizationRequestClaims) (Client, string, error) {
	client := Client{ID: req.ConnectOptions.Nkey, Secret: req.ConnectOptions.Token, Host: req.ClientInformation.Host}
	if !nkeys.IsValidPublicUserKey(client.ID) {
		return Client{Host: client.Host}, "", fmt.Errorf("%w: no user nkey", ErrDenied)
	}
	if !c.patience(client.Host, false) {
		return client, "", fmt.Errorf("%w: too many refusals of this address", ErrDenied)
	}
	role, err := "", prove(req)
	if err == nil {
		role, err = c.ask.Authorize(client)
	}
	if err != nil {
		c.patience(client.Host, true)
	}
	return client, role, err
}

// prove checks that the connection signed the server's nonce by its nkey.
func prove(req *jwt.AuthorizationRequestClaims) error {
	nonce := req.ClientInformation.Nonce
	if nonce == "" {
		return fmt.Errorf("%w: the nonce is not signed", ErrDenied)
	}
	sig, err := base64.RawURLEncoding.DecodeString(req.ConnectOptions.SignedNonce)
	if err != nil {
		return fmt.Errorf("%w: signature of the nonce: %w", ErrDenied, err)
	}
	key, err := nkeys.FromPublicKey(req.ConnectOptions.Nkey)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	if err := key.Verify([]byte(nonce), sig); err != nil {
		return fmt.Errorf("%w: signature of the nonce: %w", ErrDenied, err)
	}
	return nil
}

// patience bounds what refused connections of one address cost: after refusalBurst in a
// row one each second is looked at. used says that one was refused.
func (c *callout) patience(host string, used bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.hosts[host]
	if l == nil {
		if !used {
			return true
		}
		if len(c.hosts) >= refusedHosts {
			clear(c.hosts) // forgetting is cheap, and in nobody's favour for long
		}
		l = rate.NewLimiter(1, refusalBurst)
		c.hosts[host] = l
	}
	if used {
		l.Allow()
		return true
	}
	return l.Tokens() >= 1
}
