package remote

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hozen/service/protocol"
)

// A PC that was revoked, or moves to another hub, is enrolled again with another key; what
// was there stays until the new hub has taken it, and beside it then.
func TestEnrolReplaces(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	old, err := Load(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, positionFile), []byte(`{"stream":"x","after":7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	other := newHub(t)
	enrol := func(token string) (Hub, error) {
		return Enrol(t.Context(), Enrolment{Token: token, Device: deviceOf(t), State: state, Replace: true})
	}
	good := other.token(protocol.RoleEndpoint)
	other.with(func() { other.secret = "not-this-token-now" })
	if _, err := enrol(good); !errors.Is(err, ErrRefused) {
		t.Fatalf("a token that is over: %v", err)
	}
	if now, err := Load(state); err != nil || now.ID != old.ID {
		t.Errorf("the enrolment is gone with a token that was refused: %+v, %v", now, err)
	}
	if c, err := Connect(Options{State: state}); err != nil {
		t.Errorf("the old key is gone: %v", err)
	} else {
		c.Close()
	}
	got, err := enrol(other.token(protocol.RoleEndpoint))
	if err != nil || got.ID == old.ID || got.CA != other.pki.hash {
		t.Fatalf("%+v, %v", got, err)
	}
	key, err := loadSeed(state)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := key.PublicKey(); err != nil || id != got.ID {
		t.Errorf("the key is of %s, the enrolment of %s, %v", id, got.ID, err)
	}
	if p, err := loadPosition(state); err != nil || p != (position{}) {
		t.Errorf("the position of the old hub is kept: %+v, %v", p, err)
	}
	for _, name := range []string{hubFile, seedFile, positionFile} {
		if !isThere(filepath.Join(state, name+before)) || isThere(filepath.Join(state, name+beside)) {
			t.Errorf("%s: not set aside, or left over", name)
		}
	}
	// Power went after the hub had taken it, before it was written down.
	if err := os.Rename(filepath.Join(state, seedFile), filepath.Join(state, seedFile+beside)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(state, hubFile)); err != nil {
		t.Fatal(err)
	}
	if again, err := enrol(other.token(protocol.RoleEndpoint)); err != nil || again.ID != got.ID {
		t.Errorf("%s, then %s, %v", got.ID, again.ID, err)
	}
}
