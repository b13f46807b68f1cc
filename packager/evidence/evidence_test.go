package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestClassify(t *testing.T) {
	perm := &os.PathError{Op: "open", Path: "/proc/1/maps", Err: syscall.EACCES}
	var denied, gone, cut Tally
	denied.Add("a", perm)
	denied.Add("b", Skip("by choice"))
	gone.Add("a", fs.ErrNotExist)
	cut.Add("a", Cut("1 MiB"))
	for _, c := range []struct {
		name      string
		err       error
		size      int64
		want      Outcome
		shortfall bool
	}{
		{"nothing wrong", nil, 0, Collected, false},
		{"not there", fs.ErrNotExist, 0, Absent, false},
		{"ended before it was read", syscall.ESRCH, 0, Absent, false},
		{"ended while it was read", syscall.ESRCH, 5, Partial, false},
		{"refused", perm, 0, Denied, true},
		{"refused, wrapped", fmt.Errorf("maps: %w", perm), 0, Denied, true},
		{"refused in the middle", perm, 5, Partial, true},
		{"kernel without the call", syscall.ENOSYS, 0, Absent, false},
		{"no time", context.DeadlineExceeded, 0, Skipped, true},
		{"no time for the rest", context.DeadlineExceeded, 5, Partial, true},
		{"stopped", context.Canceled, 0, Skipped, true},
		{"disk error", syscall.EIO, 0, Failed, true},
		{"disk error in the middle", syscall.EIO, 5, Partial, true},
		{"skip", Skip("not a live host"), 0, Skipped, false},
		{"skip, wrapped", fmt.Errorf("x: %w", Skip("no")), 0, Skipped, false},
		{"cut", Cut("64 MiB"), 5, Partial, true},
		{"cut before the first byte", Cut("64 MiB"), 0, Skipped, true},
		{"gone", Gone("ended"), 5, Partial, false},
		{"gone before the first byte", Gone("ended"), 0, Absent, false},
		{"not here", NotHere("no vsock"), 0, Absent, false},
		{"table with denied rows", denied.Err(), 5, Partial, true},
		{"nothing but denied rows", denied.Err(), 0, Denied, true},
		{"nothing but cut rows", cut.Err(), 0, Skipped, true},
		{"table with ended rows", gone.Err(), 5, Collected, false},
		{"table with cut rows", cut.Err(), 5, Partial, true},
	} {
		o, note, shortfall := Classify(c.err, c.size)
		if o != c.want || shortfall != c.shortfall || (c.err != nil) != (note != "") {
			t.Errorf("%s: %s, shortfall %v, note %q; want %s, %v", c.name, o, shortfall, note, c.want, c.shortfall)
		}
	}
}

func TestTallyNamesTheFirstOfEach(t *testing.T) {
	var a, b Tally
	a.Add("/proc/7/environ", fs.ErrPermission)
	b.Add("/proc/8/environ", fs.ErrPermission)
	b.Add("/proc/9/maps", syscall.EIO)
	b.Add("/tmp/big", Cut("over 1 GiB"))
	a.Merge(&b)
	got := a.Err().Error()
	for _, want := range []string{"2 denied (first: /proc/7/environ", "1 failed (first: /proc/9/maps", "1 cut (first: /tmp/big"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if a.Count(Denied) != 2 {
		t.Errorf("%d denied", a.Count(Denied))
	}
	var outer Tally
	outer.Add("sockets", fmt.Errorf("of a check: %w", b.Err()))
	if outer.Count(Denied) != 1 || outer.Err().Error() != b.Err().Error() {
		t.Errorf("the error of a tally became %q, want %q", outer.Err(), b.Err())
	}
	if err := a.Add("x", nil); err != nil {
		t.Error("nil was counted")
	}
}

func TestOutcomeText(t *testing.T) {
	for _, o := range Outcomes() {
		b, err := o.MarshalText()
		var back Outcome
		if err != nil || back.UnmarshalText(b) != nil || back != o {
			t.Errorf("%v became %s (%v), then %v", uint8(o), b, err, back)
		}
	}
	if _, err := Outcome(0).MarshalText(); err == nil {
		t.Error("the zero outcome has a text: whoever forgets to decide must be found out")
	}
	var o Outcome
	if err := o.UnmarshalText([]byte("fine")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
