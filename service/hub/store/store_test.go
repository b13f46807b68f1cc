package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"hozen/packager/signed"
	"hozen/service/deliver"
)

func file(name, body string) deliver.File {
	return deliver.File{Name: name, ReaderAt: strings.NewReader(body), Size: int64(len(body)), SHA256: signed.HexSum([]byte(body))}
}

// stream is a JetStream of its own.
func stream(t *testing.T) jetstream.JetStream {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("no server")
	}
	c, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// Both kinds keep the same promises.
func TestStores(t *testing.T) {
	p, err := deliver.Parse(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o, err := Objects(t.Context(), stream(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Store{"objects": o, "directory": Elsewhere(p, deliver.Options{})} {
		t.Run(name, func(t *testing.T) {
			body := strings.Repeat("evidence\n", 200_000)
			for range 2 { // the second time it is there
				where, err := s.Keep(t.Context(), "pc-1", file("c-1.tar.zst", body))
				if err != nil || !strings.Contains(where, "c-1.tar.zst") {
					t.Fatalf("%q %v", where, err)
				}
			}
			if _, err := s.Keep(t.Context(), "pc-1", file("c-1.tar.zst", "another")); !errors.Is(err, deliver.ErrDiffers) {
				t.Errorf("another file of the same name: %v", err)
			}
			if _, err := s.Keep(t.Context(), "pc-2", file("c-1.tar.zst", "of another device")); err != nil {
				t.Errorf("another device: %v", err)
			}
			r, size, err := s.Open(t.Context(), "pc-1", "c-1.tar.zst")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil || r.Close() != nil || size != int64(len(body)) || !bytes.Equal(b, []byte(body)) {
				t.Errorf("read back: %d bytes, %v", len(b), err)
			}
			if _, _, err := s.Open(t.Context(), "pc-1", "nothing.tar.zst"); err == nil {
				t.Error("a file that is not there is read")
			}
			wrong := file("c-2.tar.zst", "x")
			wrong.SHA256 = signed.HexSum([]byte("y"))
			if _, err := s.Keep(t.Context(), "pc-1", wrong); err == nil {
				t.Error("a file with another hash is kept")
			}
		})
	}
}

// A put that was broken off leaves chunks; the next start removes them, and no others.
func TestSweep(t *testing.T) {
	js := stream(t)
	o, err := Objects(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Keep(t.Context(), "pc-1", file("c-1.tar.zst", "kept")); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "$O."+Bucket+".C.orphan", []byte("half")); err != nil {
		t.Fatal(err)
	}
	if o, err = Objects(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "OBJ_"+Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.Info(t.Context()); err != nil || info.State.Msgs != 2 { // one chunk, one description
		t.Errorf("%d messages are left: %v", info.State.Msgs, err)
	}
	if _, _, err := o.Open(t.Context(), "pc-1", "c-1.tar.zst"); err != nil {
		t.Error(err)
	}
}

// forgetful is an object store whose list comes from a replica that is behind, and whose
// first list never ends.
type forgetful struct {
	jetstream.ObjectStore
	calls int
}

func (f *forgetful) List(ctx context.Context, _ ...jetstream.ListObjectsOpt) ([]*jetstream.ObjectInfo, error) {
	if f.calls++; f.calls == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, jetstream.ErrNoObjectsFound
}

// What a list forgot is not taken for what nobody needs.
func TestSweepAfterForgetfulList(t *testing.T) {
	js := stream(t)
	o, err := Objects(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Keep(t.Context(), "pc-1", file("c-1.tar.zst", "kept")); err != nil {
		t.Fatal(err)
	}
	list := &forgetful{ObjectStore: o.(objects).o}
	if err := sweep(t.Context(), js, list); err != nil || list.calls != 2 {
		t.Errorf("%d lists, %v", list.calls, err)
	}
	r, _, err := o.Open(t.Context(), "pc-1", "c-1.tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
}
