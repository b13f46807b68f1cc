package server

import (
	"encoding/json"
	"testing"
	"time"

	"hozen/packager/signed"
	"hozen/service/hub/broker"
	"hozen/service/hub/registry"
	"hozen/service/protocol"
)

// enrolAs asks to be enrolled by one statement, and gives the error of the answer.
func (r *raw) enrolAs(t *testing.T, e protocol.Enrolment) string {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Request(protocol.EnrolSubject+r.id, b, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var a protocol.EnrolAnswer
	if err := protocol.Decode(m.Data, &a); err != nil {
		t.Fatal(err)
	}
	return a.Error
}

// invite gives the secret of a new token.
func invite(t *testing.T, h *Hub, i registry.Invitation) string {
	t.Helper()
	s, err := h.registry.Invite(t.Context(), i, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// gone waits until a connection was closed by the other side.
func (r *raw) gone(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !r.IsClosed(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the connection was not closed")
		}
	}
}

// An endpoint that is in cannot become another one, by its token or without.
func TestUsedTokenNamesNobodyElse(t *testing.T) {
	h := start(t)
	key, secret := newKey(t), invite(t, h, registry.Invitation{Role: broker.Endpoint})
	c, err := dial(t, h, key, secret)
	if err != nil {
		t.Fatal(err)
	}
	first := statement(t, newDevice(t, "pc-0"), c.id)
	if e := c.enrolAs(t, first); e != "" {
		t.Fatal(e)
	}
	for range 2 { // on the same connection, and on another one with the same token
		for _, name := range []string{"pc-0", "pc-boss", "pc-dc1"} {
			if e := c.enrolAs(t, statement(t, newDevice(t, name), c.id)); e == "" {
				t.Errorf("an endpoint became %s with another key", name)
			}
		}
		if e := c.enrolAs(t, first); e != "" {
			t.Errorf("the same again: %s", e)
		}
		if c, err = dial(t, h, key, secret); err != nil {
			t.Fatal(err)
		}
	}
	if l, _ := h.List(t.Context()); len(l) != 1 || l[0].Device != "pc-0" {
		t.Errorf("enrolled: %+v", l)
	}
	if _, err := h.SendJob(t.Context(), envelope(t, "job-for-dc1", "pc-dc1"), "x"); err == nil {
		t.Error("a job goes to a name that was taken")
	}
}

// A replaced endpoint is disconnected, and its used token does not bring it back; nor
// does that of one that was revoked.
func TestUsedTokenDoesNotComeBack(t *testing.T) {
	h := start(t)
	key, secret := newKey(t), invite(t, h, registry.Invitation{Role: broker.Endpoint, Device: "pc-a"})
	old, err := dial(t, h, key, secret)
	if err != nil {
		t.Fatal(err)
	}
	was := statement(t, newDevice(t, "pc-a"), old.id)
	if e := old.enrolAs(t, was); e != "" {
		t.Fatal(e)
	}
	newer, secret2 := newKey(t), invite(t, h, registry.Invitation{Role: broker.Endpoint, Device: "pc-a"})
	c, err := dial(t, h, newer, secret2)
	if err != nil {
		t.Fatal(err)
	}
	if e := c.enrolAs(t, statement(t, newDevice(t, "pc-a"), c.id)); e != "" {
		t.Fatal(e)
	}
	old.gone(t)
	if _, err := dial(t, h, key, secret); err == nil {
		t.Error("a replaced endpoint is let in by its used token")
	}
	if id, _ := h.registry.ByDevice("pc-a"); id != c.id {
		t.Errorf("pc-a is %s", id)
	}
	if _, _, err := h.trust(old.id); err != nil {
		t.Errorf("what the replaced one has committed is not verified: %v", err)
	}
	if err := h.Revoke(t.Context(), "pc-a"); err != nil {
		t.Fatal(err)
	}
	c.gone(t)
	for _, s := range []string{secret2, ""} {
		if _, err := dial(t, h, newer, s); err == nil {
			t.Error("a revoked endpoint is let in")
		}
	}
	if l, _ := h.List(t.Context()); len(l) != 0 {
		t.Errorf("enrolled: %+v", l)
	}
	if err := h.Revoke(t.Context(), "pc-a"); err == nil {
		t.Error("nobody is revoked")
	}
	again, err := dial(t, h, newKey(t), invite(t, h, registry.Invitation{Role: broker.Endpoint}))
	if err != nil {
		t.Fatal(err)
	}
	if e := again.enrolAs(t, statement(t, newDevice(t, "pc-a"), again.id)); e != "" {
		t.Errorf("a new token after that: %s", e)
	}
}

// An operator's connection is revoked by its id.
func TestRevokedOperator(t *testing.T) {
	h := start(t)
	key, secret := newKey(t), invite(t, h, registry.Invitation{Role: broker.Operator, Name: "bob"})
	c, err := dial(t, h, key, secret)
	if err != nil {
		t.Fatal(err)
	}
	ask := protocol.Enrolment{Payload: string(operatorStatement(t, c.id))}
	if e := c.enrolAs(t, ask) + c.enrolAs(t, ask); e != "" {
		t.Fatal(e)
	}
	if e := c.enrolAs(t, statement(t, newDevice(t, "pc-z"), c.id)); e == "" {
		t.Error("an operator became an endpoint")
	}
	if err := h.Revoke(t.Context(), c.id); err != nil {
		t.Fatal(err)
	}
	c.gone(t)
	for _, s := range []string{secret, ""} {
		if _, err := dial(t, h, key, s); err == nil {
			t.Error("a revoked operator is let in")
		}
	}
}

func operatorStatement(t *testing.T, id string) []byte {
	t.Helper()
	b, err := signed.Encode(protocol.EnrolStatement{Type: protocol.EnrolType, NKey: id, Time: signed.Wall(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
