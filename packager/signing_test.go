package packager

import (
	"errors"
	"os"
	"path/filepath"
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
			let := time.AfterFunc(c.held, func() { other.Close() })
			began := time.Now()
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
