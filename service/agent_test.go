package service

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/audit"
	"hozen/service/deliver"
	"hozen/service/job"
	"hozen/service/ledger"
	"hozen/service/outbox"
	"hozen/service/policy"
)

// A bench is one endpoint on a directory, that can be stopped and started again.
type bench struct {
	t       *testing.T
	dir     string
	alice   ed25519.PrivateKey
	hub     *fakeHub
	takes   *fakeCollector
	cut     *fakeIsolation // nil: this machine cannot be isolated
	readers []string       // who a job may have the archive encrypted to
	try     func()         // what happens while a destination is looked up; nil: nothing
	clock   func()         // what happens while the agent looks at the clock; nil: nothing
	*Agent
	stop func()
}

const testProfile = "0000000000000000000000000000000000000000000000000000000000000000"

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), hub: newFakeHub(), takes: &fakeCollector{t: t}}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b.alice = key
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	b.write("trust", `operator:alice namespaces="hozen-job-v1" `+signed.PublicText(pub)+"\n")
	if _, err := policy.PinTrust(b.in("trust"), b.in("trust.pin")); err != nil {
		t.Fatal(err)
	}
	d, err := packager.NewDevice("pc-1", nil)
	if err == nil {
		err = packager.SaveDevice(d, b.in("device.key"))
	}
	if err == nil {
		err = os.Mkdir(b.in("away"), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) in(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) remove(name string) {
	b.t.Helper()
	if err := os.Remove(b.in(name)); err != nil {
		b.t.Error(err)
	}
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(b.in(name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) now() time.Time {
	if b.clock != nil {
		b.clock()
	}
	return time.Now()
}

// open opens everything anew, as a new process would.
func (b *bench) open() {
	b.t.Helper()
	fatal := func(err error) {
		if err != nil {
			b.t.Fatal(err)
		}
	}
	a := Parts{Tool: "hozen/test", Hub: b.hub, StateDir: b.dir, Log: slog.New(slog.DiscardHandler), Now: b.now, Collector: b.takes}
	var err error
	a.Device, err = packager.RestingDevice(b.in("device.key"), "pc-1")
	fatal(err)
	a.Ledger, err = ledger.Open(b.in("ledger"), time.Now())
	fatal(err)
	a.Audit, err = audit.Open(b.in("audit"), "pc-1", a.Device.Signer)
	fatal(err)
	a.Outbox, err = outbox.Open(b.in("outbox"), 0)
	fatal(err)
	pub, err := a.Device.Public()
	fatal(err)
	a.Policy = &policy.Policy{Device: "pc-1", DeviceKey: signed.PublicText(pub), TrustFile: b.in("trust"), PinFile: b.in("trust.pin"), VetoFile: b.in("veto"),
		Signers: map[job.Power]int{job.PowerIsolate: 1}, Destinations: []string{"away"}, Recipients: b.readers,
		Profile: func(string) (string, error) { return testProfile, nil }}
	place, err := deliver.Parse(b.in("away"))
	fatal(err)
	to, err := deliver.New(place, deliver.Options{})
	fatal(err)
	a.Destination = func(string) (*Destination, error) {
		if b.try != nil {
			b.try()
		}
		return &Destination{Name: "away", Target: outbox.Target{Destination: to}}, nil
	}
	b.takes.device, b.takes.dir = a.Device, a.Outbox.Dir()
	if b.cut != nil {
		a.Isolation = b.cut
	}
	b.Agent = New(a)
}

func (b *bench) close() {
	if err := errors.Join(b.Audit.Close(time.Now()), b.Ledger.Close(), b.Outbox.Close()); err != nil {
		b.t.Error(err)
	}
}

// start opens everything and runs it.
func (b *bench) start() {
	b.t.Helper()
	b.open()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Agent.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Errorf("the agent ended: %v", err)
		}
		b.close()
	})
	b.t.Cleanup(b.stop)
}

