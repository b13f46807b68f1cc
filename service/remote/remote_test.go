package remote

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/deliver"
	"hozen/service/protocol"
)

const collection = "pc-1-20261122t054100z-1a2b3c"

func TestEnrolKeepsWhomToDial(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	got, err := Load(state)
	if err != nil || got.Hub != "test" || got.HubKey != h.pub || got.CA != h.pki.hash || len(got.Addresses) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, name := range []string{seedFile, hubFile} {
		if st, err := os.Stat(filepath.Join(state, name)); err != nil || os.PathSeparator == '/' && st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
	if _, err := Enrol(t.Context(), Enrolment{Token: h.token(protocol.RoleEndpoint), Device: deviceOf(t), State: state}); !errors.Is(err, ErrEnrolled) {
		t.Errorf("enrolled twice: %v", err)
	}
	if _, err := Enrol(t.Context(), Enrolment{Token: h.token(protocol.RoleOperator), Device: deviceOf(t), State: t.TempDir()}); err == nil {
		t.Error("an endpoint enrolled with an operator's token")
	}
	if _, err := Load(t.TempDir()); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("an empty state: %v", err)
	}
}

func deviceOf(t *testing.T) packager.Device {
	t.Helper()
	d, err := packager.NewDevice("pc-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// An enrolment that was cut off goes on with the nkey that the hub may know.
func TestEnrolAgainHasTheSameKey(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	before, err := Load(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(state, hubFile)); err != nil {
		t.Fatal(err)
	}
	h.with(func() { h.secret = "another-token-now" })
	after, err := Enrol(t.Context(), Enrolment{Token: h.token(protocol.RoleEndpoint), Device: deviceOf(t), State: state})
	if err != nil || after.ID != before.ID {
		t.Errorf("%s, then %s, %v", before.ID, after.ID, err)
	}
}

// The hub is known by the token alone: everybody else is refused before anything is said.
func TestEnrolRefuses(t *testing.T) {
	h := newHub(t)
	other := newAuthority(t, time.Now())
	base, err := protocol.ParseToken(h.token(protocol.RoleEndpoint))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*protocol.Token)
		want   error
	}{
		"another authority": {func(t *protocol.Token) { t.CA = other.hash }, ErrPin},
		"another name":      {func(t *protocol.Token) { t.Name = "hub.example" }, ErrPin},
		"another hub key":   {func(t *protocol.Token) { t.HubKey = "SHA256:" + strings.Repeat("A", 43) }, ErrPin},
		"another secret":    {func(t *protocol.Token) { t.Secret = "not-the-secret-of-it" }, ErrRefused},
	} {
		token := base
		c.change(&token)
		state := t.TempDir()
		if _, err := Enrol(soon(t), Enrolment{Token: token.String(), Device: deviceOf(t), State: state}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Load(state); !errors.Is(err, ErrNotEnrolled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Certificates of long ago, as a clock that was set wrong sees them, are good; a name is
// looked at if the token has one.
func TestEnrolWithAnyClock(t *testing.T) {
	h := newHub(t, func(h *fakeHub) {
		h.pki, h.name = newAuthority(t, time.Unix(0, 0), "hub.example"), "hub.example"
	})
	enrolled(t, h)
}

func TestJobsComeOnceAndAgainAfterRestart(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	for i := range 5 {
		h.give(fmt.Sprint("job ", i))
	}
	c := client(t, state)
	jobs := c.Jobs(soon(t))
	take := func(from <-chan protocol.QueuedJob, want string) protocol.QueuedJob {
		t.Helper()
		select {
		case q := <-from:
			if q.Envelope != want {
				t.Fatalf("%q, want %q", q.Envelope, want)
			}
			return q
		case <-soon(t).Done():
			t.Fatalf("no %q", want)
		}
		panic("not reached")
	}
	for i := range 5 {
		q := take(jobs, fmt.Sprint("job ", i))
		if i < 3 {
			if err := c.Done(q); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.give("job 5")
	take(jobs, "job 5") // a nudge, not the poll
	c.Close()
	if _, open := <-jobs; open {
		t.Error("the channel is open after the end")
	}

	c = client(t, state)
	jobs = c.Jobs(soon(t))
	for i := 3; i < 6; i++ {
		take(jobs, fmt.Sprint("job ", i))
	}
	// The hub is another one: its numbers begin anew.
	h.with(func() { h.stream, h.jobs = "two", nil })
	h.give("job of two")
	q := take(jobs, "job of two")
	if err := c.Done(q); err != nil {
		t.Fatal(err)
	}
	if p, err := loadPosition(state); err != nil || (p != position{"two", 10}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestHostileJobs(t *testing.T) {
	for name, jobs := range map[string][]protocol.QueuedJob{
		"backwards": {{Seq: 12}, {Seq: 11}},
		"the same":  {{Seq: 12}, {Seq: 12}},
		"old":       {{Seq: 9}},
		"jumps":     {{Seq: 12}, {Seq: 21}},
		"too many":  make([]protocol.QueuedJob, mostJobs+1),
	} {
		if checkJobs(protocol.JobsAnswer{Last: 20, Jobs: jobs}, 10) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := checkJobs(protocol.JobsAnswer{Last: 20, Jobs: []protocol.QueuedJob{{Seq: 11}, {Seq: 20}}}, 10); err != nil {
		t.Error(err)
	}
}

// A line is told until the hub says that it has it: an answer that is lost, a hub that is
// full, one that is not there.
func TestStatusIsDurable(t *testing.T) {
	h := newHub(t)
	h.onStatus = func(n int) (any, bool) {
		if n == 1 {
			return protocol.Ack{Error: "full", Wait: 1}, true
		}
		return nil, false
	}
	c := client(t, enrolled(t, h))
	if err := c.Status(soon(t), []byte("line 1")); err != nil {
		t.Fatal(err)
	}
	h.down()
	told := make(chan error)
	go func() { told <- c.Status(soon(t), []byte("line 2")) }()
	h.up()
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	h.with(func() {
		if !reflect.DeepEqual(h.status, []string{"line 1", "line 2"}) {
			t.Errorf("%q", h.status)
		}
		h.onStatus = func(int) (any, bool) { return protocol.Ack{Error: "no such thing"}, true }
	})
	if err := c.Status(soon(t), []byte("line 3")); !errors.Is(err, ErrRefused) {
		t.Errorf("refused: %v", err)
	}
	if err := c.Status(soon(t), make([]byte, protocol.MaxLine+1)); err == nil {
		t.Error("a line over the limit")
	}
	h.with(func() { h.onStatus = func(int) (any, bool) { return nil, true } })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Status(ctx, []byte("line 4")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without an answer: %v", err)
	}
}

// Of a thousand events a few arrive, the last of them surely, and what says that the
// machine may be switched off.
func TestProgress(t *testing.T) {
	h := newHub(t)
	c := client(t, enrolled(t, h))
	until(t, "connected", c.Connected)
	for i := range 1000 {
		event := fmt.Sprintf(`{"event":"step_began","step":%d}`, i)
		if i == 500 {
			event = `{"event":"volatile_safe"}`
		}
		c.Progress(protocol.Progress{Job: "job-1", Event: event})
	}
	has := func(s string) (found bool) {
		h.with(func() { found = strings.Contains(strings.Join(h.progress, "\n"), s) })
		return found
	}
	until(t, "the last", func() bool { return has(`\"step\":999}`) })
	if !has("volatile_safe") {
		t.Error("what says that it may be switched off was passed over")
	}
	h.with(func() {
		if len(h.progress) > 20 {
			t.Errorf("%d messages", len(h.progress))
		}
	})
	until(t, "a hello", func() (ok bool) { h.with(func() { ok = h.hellos > 0 }); return ok })
}

func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func put(ctx context.Context, u deliver.Upload, b []byte) error {
	for at := u.Offset(); at < int64(len(b)); {
		n := min(int64(len(b))-at, 100_000)
		if err := u.Write(ctx, b[at:at+n]); err != nil {
			return err
		}
		at += n
	}
	return u.Commit(ctx, int64(len(b)), signed.HexSum(b))
}

// Whatever the hub does to parts on their way, the file is there in the end, byte for byte.
func TestUploadArrives(t *testing.T) {
	full := protocol.Ack{Error: "full", Wait: 1}
	for name, fault := range map[string]func(h *fakeHub) func(int, *nats.Msg, int64) (any, bool){
		"nothing happens": func(*fakeHub) func(int, *nats.Msg, int64) (any, bool) { return nil },
		"the hub is full for a while": func(h *fakeHub) func(int, *nats.Msg, int64) (any, bool) {
			return func(n int, _ *nats.Msg, at int64) (any, bool) {
				a := full
				a.Offset = int64(len(h.files[collection+".archive"]))
				return a, n >= 6 && n < 9
			}
		},
		"the connection is cut": func(h *fakeHub) func(int, *nats.Msg, int64) (any, bool) {
			return func(n int, m *nats.Msg, _ int64) (any, bool) {
				if n == 4 || n == 7 {
					for _, c := range connections(h) {
						_ = h.server.DisconnectClientByID(c)
					}
				}
				return nil, n == 4 // that part is lost, too
			}
		},
		"an answer that is none": func(h *fakeHub) func(int, *nats.Msg, int64) (any, bool) {
			return func(n int, _ *nats.Msg, _ int64) (any, bool) { return "what?", n == 3 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.onPart = fault(h)
			c := client(t, enrolled(t, h))
			until(t, "connected", c.Connected)
			u, err := c.Destination().Open(soon(t), collection+".tar.zst")
			if err != nil {
				t.Fatal(err)
			}
			b := content(5 << 20)
			if err := put(soon(t), u, b); err != nil {
				t.Fatal(err)
			}
			h.with(func() {
				if !bytes.Equal(h.files[collection+".archive"], b) {
					t.Error("another file arrived")
				}
			})
		})
	}
}

// connections are those of endpoints.
func connections(h *fakeHub) (ids []uint64) {
	z, err := h.server.Connz(nil)
	if err != nil {
		return nil
	}
	for _, c := range z.Conns {
		if c.Name == "hozen" {
			ids = append(ids, c.Cid)
		}
	}
	return ids
}

func TestUploadGoesOnWhereItStopped(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	b := content(3<<20 + 17)
	c := client(t, state)
	until(t, "connected", c.Connected)
	d := c.Destination()
	if err := d.Try(soon(t)); err != nil {
		t.Fatal(err)
	}
	u, err := d.Open(soon(t), collection+".tar.zst.age")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(u.Write(soon(t), b[:1<<20]), u.Flush(soon(t))); err != nil || u.Offset() != 1<<20 {
		t.Fatalf("%d, %v", u.Offset(), err)
	}
	c.Close()

	c = client(t, state)
	until(t, "connected", c.Connected)
	u, err = c.Destination().Open(soon(t), collection+".tar.zst.age")
	if err != nil || u.Offset() != 1<<20 {
		t.Fatalf("%d, %v", u.Offset(), err)
	}
	if err := put(soon(t), u, b); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(soon(t), 5, signed.HexSum(b[:5])); !errors.Is(err, deliver.ErrDiffers) {
		t.Errorf("another size: %v", err)
	}
	if _, err := c.Destination().Open(soon(t), "passwords.txt"); err == nil {
		t.Error("any file is sent")
	}
}

// What the hub may say and must not be believed.
func TestHostileUpload(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(h *fakeHub)
		want  error
	}{
		"more is there than we sent": {func(h *fakeHub) {
			h.onPart = func(n int, _ *nats.Msg, at int64) (any, bool) { return protocol.Ack{Seq: 1, Offset: 1 << 40}, n == 2 }
			h.onResume = func(a *protocol.ResumeAnswer) {
				if h.parts > 1 {
					a.Offset = 1 << 40
				}
			}
		}, deliver.ErrDiffers},
		"it went back": {func(h *fakeHub) {
			h.onPart = func(n int, _ *nats.Msg, _ int64) (any, bool) {
				return protocol.Ack{Error: "a gap", Offset: 0, Wait: 1}, n == 3
			}
			h.onResume = func(a *protocol.ResumeAnswer) { a.Offset = 0 }
		}, deliver.ErrDiffers},
		"refused for good": {func(h *fakeHub) {
			h.onPart = func(n int, _ *nats.Msg, at int64) (any, bool) {
				return protocol.Ack{Error: "never", Offset: at}, n >= 3
			}
		}, ErrRefused},
	} {
		h := newHub(t)
		c.fault(h)
		e := client(t, enrolled(t, h))
		until(t, "connected", e.Connected)
		u, err := e.Destination().Open(soon(t), collection+".tar.zst")
		if err != nil {
			t.Fatal(err)
		}
		if err := put(soon(t), u, content(2<<20)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReceipt(t *testing.T) {
	h := newHub(t)
	c := client(t, enrolled(t, h))
	until(t, "connected", c.Connected)
	archive := []byte("an archive")
	h.with(func() { h.files[collection+".archive"] = archive })
	request := protocol.CommitRequest{
		Collection: collection, Job: "job-1",
		Archive: protocol.Whole{Name: collection + ".tar.zst", Bytes: 10, SHA256: signed.HexSum(archive)},
		Log:     protocol.Whole{Name: collection + ".custody.jsonl", Bytes: 3, SHA256: signed.HexSum([]byte("log"))},
	}
	if err := c.Commit(soon(t), request); err != nil {
		t.Fatal(err)
	}
	s, r, err := c.Receipt(soon(t), request)
	if err != nil || r.Verdict != "VALID" || s.Payload == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	own := h.key
	for name, lie := range map[string]func(r *protocol.Receipt){
		"type":       func(r *protocol.Receipt) { r.Type = "hozen/receipt/2" },
		"endpoint":   func(r *protocol.Receipt) { r.Endpoint = "U" },
		"collection": func(r *protocol.Receipt) { r.Collection += "x" },
		"job":        func(r *protocol.Receipt) { r.Job = "" },
		"archive":    func(r *protocol.Receipt) { r.Archive.SHA256 = r.Log.SHA256 },
		"size":       func(r *protocol.Receipt) { r.Archive.Bytes-- },
		"log":        func(r *protocol.Receipt) { r.Log.Name = "x" },
		"key":        func(*protocol.Receipt) { h.key = stranger },
	} {
		h.with(func() { h.onReceipt, h.key = lie, own })
		if _, _, err := c.Receipt(soon(t), request); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.with(func() { h.files[collection+".archive"] = []byte("another") })
	if _, _, err := c.Receipt(soon(t), request); !errors.Is(err, ErrNotStored) {
		t.Errorf("another archive: %v", err)
	}
}

func TestOperator(t *testing.T) {
	h := newHub(t)
	state := t.TempDir()
	if _, err := Enrol(soon(t), Enrolment{Token: h.token(protocol.RoleOperator), Host: "desk", State: state}); err != nil {
		t.Fatal(err)
	}
	o, err := ConnectOperator(state, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if a, err := o.Send(soon(t), []byte(`{"as": "it is"}`)); err != nil || a.Job != `{"as": "it is"}` {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := o.Status(soon(t), "job-1"); err == nil || !strings.Contains(err.Error(), "no job job-1") {
		t.Errorf("%v", err)
	}
	if l, err := o.Endpoints(soon(t)); err != nil || len(l) != 3 || l[2].Device != "BC" {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := ConnectOperator(enrolled(t, h), nil); err == nil {
		t.Error("an endpoint is taken for an operator")
	}
}

// A hub that is not there is no error, and Close does not wait for it.
func TestConnectWithoutHub(t *testing.T) {
	h := newHub(t)
	state := enrolled(t, h)
	h.down()
	c := client(t, state)
	if c.Connected() {
		t.Error("connected to nothing")
	}
	if err := c.Destination().Try(soon(t)); err == nil {
		t.Error("a hub that is not there takes archives")
	}
	c.Close()
	h.up()
}
