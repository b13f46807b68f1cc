package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/packager/secret"
	"hozen/packager/signed"
	"hozen/service/durable"
	"hozen/service/protocol"
)

// ErrEnrolled is wrapped when a state directory already knows a hub, and it was not said
// that the enrolment is to be replaced.
var ErrEnrolled = errors.New("already enrolled")

// enrolTimeout bounds an enrolment, in which the hub has to be there.
const enrolTimeout = time.Minute

// An Enrolment is what Enrol needs.
type Enrolment struct {
	Token   string          // text, as the hub printed it
	Device  packager.Device // whose key signs the request; the zero Device enrols an operator
	Host    string          // name of the machine
	Version string          // of this program
	State   string          // directory; made with mode 0700 where it is not there
	Replace bool            // what was enrolled before is set aside, once the hub has taken this one
	Log     *slog.Logger    // nil: silent
}

// Enrol uses a token: it makes the nkey of the connection, has the hub bind it to the
// device key, and keeps whom to dial. All of it is on the medium when it returns.
// Stopped on the way, it can be called again with the same token.
func Enrol(ctx context.Context, e Enrolment) (Hub, error) {
	t, err := protocol.ParseToken(e.Token)
	if err != nil {
		return Hub{}, err
	}
	if want := e.role(); t.Role != want {
		return Hub{}, fmt.Errorf("token: for an %s, not for an %s", t.Role, want)
	}
	if h, err := Load(e.State); errors.Is(err, ErrNotEnrolled) {
		e.Replace = isThere(filepath.Join(e.State, seedFile+beside)) // one that was stopped on the way
	} else if !e.Replace {
		return Hub{}, fault.Join(fmt.Errorf("%s: %w at %s (%s)", e.State, ErrEnrolled, h.Hub, strings.Join(h.Addresses, ", ")), err)
	}
	if err := private.MkdirAll(e.State, private.Mine); err != nil {
		return Hub{}, err
	}
	file := seedFile
	if e.Replace {
		file += beside // another key: a hub may know the old one as revoked
	}
	key, err := seed(e.State, file)
	if err != nil {
		return Hub{}, err
	}
	defer key.Wipe()
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, enrolTimeout)
	defer cancel()
	h, err := e.at(ctx, t, key)
	if err != nil {
		return Hub{}, fmt.Errorf("enrol: %w", err)
	}
	if e.Replace {
		if err := setAside(e.State); err != nil {
			return Hub{}, err
		}
	}
	return h, durable.ReplaceJSON(filepath.Join(e.State, hubFile), h)
}

func (e Enrolment) role() string {
	if e.Device.Signer == nil {
		return protocol.RoleOperator
	}
	return protocol.RoleEndpoint
}

// seed makes the nkey, or takes the one of an enrolment that did not come to its end:
// the hub may know it already.
func seed(state, name string) (nkeys.KeyPair, error) {
	file := filepath.Join(state, name)
	key, err := readSeed(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = nkeys.CreateUser(); err != nil {
		return nil, err
	}
	text, err := key.Seed() // the key's own bytes: they must stay
	if err != nil {
		return nil, err
	}
	if err := secret.WriteNew(file, text, 0o600); err != nil {
		return nil, err
	}
	return key, durable.SyncFolder(state)
}

// setAside makes room for the enrolment that the hub has taken: the old one stays beside it,
// the new key takes its place. Stopped on the way, the same token finishes it: the new key
// has one of its two names.
func setAside(state string) error {
	for _, name := range []string{hubFile, positionFile, seedFile} {
		file := filepath.Join(state, name)
		if err := os.Rename(file, file+before); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	key := filepath.Join(state, seedFile)
	if err := os.Rename(key+beside, key); err != nil {
		return err
	}
	return durable.SyncFolder(state)
}

func isThere(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// at asks the hub until it answers.
func (e Enrolment) at(ctx context.Context, t protocol.Token, key nkeys.KeyPair) (Hub, error) {
	h := Hub{Addresses: t.Addresses, Name: t.Name, CA: t.CA, Role: t.Role}
	for n := 1; ; n++ {
		err := e.once(ctx, &h, t, key)
		switch {
		case err == nil, errors.Is(err, ErrRefused), errors.Is(err, ErrPin):
			return h, err
		case errors.Is(err, nats.ErrAuthorization):
			return h, fmt.Errorf("%w: the token is unknown, used or over: %w", ErrRefused, err)
		}
		e.Log.Debug("enrol again later", "attempt", n, "error", err)
		if !pause(ctx, delay(n), nil) {
			return h, fault.Join(err, ctx.Err())
		}
	}
}

func (e Enrolment) once(ctx context.Context, h *Hub, t protocol.Token, key nkeys.KeyPair) error {
	l, err := open(*h, login{key: key, secret: t.Secret}, e.Log)
	if err != nil {
		return err
	}
	defer l.close()
	request, err := e.statement(l.id)
	if err != nil {
		return err
	}
	var a protocol.EnrolAnswer
	if err := l.request(ctx, protocol.EnrolSubject+l.id, request, &a); err != nil {
		return err
	}
	if err := refusal(a.Error, true); err != nil {
		return err
	}
	hubKey, err := signed.ParsePublic(a.HubKey)
	if err != nil {
		return fmt.Errorf("%w: hub_key: %w", ErrPin, err)
	}
	if got := ssh.FingerprintSHA256(hubKey); got != t.HubKey {
		return fmt.Errorf("%w: its key is %s, the token says %s", ErrPin, got, t.HubKey)
	}
	h.Hub, h.HubKey, h.ID, h.Enrolled = a.Hub, a.HubKey, l.id, signed.Wall(time.Now())
	return nil
}

func (e Enrolment) statement(id string) (protocol.Enrolment, error) {
	s := protocol.EnrolStatement{Type: protocol.EnrolType, NKey: id, Host: e.Host, Version: e.Version, Time: signed.Wall(time.Now())}
	var out protocol.Enrolment
	if e.role() == protocol.RoleEndpoint {
		pub, err := e.Device.Public()
		if err != nil {
			return out, err
		}
		s.Device, s.DeviceKey = e.Device.Name, signed.PublicText(pub)
	}
	payload, err := signed.Encode(s)
	if err != nil || e.Device.Signer == nil {
		out.Payload = string(payload)
		return out, err
	}
	sig, err := signed.Sign(e.Device.Signer, signed.Enrol, payload)
	out.Payload, out.Sig = string(payload), string(sig)
	return out, err
}