// job signs one; change may be nil.
func (b *bench) job(change func(*job.Job)) (id, envelope string) {
	b.t.Helper()
	now := time.Now()
	j := job.Job{
		Type: job.Type, Issued: job.Time(now), NotBefore: job.Time(now), Expires: job.Time(now.Add(time.Hour)),
		Targets: job.Targets{Devices: []string{"pc-1"}}, Action: job.Collect, Profile: job.Profile{Name: "volatile", SHA256: testProfile},
		Case: "42", Reason: "test", Authority: "test", Operator: "alice",
	}
	var err error
	if j.ID, err = job.NewID(now, nil); err != nil {
		b.t.Fatal(err)
	}
	if j.Nonce, err = job.NewNonce(nil); err != nil {
		b.t.Fatal(err)
	}
	if change != nil {
		change(&j)
	}
	s, err := job.New(j)
	if err == nil {
		err = s.Sign("alice", b.alice)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := s.Envelope.Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	return j.ID, string(text)
}

// until waits for the hub to hear an event of a job.
func (b *bench) until(id, event string) audit.Entry {
	b.t.Helper()
	return b.hub.until(b.t, func(e audit.Entry) bool { return e.Job == id && e.Event == event })
}

func TestJobIsDoneOnceAndDelivered(t *testing.T) {
	b := newBench(t)
	b.start()
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	b.until(id, "delivered")
	b.hub.send(envelope)
	if e := b.until(id, "refused"); e.Reason != Replayed {
		t.Errorf("sent again: %+v", e)
	}
	b.stop()
	b.start()
	b.hub.send(envelope)
	b.hub.until(t, func(e audit.Entry) bool { return e.Event == audit.Began && e.Seq > 5 })
	if n := b.takes.count(); n != 1 {
		t.Errorf("%d collections of one job", n)
	}
	if e, ok := b.Ledger.Get(id); !ok || e.State != ledger.Delivered {
		t.Errorf("ledger: %+v", e)
	}
	away, err := os.ReadDir(b.in("away"))
	if err != nil || len(away) != 2 {
		t.Errorf("delivered: %v, %v", away, err)
	}
	if got := b.hub.events(id); !slices.Equal(got[:4], []string{"accepted", "started", "sealed", "delivered"}) {
		t.Errorf("the hub heard %v", got)
	}
}

// What was accepted and had not begun when the power went is done at the next start.
func TestAcceptedJobOutlivesCrash(t *testing.T) {
	b := newBench(t)
	b.start()
	b.stop()
	id, envelope := b.job(nil)
	l, err := ledger.Open(b.in("ledger"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s, err := job.Parse([]byte(envelope))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.EntryOf(s)
	if err == nil {
		err = errors.Join(l.Accept(e, time.Now()), l.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	b.start()
	b.until(id, "delivered")
}

// What had begun is never begun again: what is authentic of it is delivered as partial.
func TestInterruptedCollectionIsRecovered(t *testing.T) {
	b := newBench(t)
	b.takes.die = true
	b.start()
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	b.until(id, "started")
	<-b.takes.died
	b.stop() // the collector "died": its archive lies there unfinished, the ledger says started
	if e, _ := b.Ledger.Get(id); e.State != ledger.Started {
		t.Fatalf("ledger: %+v", e)
	}
	b.takes.die = false
	b.start()
	b.until(id, "partial")
	b.until(id, "delivered")
	if n := b.takes.count(); n != 1 {
		t.Errorf("%d collections of one job", n)
	}
	found, err := filepath.Glob(b.in("away/*.incomplete.tar.zst"))
	if err != nil || len(found) != 1 {
		t.Errorf("delivered: %v, %v", found, err)
	}
}

func TestVetoStopsAll(t *testing.T) {
	b := newBench(t)
	b.write("veto", "")
	b.start()
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	if e := b.until(id, "refused"); e.Reason != policy.Veto {
		t.Errorf("%+v", e)
	}
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	b.takes.wait = make(chan struct{})
	b.start()
	first, one := b.job(nil)
	second, two := b.job(nil)
	b.hub.send(one)
	b.until(first, "started")
	b.hub.send(two)
	b.until(second, "accepted")
	for _, target := range []string{second, first} {
		id, envelope := b.job(func(j *job.Job) {
			j.Action, j.Profile, j.Params = job.Cancel, job.Profile{}, job.Params{Job: target}
		})
		b.hub.send(envelope)
		b.until(id, "done")
	}
	b.until(second, "cancelled")
	b.until(first, "sealed") // with what it had
	if n := b.takes.count(); n != 1 {
		t.Errorf("%d collections", n)
	}
}

// Isolation comes behind the volatile checkpoint, and stands in the collection's custody
// log; a collection that never came so far is followed by it.
func TestIsolationWithCollection(t *testing.T) {
	for name, noSafe := range map[string]bool{"behind the checkpoint": false, "afterwards": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.takes.noSafe = noSafe
			cut := &fakeIsolation{}
			b.cut = cut
			b.start()
			id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
			b.hub.send(envelope)
			b.until(id, "delivered")
			if len(cut.on) != 1 || cut.on[0].For != time.Hour || cut.on[0].Job != id {
				t.Fatalf("isolated: %+v", cut.on)
			}
			e, _ := b.Ledger.Get(id)
			log, err := os.ReadFile(filepath.Join(b.in("outbox"), packager.LogName(e.Collection)))
			if err != nil || !strings.Contains(string(log), `\"event\":\"isolated\"`) {
				t.Errorf("the custody log does not say so: %v", err)
			}
		})
	}
}

// Isolation that failed behind the checkpoint is tried again at the end.
func TestIsolationIsTriedAgain(t *testing.T) {
	b := newBench(t)
	b.cut = &fakeIsolation{fails: []error{errors.New("the kernel was busy")}}
	b.start()
	id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
	b.hub.send(envelope)
	b.until(id, "sealed")
	if e := b.until(id, "failed"); e.Reason != "isolation" || len(b.cut.on) != 2 {
		t.Errorf("tried %d times: %+v", len(b.cut.on), e)
	}
	e, _ := b.Ledger.Get(id)
	log, err := os.ReadFile(filepath.Join(b.in("outbox"), packager.LogName(e.Collection)))
	if err != nil || !strings.Contains(string(log), `\"event\":\"isolated\"`) {
		t.Errorf("the custody log does not say so: %v", err)
	}
}

// The last moment takes what is volatile, once.
func TestLastMoment(t *testing.T) {
	b := newBench(t)
	b.start()
	b.Last(t.Context())
	b.Last(t.Context())
	if n := b.takes.count(); n != 1 || b.takes.orders[0].Profile != "volatile" || b.takes.orders[0].Trigger != "shutdown" {
		t.Errorf("%d collections: %+v", n, b.takes.orders)
	}
}

// A job that could be written into the ledger and not into the audit log is no replay
// when it is handed over again.
func TestAcceptedHalfIsTakenUp(t *testing.T) {
	b := newBench(t)
	b.open()
	id, envelope := b.job(nil)
	log := b.Audit
	if err := log.Close(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := b.Handle(t.Context(), []byte(envelope)); err == nil {
		t.Fatal("taken without an audit log")
	}
	var err error
	if b.Audit, err = audit.Open(b.in("audit"), "pc-1", b.Device.Signer); err != nil {
		t.Fatal(err)
	}
	if err := b.Handle(t.Context(), []byte(envelope)); err != nil {
		t.Fatal(err)
	}
	if len(b.collections) != 1 {
		t.Errorf("job %s: handed over %d times", id, len(b.collections))
	}
	if err := b.Handle(t.Context(), []byte(envelope)); err != nil || len(b.collections) != 1 {
		t.Errorf("a third time: %d, %v", len(b.collections), err)
	}
	b.close()
}

// Isolation that was asked for comes, though the collection that it belongs to died first.
func TestIsolationOutlivesCrash(t *testing.T) {
	b := newBench(t)
	b.takes.die, b.cut = true, &fakeIsolation{}
	b.start()
	id, envelope := b.job(func(j *job.Job) { j.Params.IsolateS = 3600 })
	b.hub.send(envelope)
	b.until(id, "started")
	<-b.takes.died
	b.stop()
	b.takes.die = false
	b.start()
	b.until(id, "partial")
	if len(b.cut.on) != 1 || b.cut.on[0].Job != id {
		t.Errorf("isolated: %+v", b.cut.on)
	}
}

// What takes no evidence and was interrupted is done again: twice is as once.
func TestInterruptedIsolationIsDone(t *testing.T) {
	b := newBench(t)
	b.cut = &fakeIsolation{}
	b.open()
	id, envelope := b.job(func(j *job.Job) { j.Action, j.Profile, j.Params = job.Isolate, job.Profile{}, job.Params{IsolateS: 60} })
	if err := b.Handle(t.Context(), []byte(envelope)); err != nil {
		t.Fatal(err)
	}
	if err := b.Ledger.Move(id, ledger.Started, "", "", time.Now()); err != nil {
		t.Fatal(err)
	}
	b.close()
	b.start()
	b.until(id, "done")
	if len(b.cut.on) != 1 {
		t.Errorf("isolated %d times", len(b.cut.on))
	}
}

// A cancellation that comes while the destination is being tried ends the job, not the agent.
func TestCancelledWhileTrying(t *testing.T) {
	b := newBench(t)
	tried, goOn := make(chan struct{}), make(chan struct{})
	b.try = sync.OnceFunc(func() { close(tried); <-goOn })
	b.start()
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	b.until(id, "accepted")
	<-tried
	other, cancel := b.job(func(j *job.Job) { j.Action, j.Profile, j.Params = job.Cancel, job.Profile{}, job.Params{Job: id} })
	b.hub.send(cancel)
	b.until(other, "done")
	close(goOn)
	next, envelope := b.job(nil)
	b.hub.send(envelope)
	b.until(next, "delivered")
	if made, err := filepath.Glob(b.in("outbox/*.tar.zst")); err != nil || len(made) != 1 {
		t.Errorf("collections: %v, %v", made, err)
	}
}

// A job's recipients are those of its archive, where the endpoint allows them.
func TestRecipients(t *testing.T) {
	b := newBench(t)
	b.start()
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0OYEge/M5VowSDTsTIXcp5BcesFsZ7ohrQ1vXb8Du4"
	b.Policy.Recipients = []string{testRecipient, key}
	id, envelope := b.job(func(j *job.Job) { j.Recipients = []string{key + " lab@example", testRecipient} })
	b.hub.send(envelope)
	b.until(id, "sealed")
	if got := b.takes.order(); !slices.Equal(got.Recipients, []string{testRecipient, key}) {
		t.Errorf("%+v", got.Recipients)
	}
}

const testRecipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
