package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nkeys"

	"hozen/packager/signed"
	"hozen/service/hub/broker"
	"hozen/service/protocol"
)

// LongestToken bounds how long a token may wait.
const LongestToken = 30 * 24 * time.Hour

var devicePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`) // as packager has it

// An Invitation is what a token allows.
type Invitation struct {
	Role    string `json:"role"`
	Device  string `json:"device"` // "" is any new device; a name: this one, which may be enrolled already and gets a new key
	Name    string `json:"name"`   // of an operator, for people
	Made    string `json:"made"`
	Expires string `json:"expires"`
	Used    string `json:"used"`     // nkey of who came in with it; "" if it is still good
	UsedAs  string `json:"used_as"`  // device that it came in as; "" of an operator
	UsedKey string `json:"used_key"` // key of that device
	Fence   uint64 `json:"fence"`    // revision that was replaced when it came in: another one says that it is in, or was
}

func tokenKey(secret string) string {
	sum := sha256.Sum256([]byte("hozen-token-1\n" + secret))
	return tokens + hex.EncodeToString(sum[:])
}

// Invite makes a token and gives its secret, which is not kept.
func (r *Registry) Invite(ctx context.Context, i Invitation, life time.Duration) (secret string, err error) {
	switch {
	case i.Role != broker.Endpoint && i.Role != broker.Operator:
		return "", fmt.Errorf("role %q: want endpoint or operator", i.Role)
	case i.Device != "" && (i.Role != broker.Endpoint || !devicePattern.MatchString(i.Device)):
		return "", fmt.Errorf("device %q: want a device name, for an endpoint", i.Device)
	case len(i.Name) > 255:
		return "", fmt.Errorf("name: over 255 bytes")
	case life <= 0 || life > LongestToken:
		return "", fmt.Errorf("a token for %s: want more than 0 and at most %s", life, LongestToken)
	}
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	now := r.now().UTC()
	i.Made, i.Expires, i.Used = now.Format(time.RFC3339), now.Add(life).Format(time.RFC3339), ""
	return secret, r.kv.put(ctx, tokenKey(secret), i, 0)
}

// token gives an invitation that id may use: one that nobody has used, or its own whose
// enrolment broke off.
func (r *Registry) token(key, id string) (Invitation, uint64, error) {
	var i Invitation
	revision, ok := r.kv.get(key, &i)
	if !ok {
		return i, 0, fmt.Errorf("%w: unknown token", broker.ErrDenied)
	}
	if i.Used != "" && (i.Used != id || r.place(i, id) != i.Fence) {
		return i, 0, fmt.Errorf("%w: the token was used", broker.ErrDenied)
	}
	if end, err := time.Parse(time.RFC3339, i.Expires); i.Used == "" && (err != nil || r.now().After(end)) {
		return i, 0, fmt.Errorf("%w: the token expired at %s", broker.ErrDenied, i.Expires)
	}
	return i, revision, nil
}

// place gives the revision of what makes a used invitation's holder a member: the device's
// name, or the operator's record. It never comes back to an earlier one.
func (r *Registry) place(i Invitation, id string) uint64 {
	var what json.RawMessage
	at, _ := r.kv.get(placeKey(i, id), &what)
	return at
}

func placeKey(i Invitation, id string) string {
	if i.Role == broker.Operator {
		return operators + id
	}
	return nameKey(i.UsedAs)
}

func nameKey(device string) string { return devices + hex.EncodeToString([]byte(device)) }

// Enrol lets in the connection id, which has given a token. Asking the same again is
// answered in the same way while it is enrolled; it may ask for nothing else. It gives the
// device name, "" for an operator, and the id of the endpoint that was replaced, if one was.
func (r *Registry) Enrol(ctx context.Context, id string, req protocol.Enrolment) (device, replaced string, err error) {
	st, err := checkStatement(id, req)
	if err != nil {
		return "", "", err
	}
	if member, same := r.enrolled(id, st); same {
		return st.Device, "", nil
	} else if member {
		return "", "", fmt.Errorf("%w: this connection is enrolled already, as something else", broker.ErrDenied)
	}
	r.mu.Lock()
	key := r.invited[id]
	r.mu.Unlock()
	i, revision, err := r.token(key, id)
	if err != nil {
		return "", "", err
	}
	switch {
	case i.Role == broker.Operator && st.Device != "":
		return "", "", fmt.Errorf("%w: the token is for an operator", broker.ErrDenied)
	case i.Role == broker.Operator:
		err = r.enrolOperator(ctx, id, key, i, revision)
	case st.Device == "":
		return "", "", fmt.Errorf("%w: the token is for an endpoint, which signs its request", broker.ErrDenied)
	default:
		replaced, err = r.enrolEndpoint(ctx, id, key, i, revision, st)
	}
	if err == nil {
		r.mu.Lock()
		delete(r.invited, id)
		r.mu.Unlock()
	}
	return st.Device, replaced, err
}

// enrolled says whether id is in, and whether it is in by the same statement.
func (r *Registry) enrolled(id string, st protocol.EnrolStatement) (member, same bool) {
	if e, ok := r.Endpoint(id); ok {
		return true, e.Device == st.Device && e.newest() == st.DeviceKey
	}
	_, ok := r.IsOperator(id)
	return ok, ok && st.Device == ""
}

// claim marks a token as used by id for one statement.
func (r *Registry) claim(ctx context.Context, id, key string, i Invitation, revision uint64, st protocol.EnrolStatement) error {
	if i.Used != "" {
		if i.Used != id || i.UsedAs != st.Device || i.UsedKey != st.DeviceKey {
			return fmt.Errorf("%w: the token was used, for something else", broker.ErrDenied)
		}
		return nil
	}
	i.Used, i.UsedAs, i.UsedKey = id, st.Device, st.DeviceKey
	i.Fence = r.place(i, id)
	return r.kv.put(ctx, key, i, revision)
}

func (r *Registry) enrolOperator(ctx context.Context, id, key string, i Invitation, revision uint64) error {
	at := r.place(i, id)
	if err := r.claim(ctx, id, key, i, revision, protocol.EnrolStatement{}); err != nil {
		return err
	}
	return r.kv.put(ctx, operators+id, OperatorRecord{Name: i.Name, Enrolled: r.stamp()}, at)
}

// enrolEndpoint writes in an order that can be broken off anywhere and asked for again:
// the token, the endpoint, the device's name. The name makes it a member, and ends the
// membership of who had it before.
func (r *Registry) enrolEndpoint(ctx context.Context, id, key string, i Invitation, revision uint64, st protocol.EnrolStatement) (replaced string, err error) {
	if i.Device != "" && i.Device != st.Device {
		return "", fmt.Errorf("%w: the token is for device %s, not %s", broker.ErrDenied, i.Device, st.Device)
	}
	at, taken := r.kv.get(nameKey(st.Device), &replaced)
	if taken && i.Device == "" {
		return "", fmt.Errorf("%w: device %s is enrolled already; a token made for this device replaces it", broker.ErrDenied, st.Device)
	}
	if err := r.claim(ctx, id, key, i, revision, st); err != nil {
		return "", err
	}
	e := Enrolled{Device: st.Device, Enrolled: r.stamp(), Host: st.Host, Version: st.Version}
	if old, ok := r.Record(replaced); ok && taken {
		e.Keys = old.Keys
	}
	if e.newest() != st.DeviceKey {
		e.Keys = append(e.Keys, DeviceKey{Key: st.DeviceKey, Since: e.Enrolled})
	}
	var before json.RawMessage
	seq, _ := r.kv.get(endpoints+id, &before)
	if err := r.kv.put(ctx, endpoints+id, e, seq); err != nil {
		return "", err
	}
	return replaced, r.kv.put(ctx, nameKey(st.Device), id, at)
}

// ErrUnknown is wrapped where nobody of that name is enrolled.
var ErrUnknown = errors.New("not enrolled")

// Revoke ends the membership of a device, by its name, or of an operator's connection, by
// its id, and gives the id. Only a new token lets it in again. What it has delivered stays.
func (r *Registry) Revoke(ctx context.Context, who string) (id string, err error) {
	if _, ok := r.IsOperator(who); ok {
		return who, r.kv.remove(ctx, operators+who)
	}
	id, ok := r.ByDevice(who)
	if !ok {
		return "", fmt.Errorf("%.80q: %w", who, ErrUnknown)
	}
	return id, r.kv.remove(ctx, nameKey(who))
}

func (r *Registry) stamp() string { return r.now().UTC().Format(time.RFC3339) }

// checkStatement reads what an endpoint signed, and checks that it is about this very
// connection.
func checkStatement(id string, req protocol.Enrolment) (st protocol.EnrolStatement, err error) {
	if err := signed.Decode([]byte(req.Payload), &st); err != nil {
		return st, err
	}
	switch {
	case st.Type != protocol.EnrolType:
		return st, fmt.Errorf("type %.40q: want %s", st.Type, protocol.EnrolType)
	case st.NKey != id:
		return st, fmt.Errorf("%w: the statement is for another connection", broker.ErrDenied)
	case len(st.Host) > 255 || len(st.Version) > 255:
		return st, fmt.Errorf("host or version: over 255 bytes")
	case st.Device == "" && st.DeviceKey == "" && req.Sig == "": // an operator
		return st, nil
	case !devicePattern.MatchString(st.Device) || nkeys.IsValidPublicUserKey(st.Device):
		return st, fmt.Errorf("device name %.80q: want letters, digits, dots, dashes, at most 63", st.Device)
	}
	key, err := signed.ParsePublic(st.DeviceKey)
	if err != nil {
		return st, err
	}
	return st, signed.Check(key, signed.Enrol, []byte(req.Payload), []byte(req.Sig))
}
