package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/packager"
	"hozen/packager/evidence/sorting"
	"hozen/packager/signed"
	"hozen/service/hub/broker"
	"hozen/service/protocol"
)

// Bucket is where the registry is kept.
const Bucket = "HOZEN_REGISTRY"

// Key prefixes within the bucket.
const (
	endpoints = "e." // nkey
	operators = "o." // nkey
	tokens    = "t." // SHA-256 of the secret
	devices   = "d." // hex of the name → nkey: each name once
	presences = "s." // nkey
)

// A Registry is who the hub knows. Its methods may be called concurrently.
type Registry struct {
	kv  *mirror
	now func() time.Time

	mu      sync.Mutex
	invited map[string]string // nkey → key of the token that its connection gave
	seen    map[string]*presence
}

// An Enrolled endpoint. Keys are its device keys, the newest last: archives of the older
// ones stay good.
type Enrolled struct {
	Device   string      `json:"device"`
	Keys     []DeviceKey `json:"keys"`
	Enrolled string      `json:"enrolled"`
	Host     string      `json:"host"`
	Version  string      `json:"version"`
}

// DeviceKey is a key of a device and since when it was used, RFC 3339.
type DeviceKey struct {
	Key   string `json:"key"`
	Since string `json:"since"`
}

// An OperatorRecord is an enrolled operator's connection.
type OperatorRecord struct {
	Name     string `json:"name"`
	Enrolled string `json:"enrolled"`
}

// Open reads the registry, or makes it. The caller closes it.
func Open(ctx context.Context, js jetstream.JetStream, replicas int, now func() time.Time) (*Registry, error) {
	kv, err := openMirror(ctx, js, jetstream.KeyValueConfig{Bucket: Bucket, History: 5, Replicas: replicas})
	if err != nil {
		return nil, err
	}
	r := &Registry{kv: kv, now: now, invited: map[string]string{}, seen: map[string]*presence{}}
	r.loadPresence()
	return r, nil
}

// Close ends the watch of the bucket; Flush first.
func (r *Registry) Close() { r.kv.close() }

// Authorize implements broker.Authorizer.
func (r *Registry) Authorize(c broker.Client) (string, error) {
	if _, ok := r.Endpoint(c.ID); ok {
		return broker.Endpoint, nil
	}
	var o OperatorRecord
	if _, ok := r.kv.get(operators+c.ID, &o); ok {
		return broker.Operator, nil
	}
	if c.Secret == "" {
		return "", fmt.Errorf("%w: not enrolled, and no token", broker.ErrDenied)
	}
	key := tokenKey(c.Secret)
	if _, _, err := r.token(key, c.ID); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.invited) > 4096 {
		clear(r.invited) // who is still there connects again
	}
	r.invited[c.ID] = key
	return broker.Invited, nil
}

// IsOperator says whether id is an enrolled operator, and its name.
func (r *Registry) IsOperator(id string) (string, bool) {
	var o OperatorRecord
	_, ok := r.kv.get(operators+id, &o)
	return o.Name, ok
}

// Endpoint gives an enrolled endpoint: one that its device's name belongs to.
func (r *Registry) Endpoint(id string) (Enrolled, bool) {
	e, ok := r.Record(id)
	if !ok {
		return e, false
	}
	holder, _ := r.ByDevice(e.Device)
	return e, holder == id
}

// Record gives an endpoint that is enrolled, or was: what it has committed is still
// verified by its keys.
func (r *Registry) Record(id string) (Enrolled, bool) {
	var e Enrolled
	_, ok := r.kv.get(endpoints+id, &e)
	return e, ok
}

// ByDevice gives the id of the endpoint with that device name.
func (r *Registry) ByDevice(device string) (string, bool) {
	var id string
	_, ok := r.kv.get(nameKey(device), &id)
	return id, ok
}

// Devices gives the names of all devices and the ids of their endpoints.
func (r *Registry) Devices() map[string]string {
	all := map[string]string{}
	for _, e := range r.members() {
		all[e.Device] = e.ID
	}
	return all
}

// members are all enrolled endpoints, in no order.
func (r *Registry) members() []protocol.Endpoint {
	list, holders := []protocol.Endpoint{}, map[string]bool{}
	r.kv.each(devices, func(_ string, value []byte) bool {
		var id string
		if json.Unmarshal(value, &id) == nil {
			holders[id] = true
		}
		return true
	})
	for id := range holders {
		if e, ok := r.Endpoint(id); ok {
			list = append(list, protocol.Endpoint{ID: id, Device: e.Device, DeviceKey: e.newest(), Enrolled: e.Enrolled})
		}
	}
	return list
}

// List gives all endpoints, by device name.
func (r *Registry) List() []protocol.Endpoint {
	list := r.members()
	for i := range list {
		r.describe(&list[i])
	}
	sorting.By(list, func(a, b protocol.Endpoint) int { return cmp.Compare(a.Device, b.Device) })
	return list
}

func (e Enrolled) newest() string {
	if len(e.Keys) == 0 {
		return ""
	}
	return e.Keys[len(e.Keys)-1].Key
}

// Signer says whether key is, or was, a key of the device.
func (e Enrolled) Signer(key string) bool {
	return slices.ContainsFunc(e.Keys, func(k DeviceKey) bool { return k.Key == key })
}

// Trust is the allowed_signers text by which this endpoint's archives are verified.
func (e Enrolled) Trust() string {
	var b strings.Builder
	for _, k := range e.Keys {
		if pub, err := signed.ParsePublic(k.Key); err == nil {
			b.WriteString(packager.AllowedSigner("device:"+e.Device, pub))
		}
	}
	return b.String()
}
