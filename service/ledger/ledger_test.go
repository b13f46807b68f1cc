package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/service/config"
	"hozen/service/durable"
	"hozen/service/job"
)

func open(t testing.TB, d Disk, wall time.Time) *Ledger {
	t.Helper()
	l, err := OpenOn(d, "ledger", wall)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func accept(t *testing.T, l *Ledger, e Entry, wall time.Time) {
	t.Helper()
	if err := l.Accept(e, wall); err != nil {
		t.Fatal(err)
	}
}

func TestReplayIsRefused(t *testing.T) {
	d := newDisk()
	l := open(t, d, start)
	one := entry(1, start)
	accept(t, l, one, start)
	for _, s := range []State{Started, Sealed, Delivered} {
		if err := l.Move(one.ID, s, "collection-1", "", start); err != nil {
			t.Fatal(err)
		}
	}
	sameNonce, sameSum := entry(2, start), entry(3, start)
	sameNonce.Nonce, sameSum.Sum = one.Nonce, one.Sum
	back := start.Add(-30 * 24 * time.Hour)
	for name, e := range map[string]Entry{"same": one, "same nonce": sameNonce, "same content": sameSum} {
		for when, wall := range map[string]time.Time{"at once": start, "clock set back": back, "after it expired": start.Add(2 * time.Hour)} {
			if err := l.Accept(e, wall); !errors.Is(err, ErrSeen) {
				t.Errorf("%s, %s: %v", name, when, err)
			}
			again := open(t, d.reboot(false), wall)
			if err := again.Accept(e, wall); !errors.Is(err, ErrSeen) {
				t.Errorf("%s, %s, after a crash: %v", name, when, err)
			}
		}
	}
}

// TestClockSetBack: a job that has expired stays so, also when it was never seen, or has
// been forgotten.
func TestClockSetBack(t *testing.T) {
	d := newDisk()
	l := open(t, d, start)
	accept(t, l, entry(1, start), start)
	if err := l.Move("job-0001", Failed, "", "no space", start); err != nil {
		t.Fatal(err)
	}
	afterwards := start.Add(2 * time.Hour)
	if err := l.Beat(afterwards); err != nil {
		t.Fatal(err)
	}
	if err := l.compact(l.clock); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.Get("job-0001"); ok {
		t.Fatal("an expired job that has ended is kept")
	}
	for _, l := range []*Ledger{l, open(t, d.reboot(false), start)} {
		for n := 1; n <= 2; n++ {
			if err := l.Accept(entry(n, start), start); !errors.Is(err, ErrLate) {
				t.Errorf("job %d: %v", n, err)
			}
		}
		if now := l.Now(start); !now.Equal(afterwards) {
			t.Errorf("now is %s", now)
		}
		if later := afterwards.Add(time.Second); !l.Now(later).Equal(later) || !l.Mark().Equal(afterwards) {
			t.Errorf("later: %s, mark %s", l.Now(later), l.Mark())
		}
	}
}

func TestNothingIsForgottenBeforeItHasExpired(t *testing.T) {
	l := open(t, newDisk(), start)
	for n, s := range []State{Accepted, Started, Sealed, Failed} {
		accept(t, l, entry(n, start), start)
		if s == Sealed || s == Started {
			if err := l.Move(entry(n, start).ID, Started, "", "", start); err != nil {
				t.Fatal(err)
			}
		}
		if s != Started {
			if err := l.Move(entry(n, start).ID, s, "", "", start); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Refuse(entry(4, start), "no", start); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		left  int
	}{{0, 5}, {59 * time.Minute, 5}, {time.Hour, 3}, {24 * time.Hour, 3}, {91 * 24 * time.Hour, 2}} {
		if err := l.Beat(start.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if err := l.compact(l.clock); err != nil {
			t.Fatal(err)
		}
		if got := len(l.Entries()); got != c.left {
			t.Errorf("after %s: %d jobs, want %d", c.after, got, c.left)
		}
	}
}

func TestStates(t *testing.T) {
	l := open(t, newDisk(), start)
	for _, c := range []struct {
		way []State
		ok  bool
	}{
		{[]State{Started, Sealed, Delivered}, true}, {[]State{Started, Partial, Delivered}, true}, {[]State{Started, Failed}, true}, {[]State{Started, Done}, true},
		{[]State{Cancelled}, true}, {[]State{Refused}, true}, {[]State{Failed}, true}, {[]State{Started, Started}, true},
		{[]State{Sealed}, false}, {[]State{Delivered}, false}, {[]State{Started, Accepted}, false}, {[]State{Started, Cancelled}, false},
		{[]State{Started, Sealed, Started}, false}, {[]State{Started, Delivered}, false}, {[]State{Failed, Started}, false}, {[]State{"running"}, false},
	} {
		e := entry(len(l.entries), start)
		accept(t, l, e, start)
		var err error
		for i, s := range c.way {
			if err != nil {
				t.Errorf("%v: number %d: %v", c.way, i, err)
			}
			err = l.Move(e.ID, s, "", "", start)
		}
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrOrder) {
			t.Errorf("%v: %v", c.way, err)
		}
		if _, err := l.Get(e.ID); !err {
			t.Errorf("%v: gone", c.way)
		}
	}
	if err := l.Move("job-unknown", Started, "", "", start); !errors.Is(err, ErrOrder) {
		t.Errorf("unknown: %v", err)
	}
	if err := l.Move("job-0000", Started, "another", "", start); !errors.Is(err, ErrOrder) {
		t.Errorf("delivered, and started for another collection: %v", err)
	}
}

func TestPendingIsInOrder(t *testing.T) {
	d := newDisk()
	l := open(t, d, start)
	for n := 9; n > 0; n-- {
		accept(t, l, entry(n, start), start)
	}
	if err := l.Move("job-0007", Started, "coll-0007", "", start); err != nil {
		t.Fatal(err)
	}
	if err := l.Move("job-0005", Cancelled, "", "by alice", start); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Ledger{l, open(t, d.reboot(false), start)} {
		var ids []string
		for _, p := range l.Pending() {
			ids = append(ids, p.ID[len(p.ID)-1:])
			if (p.Envelope != nil) != (p.State == Accepted || p.State == Started) {
				t.Errorf("%s: envelope of %d bytes", p.State, len(p.Envelope))
			}
		}
		if got := strings.Join(ids, ""); got != "98764321" {
			t.Errorf("pending %s", got)
		}
		if p := l.Pending()[2]; p.State != Started || p.Collection != "coll-0007" {
			t.Errorf("started: %+v", p)
		}
	}
}

func TestRefusedAndForbidden(t *testing.T) {
	d := newDisk()
	l := open(t, d, start)
	if err := l.Refuse(entry(1, start), "veto \x1b\xff"+strings.Repeat("ü", 600), start); err != nil {
		t.Fatal(err)
	}
	if err := l.Forbid("job-0002", "cancelled by bob", start.Add(job.Longest*time.Hour), start); err != nil {
		t.Fatal(err)
	}
	l = open(t, d.reboot(false), start)
	for n := 1; n <= 2; n++ {
		if err := l.Accept(entry(n, start), start); !errors.Is(err, ErrSeen) {
			t.Errorf("job %d: %v", n, err)
		}
	}
	if len(l.Pending()) != 0 {
		t.Errorf("pending: %+v", l.Pending())
	}
	if e, _ := l.Get("job-0001"); len(e.Note) > MaxNote || !strings.HasPrefix(e.Note, "veto ") {
		t.Errorf("note of %d bytes: %q", len(e.Note), e.Note)
	}
}

func TestOldJobsAfterTheLedgerWasLost(t *testing.T) {
	l := open(t, newDisk(), start)
	if err := l.Accept(entry(1, start.Add(-time.Second)), start); !errors.Is(err, ErrOld) {
		t.Errorf("issued before: %v", err)
	}
	accept(t, l, entry(2, start), start)
}

// TestClockRepaired: what had been forgotten while the clock was ahead is not taken again.
func TestClockRepaired(t *testing.T) {
	d := newDisk()
	l := open(t, d, start)
	accept(t, l, entry(1, start), start)
	if err := l.Move("job-0001", Failed, "", "", start); err != nil {
		t.Fatal(err)
	}
	if _, err := l.RepairClock(start.Add(time.Second), "nothing to repair"); err == nil {
		t.Error("a clock that is right is repaired")
	}
	ahead := start.AddDate(10, 0, 0)
	if err := l.Beat(ahead); err != nil {
		t.Fatal(err)
	}
	if err := l.compact(l.clock); err != nil {
		t.Fatal(err)
	}
	now := start.Add(10 * time.Minute)
	if err := l.Accept(entry(2, now), now); !errors.Is(err, ErrLate) {
		t.Errorf("while the clock is ahead: %v", err)
	}
	was, err := l.RepairClock(now, "root: the battery was empty")
	if err != nil || !was.Equal(ahead) {
		t.Fatalf("repaired from %s: %v", was, err)
	}
	if !bytes.Contains(d.files["ledger"].data, []byte("the battery was empty")) {
		t.Error("why the clock was repaired is not written down")
	}
	for _, l := range []*Ledger{l, open(t, d.reboot(false), now)} {
		if err := l.Accept(entry(1, start), now); !errors.Is(err, ErrOld) {
			t.Errorf("a job that was forgotten: %v", err)
		}
		accept(t, l, entry(3, now), now)
	}
}

// TestClockRepairedWhereJobsCameFromTheFutureToo: a job that had been issued by a clock
// that was as wrong as ours is not taken again when that time really comes.
func TestClockRepairedWhereJobsCameFromTheFutureToo(t *testing.T) {
	l := open(t, newDisk(), start)
	ahead := start.AddDate(0, 0, 10)
	one := entry(1, ahead)
	accept(t, l, one, ahead)
	if err := l.Move(one.ID, Failed, "", "", ahead); err != nil {
		t.Fatal(err)
	}
	if err := l.Beat(ahead.Add(2 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := l.compact(l.clock); err != nil {
		t.Fatal(err)
	}
	if _, err := l.RepairClock(start, "root"); err != nil {
		t.Fatal(err)
	}
	if err := l.Accept(one, ahead); !errors.Is(err, ErrOld) {
		t.Errorf("replayed: %v", err)
	}
	accept(t, l, entry(2, ahead.Add(time.Minute)), ahead.Add(time.Minute))
}

func TestLimits(t *testing.T) {
	ifLong(t)
	l := open(t, newDisk(), start)
	for n := range MaxWaiting {
		accept(t, l, entry(n, start), start)
	}
	if err := l.Accept(entry(MaxWaiting, start), start); !errors.Is(err, ErrFull) {
		t.Errorf("one more than may wait: %v", err)
	}
	for n := MaxWaiting; n < MaxJobs; n++ {
		if err := l.Refuse(entry(n, start), "", start); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Refuse(entry(MaxJobs, start), "", start); !errors.Is(err, ErrFull) {
		t.Errorf("one more than there may be: %v", err)
	}
	afterwards := start.Add(2 * time.Hour)
	if err := l.Refuse(entry(MaxJobs, afterwards), "", afterwards); err != nil {
		t.Errorf("when the others have expired: %v", err)
	}
	if n := len(l.Entries()); n != MaxWaiting+1 {
		t.Errorf("%d jobs are left", n)
	}
	bad := entry(9999, start)
	bad.ID = "../x"
	if err := l.Accept(bad, start); err == nil {
		t.Error("an id that is none")
	}
}

// TestFileStaysSmall: what is written is compacted, again and again.
func TestFileStaysSmall(t *testing.T) {
	ifLong(t)
	d := newDisk()
	l := open(t, d, start)
	now, most := start, 0
	for n := range 3000 {
		now = now.Add(2 * time.Minute)
		e := entry(n, now)
		e.Envelope = bytes.Repeat([]byte("x"), 2000)
		accept(t, l, e, now)
		if err := l.Move(e.ID, Failed, "", "", now); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(d.files["ledger"].data))
	}
	if most > 2*compactAt {
		t.Errorf("%d bytes", most)
	}
	if n := len(l.Entries()); n > 1000 {
		t.Errorf("%d jobs are kept", n)
	}
}

func TestTornAndDamaged(t *testing.T) {
	d := newDisk()
	l := open(t, d, start)
	accept(t, l, entry(1, start), start)
	accept(t, l, entry(2, start), start)
	good := d.files["ledger"].data
	lines := bytes.SplitAfter(good, []byte("\n"))
	join := func(b ...[]byte) []byte { return bytes.Join(b, nil) }
	for name, c := range map[string]struct {
		data []byte
		jobs int // -1: damaged
	}{
		"whole":                    {good, 2},
		"torn":                     {good[:len(good)-1], 1},
		"torn more":                {good[:len(good)-len(lines[2])+1], 1},
		"zeros at the end":         {join(good, make([]byte, 4096)), 2},
		"first line torn":          {lines[0][:20], 0},
		"empty":                    {nil, 0},
		"garbage line":             {join(good, []byte("garbage\n")), -1},
		"zeros and a line":         {join(good[:len(good)-5], make([]byte, 5), []byte("\n")), -1},
		"line missing":             {join(lines[0], lines[2]), -1},
		"line twice":               {join(good, lines[2]), -1},
		"bit flipped":              {bytes.Replace(good, []byte("job-0001"), []byte("job-0001 "), 1), -1},
		"unknown field":            {bytes.Replace(good, []byte(`"why":""`), []byte(`"why":"","x":1`), 1), -1},
		"endless line":             {join(good, bytes.Repeat([]byte("x"), maxLine+1)), -1},
		"state that is none":       {bytes.Replace(good, []byte(`"accepted"`), []byte(`"run"`), 1), -1},
		"mark that is none":        {bytes.Replace(good, []byte(`"mark":"2026`), []byte(`"mark":"1026`), 1), -1},
		"another version":          {bytes.Replace(good, []byte("hozen/ledger/1"), []byte("hozen/ledger/2"), 1), -1},
		"collection of a bad name": {bytes.Replace(good, []byte(`"collection":""`), []byte(`"collection":"/"`), 1), -1},
	} {
		d := newDisk()
		d.files["ledger"] = &memFile{data: c.data}
		l, err := OpenOn(d, "ledger", start)
		switch {
		case c.jobs < 0:
			if !errors.Is(err, ErrBroken) {
				t.Errorf("%s: %v", name, err)
			}
			if !bytes.Equal(d.files["ledger"].data, c.data) {
				t.Errorf("%s: the damaged file was changed", name)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", name, err)
			continue
		case len(l.Pending()) != c.jobs:
			t.Errorf("%s: %d jobs", name, len(l.Pending()))
		}
		accept(t, l, entry(7, start), start)
		if again := open(t, d, start); len(again.Pending()) != c.jobs+1 {
			t.Errorf("%s: %d jobs when opened again", name, len(again.Pending()))
		}
	}
}

func TestOnRealDisk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ledger.jsonl")
	l, err := Open(name, start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name, start); !errors.Is(err, durable.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	accept(t, l, entry(1, start), start)
	if err := config.Private(name); err != nil {
		t.Errorf("others may read it: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Accept(entry(2, start), start); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"type":"hozen/led`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(name, start); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if p := l.Pending(); len(p) != 1 || p[0].ID != "job-0001" {
		t.Errorf("pending %+v", p)
	}
}

// FuzzRead: whatever a file holds, reading it ends, and what is read can be written.
func FuzzRead(f *testing.F) {
	d := newDisk()
	l, err := OpenOn(d, "ledger", start)
	if err != nil {
		f.Fatal(err)
	}
	for n := range 3 {
		if err := l.Accept(entry(n, start), start); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(d.files["ledger"].data)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		im, err := read(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrBroken) {
				t.Fatal(err)
			}
			return
		}
		if im.bytes+int64(im.torn) != int64(len(b)) {
			t.Fatalf("%d bytes and %d torn, of %d", im.bytes, im.torn, len(b))
		}
		d := newDisk()
		d.files["ledger"] = &memFile{data: b}
		l, err := OpenOn(d, "ledger", start)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.compact(l.clock); err != nil {
			t.Fatal(err)
		}
		if _, err := read(bytes.NewReader(d.files["ledger"].data)); err != nil {
			t.Fatalf("written anew: %v", err)
		}
	})
}

func BenchmarkAccept(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "ledger.jsonl"), start)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for n := 0; b.Loop(); n++ {
		at := start.Add(time.Duration(n) * time.Minute)
		if err := l.Accept(entry(n, at), at); err != nil {
			b.Fatal(err)
		}
		if err := l.Move(entry(n, at).ID, Failed, "", "", at); err != nil {
			b.Fatal(err)
		}
	}
}
