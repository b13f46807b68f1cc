package packager

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestAppendWaits: who signs into a log while another does waits for him, and says who has
// the log where that takes long; a running collection is not waited for.
func TestAppendWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by, err := w.device.by()
	if err != nil {
		t.Fatal(err)
	}
	id := testOptions(t, "").ID
	whole, begun := w.log, lines(w.log)[0]
	for _, c := range []struct {
		name string
		log  []byte
		held time.Duration
		want error
		wait time.Duration // at least
	}{
		{"another signs", whole, 300 * time.Millisecond, nil, 250 * time.Millisecond},
		{"another signs for long", whole, 2 * signingWait, ErrSigning, signingWait},
		{"a collection runs", begun, 2 * signingWait, ErrInUse, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			name := filepath.Join(dir, LogName(id))
			if err := os.WriteFile(name, c.log, 0o600); err != nil {
				t.Fatal(err)
			}
			other, err := os.OpenFile(name, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := lockFile(other); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			let := time.AfterFunc(c.held, func() { other.Close() })
			err = AppendEventBy(dir, id, by, Event{Event: "stored", Place: "safe", Actor: "operator:sato"}, time.Now())
			if let.Stop() {
				other.Close()
			}
			if took := time.Since(began); !errors.Is(err, c.want) || took < c.wait || c.wait == 0 && took > signingWait/2 {
				t.Errorf("%v after %v, want %v after %v", err, took, c.want, c.wait)
			}
		})
	}
}

// Each of several who sign at once is given his own event, and it is asked what is there while
// nobody else signs.
func TestAppendGivesItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by, err := w.device.by()
	if err != nil {
		t.Fatal(err)
	}
	id := testOptions(t, "").ID
	name := filepath.Join(t.TempDir(), LogName(id))
	if err := os.WriteFile(name, w.log, 0o600); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 3 {
				place, there := fmt.Sprint(i, " ", n), 0
				check := func(now []Event) error { there = len(now); return nil }
				e, cut, err := AppendEventTo(name, id, by, Event{Event: "stored", Place: place, Actor: "operator:sato"}, check, time.Now())
				if err != nil || cut || e.Place != place || e.Seq != there+1 {
					t.Errorf("%s: event %d behind %d of %q, %v, %v", place, e.Seq, there, e.Place, cut, err)
				}
			}
		})
	}
	all.Wait()
}
