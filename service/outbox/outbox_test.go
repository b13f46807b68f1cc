package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hozen/packager"
	"hozen/service/deliver"
	"hozen/service/durable"
	"hozen/service/protocol"
)

func id(n int) string { return fmt.Sprintf("pc-42-20261122t090000z-%06x", n) }

// put lays the files of a collection into the box.
func put(t *testing.T, b *Box, n int, partial bool) string {
	t.Helper()
	name := packager.ArchiveName(id(n))
	if partial {
		name = packager.IncompleteName(id(n))
	}
	for name, body := range map[string][]byte{name: bytes.Repeat([]byte{byte(n)}, 700_000+n), packager.LogName(id(n)): []byte(id(n) + "\n")} {
		if err := os.WriteFile(filepath.Join(b.Dir(), name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return id(n)
}

func openBox(t *testing.T, dir string, limit int64) *Box {
	t.Helper()
	b, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func add(t *testing.T, b *Box, n int, to string) {
	t.Helper()
	if _, err := b.Add(put(t, b, n, n%2 == 1), "job-1", to); err != nil {
		t.Fatal(err)
	}
}

// other is the far side: a folder, that can be told to fail, and that can sign.
type other struct {
	deliver.Destination
	dir string

	mu       sync.Mutex
	fails    map[string]error // by file name
	opened   []string
	receipts bool
	verdict  string
	lie      bool
}

func newOther(t *testing.T) *other {
	dir := t.TempDir()
	d, err := deliver.New(deliver.Place{Kind: deliver.Directory, Path: dir}, deliver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &other{Destination: d, dir: dir, fails: map[string]error{}, verdict: "VALID"}
}

// Open implements deliver.Destination.
func (o *other) Open(ctx context.Context, name string) (deliver.Upload, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = append(o.opened, name)
	if err := o.fails[name]; err != nil {
		return nil, err
	}
	return o.Destination.Open(ctx, name)
}

func (o *other) fail(name string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fails[name] = err
}

func (o *other) receipt(_ context.Context, r protocol.CommitRequest) (protocol.SignedReceipt, protocol.Receipt, error) {
	out := protocol.Receipt{Collection: r.Collection, Job: r.Job, Archive: r.Archive, Log: r.Log, Verdict: o.verdict}
	if o.lie {
		out.Archive.SHA256 = strings.Repeat("0", 64)
	}
	return protocol.SignedReceipt{Payload: "p", Sig: "s"}, out, nil
}

func (o *other) target(string) (Target, error) {
	t := Target{Destination: o}
	if o.receipts {
		t.Receipt = o.receipt
	}
	return t, nil
}

// deliverUntil runs the loop until the condition holds.
func deliverUntil(t *testing.T, b *Box, o Options, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	o.First, o.Most = time.Millisecond, 4*time.Millisecond
	o.Log = slog.New(slog.DiscardHandler)
	done := make(chan struct{})
	go func() { b.Deliver(ctx, o); close(done) }()
	defer func() { cancel(); <-done }()
	for range 20_000 {
		if cond() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("not in time: %+v", b.List())
}

func (b *Box) states() (s string) {
	for _, e := range b.List() {
		s += string(e.State) + " "
		if e.Deleted {
			s += "deleted "
		}
	}
	return strings.TrimSpace(s)
}

func there(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func TestDelivers(t *testing.T) {
	b, o := openBox(t, t.TempDir(), 0), newOther(t)
	for n := range 3 {
		add(t, b, n, "store")
	}
	if s := b.Status(); s.Waiting != 3 || s.Bytes < 2_100_000 || s.Full || s.Oldest.IsZero() {
		t.Errorf("status %+v", s)
	}
	deliverUntil(t, b, Options{Target: o.target}, func() bool { return b.Status().Waiting == 0 })
	if got := b.states(); got != "delivered delivered delivered" {
		t.Errorf("states: %s", got)
	}
	for n, e := range b.List() {
		want := packager.ArchiveName(id(n))
		if n == 1 {
			want = packager.IncompleteName(id(n))
		}
		if e.Archive.Name != want || e.Partial != (n == 1) || e.Archive.SHA256 == "" || e.Archive.Acked != e.Archive.Bytes || e.Job != "job-1" {
			t.Errorf("%+v", e)
		}
		for _, name := range []string{e.Archive.Name, e.Log.Name} {
			if !there(o.dir, name) || !there(b.Dir(), name) {
				t.Errorf("%s: not at both sides", name)
			}
		}
	}
	if want := packager.ArchiveName(id(0)); o.opened[0] != want || o.opened[1] != packager.LogName(id(0)) {
		t.Errorf("order: %v", o.opened)
	}
}

// The local copy goes only if that is asked for, and only on proof.
func TestDeletes(t *testing.T) {
	for _, c := range []struct {
		name                string
		ask, receipts, weak bool
		verdict, want       string
		changed, lie        bool
	}{
		{name: "not asked", receipts: true, verdict: "VALID", want: "delivered"},
		{name: "receipt", ask: true, receipts: true, verdict: "VALID", want: "delivered deleted"},
		{name: "receipt of a partial one", ask: true, receipts: true, verdict: "VALID-PARTIAL", want: "delivered deleted"},
		{name: "receipt that says INVALID", ask: true, receipts: true, verdict: "INVALID", want: "delivered"},
		{name: "receipt of other bytes", ask: true, receipts: true, lie: true, verdict: "VALID", want: "waiting"},
		{name: "read back", ask: true, want: "delivered deleted"},
		{name: "acknowledged only", ask: true, weak: true, want: "delivered"},
		{name: "changed since", ask: true, receipts: true, changed: true, verdict: "VALID", want: "delivered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, o := openBox(t, t.TempDir(), 0), newOther(t)
			o.receipts, o.verdict, o.lie = c.receipts, c.verdict, c.lie
			add(t, b, 2, "store")
			target := o.target
			if c.weak {
				target = func(name string) (Target, error) { return Target{Destination: weak{o}}, nil }
			}
			grow := func(e Entry) {
				if c.changed && e.State == Delivered {
					f, err := os.OpenFile(filepath.Join(b.Dir(), e.Archive.Name), os.O_APPEND|os.O_WRONLY, 0)
					if err == nil && e.Error == "" {
						f.WriteString("more")
						f.Close()
					}
				}
			}
			deliverUntil(t, b, Options{Target: target, Delete: c.ask, Changed: grow}, func() bool {
				e := b.List()[0]
				return b.states() == c.want && (!c.lie || strings.Contains(e.Error, "not of what was sent")) && (!c.changed || strings.Contains(e.Error, "is kept"))
			})
			if gone := !there(b.Dir(), packager.ArchiveName(id(2))); gone != strings.Contains(c.want, "deleted") {
				t.Errorf("local copy gone: %v", gone)
			}
			if !there(b.Dir(), id(2)+stateSuffix) || !there(b.Dir(), packager.LogName(id(2))) {
				t.Error("no state file, or no custody log")
			}
		})
	}
}

// weak is a destination whose word is all there is.
type weak struct{ *other }

// Open implements deliver.Destination.
func (w weak) Open(ctx context.Context, name string) (deliver.Upload, error) {
	u, err := w.other.Open(ctx, name)
	return struct{ deliver.Upload }{u}, err
}

// What fails waits, longer each time, and stops nothing else.
func TestOneFails(t *testing.T) {
	b, o := openBox(t, t.TempDir(), 0), newOther(t)
	for n := range 2 {
		add(t, b, 2*n, "store")
	}
	o.fail(packager.LogName(id(0)), errors.New("the disk there is full"))
	deliverUntil(t, b, Options{Target: o.target}, func() bool { return b.states() == "waiting delivered" && b.List()[0].Attempts > 3 })
	if s := b.Status(); s.Waiting != 1 || !strings.Contains(s.Error, "is full") {
		t.Errorf("status %+v", s)
	}
	o.fail(packager.LogName(id(0)), nil)
	b.Kick()
	deliverUntil(t, b, Options{Target: o.target}, func() bool { return b.states() == "delivered delivered" })
}

func TestPauseGrows(t *testing.T) {
	o := Options{First: time.Second, Most: time.Minute}
	for n, most := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		if d := pause(n+1, o, errors.New("x")); d < most/2 || d > most {
			t.Errorf("%d: %v", n, d)
		}
	}
	for _, n := range []int{7, 20, 63, 64, 1000} {
		if d := pause(n, o, errors.New("x")); d < o.Most/2 || d > o.Most {
			t.Errorf("%d: %v", n, d)
		}
	}
	if d := pause(1, o, fmt.Errorf("x: %w", deliver.ErrDiffers)); d < o.Most/2 {
		t.Errorf("what trying does not help: %v", d)
	}
}

// The box is as it was after the process that had it was killed.
func TestOpensAgain(t *testing.T) {
	dir, o := t.TempDir(), newOther(t)
	b := openBox(t, dir, 0)
	add(t, b, 2, "store")
	put(t, b, 4, true) // killed before it was added
	if _, err := Open(dir, 0); !errors.Is(err, durable.ErrInUse) {
		t.Fatalf("twice: %v", err)
	}
	b.Close()
	if err := os.WriteFile(filepath.Join(dir, id(6)+stateSuffix), []byte(`{"collection":"`), 0o600); err != nil {
		t.Fatal(err)
	}
	// Of a later version, and one that would have us send and delete another file.
	later := fmt.Sprintf(`{"later":1,"collection":%q,"to":"store","state":"waiting","archive":{"name":"%s.tar.zst"},"log":{"name":"%s.custody.jsonl"}}`, id(8), id(8), id(8))
	evil := strings.ReplaceAll(later, id(8)+".tar.zst", "../../etc/passwd")
	for n, text := range map[int]string{8: later, 10: strings.ReplaceAll(evil, id(8), id(10))} {
		if err := os.WriteFile(filepath.Join(dir, id(n)+stateSuffix), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b = openBox(t, dir, 0)
	put(t, b, 8, false)
	if s := b.Status(); len(s.Spoilt) != 2 || s.Waiting != 2 {
		t.Errorf("status %+v", s)
	}
	lost, err := b.Unlisted()
	if err != nil || len(lost) != 1 || lost[0] != id(4) {
		t.Fatalf("unlisted: %v %v", lost, err)
	}
	if e, err := b.Add(lost[0], "", "store"); err != nil || !e.Partial {
		t.Fatalf("%+v %v", e, err)
	}
	if _, err := b.Add(lost[0], "", "elsewhere"); err != nil || b.List()[2].To != "store" {
		t.Errorf("added again: %+v %v", b.List(), err)
	}
	deliverUntil(t, b, Options{Target: o.target}, func() bool { return b.states() == "delivered delivered delivered" })
}

// What is encrypted keeps its name on the way, sealed or not, also over a kill between.
func TestEncryptedOpensAgain(t *testing.T) {
	dir, o := t.TempDir(), newOther(t)
	o.receipts, o.verdict = true, "VALID-OUTER"
	b := openBox(t, dir, 0)
	lay := func(name string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".age")); err != nil {
			t.Fatal(err)
		}
	}
	lay(packager.ArchiveName(put(t, b, 2, false)))
	if _, err := b.Add(id(2), "job-1", "store"); err != nil {
		t.Fatal(err)
	}
	o.fail(packager.LogName(id(2)), errors.New("the line is dead"))
	deliverUntil(t, b, Options{Target: o.target}, func() bool { return b.List()[0].Attempts > 0 })
	lay(packager.IncompleteName(put(t, b, 4, true))) // killed before it was added
	b.Close()
	o.fail(packager.LogName(id(2)), nil)
	b = openBox(t, dir, 0)
	lost, err := b.Unlisted()
	if err != nil || len(lost) != 1 || lost[0] != id(4) {
		t.Fatalf("unlisted: %v %v", lost, err)
	}
	if e, err := b.Add(lost[0], "", "store"); err != nil || !e.Partial {
		t.Fatalf("%+v %v", e, err)
	}
	b.Kick()
	deliverUntil(t, b, Options{Target: o.target, Delete: true}, func() bool { return b.states() == "delivered deleted delivered deleted" })
	for _, name := range []string{packager.EncryptedName(id(2)), packager.IncompleteName(id(4)) + ".age"} {
		if !there(o.dir, name) || there(dir, name) {
			t.Errorf("%s: not there, or still here", name)
		}
	}
}

func TestFull(t *testing.T) {
	b := openBox(t, t.TempDir(), 1_000_000)
	if err := b.Room(); err != nil {
		t.Fatal(err)
	}
	add(t, b, 2, "store")
	if err := b.Room(); err != nil {
		t.Fatal(err)
	}
	add(t, b, 4, "store")
	if err := b.Room(); !errors.Is(err, ErrFull) || !b.Status().Full {
		t.Errorf("full: %v", err)
	}
	if !there(b.Dir(), packager.ArchiveName(id(2))) {
		t.Error("the oldest is gone")
	}
	if text := fmt.Sprint(b.Room()); !strings.Contains(text, "0 of them delivered") || !strings.Contains(text, "deliver or move") || !strings.Contains(text, "max_size") {
		t.Error(text)
	}
}

// What is delivered and still here counts, but does not wait: the words say which of both
// fills the box.
func TestFullOfWhatIsDelivered(t *testing.T) {
	b, o := openBox(t, t.TempDir(), 1_000_000), newOther(t)
	add(t, b, 2, "store")
	add(t, b, 4, "store")
	if s := b.Status(); s.Waiting != 2 || s.Unsent < 1_400_000 || s.Unsent > s.Bytes {
		t.Errorf("%+v", s)
	}
	deliverUntil(t, b, Options{Target: o.target}, func() bool { return b.states() == "delivered delivered" })
	if s := b.Status(); s.Waiting != 0 || s.Unsent != 0 || s.Bytes < 1_400_000 || !s.Full {
		t.Errorf("%+v", s)
	}
	if err := os.WriteFile(filepath.Join(b.Dir(), "else"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := Used(b.Dir())
	if err != nil || u.All != u.Delivered+1000 {
		t.Errorf("%+v, %v", u, err)
	}
	want := fmt.Sprintf("%d bytes are in it, %d of them delivered", u.All, u.Delivered)
	if err := b.Room(); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "delete_local") {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestAddRefuses(t *testing.T) {
	b := openBox(t, t.TempDir(), 0)
	for _, id := range []string{"", "../x", "a/b", id(1)} {
		if e, err := b.Add(id, "", "store"); err == nil {
			t.Errorf("%q: %+v", id, e)
		}
	}
	name := put(t, b, 2, false)
	if err := os.Remove(filepath.Join(b.Dir(), packager.LogName(name))); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(name, "", "store"); err == nil || !strings.Contains(err.Error(), "custody") {
		t.Errorf("without its log: %v", err)
	}
}
