package ledger

import (
	"errors"
	"testing"
)

// What was called off is known as that after a restart; what ended as it was to end is not.
func TestCallOff(t *testing.T) {
	disk := newDisk()
	l := open(t, disk, start)
	for i, c := range []struct{ why, want string }{{"ended early", "ended early"}, {"", ""}} {
		e := entry(i, start)
		accept(t, l, e, start)
		if err := l.CallOff(e.ID, "nobody wants it", start); err != nil {
			t.Fatal(err)
		}
		if got, _ := l.Get(e.ID); got.CalledOff() || got.Note != "" {
			t.Errorf("called off before it started: %+v", got)
		}
		if err := errors.Join(l.Move(e.ID, Started, "", "", start), l.CallOff(e.ID, "nobody wants it", start), l.CallOff(e.ID, "again", start)); err != nil {
			t.Fatal(err)
		}
		if got, _ := open(t, disk, start).Get(e.ID); !got.CalledOff() || got.Note != "nobody wants it" {
			t.Errorf("not called off: %+v", got)
		}
		if err := l.Move(e.ID, Sealed, "", c.why, start); err != nil {
			t.Fatal(err)
		}
		if got, _ := l.Get(e.ID); got.CalledOff() || got.Note != c.want {
			t.Errorf("sealed: %+v", got)
		}
	}
}
