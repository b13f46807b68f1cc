package server

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/hub/registry"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// start starts a hub on loopback that ends with the test.
func start(t testing.TB, change ...func(*Options)) *Hub {
	t.Helper()
	h, err := startIn(t, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// What hangs is to be seen at once, with all that waits.
		hangs := time.AfterFunc(time.Minute, func() { panic("the hub does not stop") })
		defer hangs.Stop()
		if err := h.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// startIn starts a hub that the test ends.
func startIn(t testing.TB, change ...func(*Options)) (*Hub, error) {
	t.Helper()
	o := Options{Dir: t.TempDir(), Name: "test", Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, c := range change {
		c(&o)
	}
	return Start(t.Context(), o)
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

// device enrols a new endpoint.
func device(t testing.TB, h *Hub, name string) (packager.Device, string) {
	t.Helper()
	d, err := packager.NewDevice(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.Token(t.Context(), registry.Invitation{Role: "endpoint"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	if _, err := remote.Enrol(t.Context(), remote.Enrolment{Token: token, Device: d, Host: name, Version: "test", State: state}); err != nil {
		t.Fatal(err)
	}
	return d, state
}

func TestEnrol(t *testing.T) {
	h := start(t)
	device(t, h, "pc-1")
	if l, err := h.List(t.Context()); err != nil || len(l) != 1 || l[0].Device != "pc-1" {
		t.Fatalf("%v %v", l, err)
	}
}

func newDevice(t testing.TB, name string) packager.Device {
	t.Helper()
	d, err := packager.NewDevice(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// statement is the request of an endpoint that enrols.
func statement(t testing.TB, d packager.Device, id string) protocol.Enrolment {
	t.Helper()
	pub, err := d.Public()
	if err != nil {
		t.Fatal(err)
	}
	b, err := signed.Encode(protocol.EnrolStatement{
		Type: protocol.EnrolType, Device: d.Name, DeviceKey: signed.PublicText(pub), NKey: id,
		Host: d.Name, Version: "test", Time: signed.Wall(time.Now()),
	})
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signed.Sign(d.Signer, signed.Enrol, b)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.Enrolment{Payload: string(b), Sig: string(sig)}
}
