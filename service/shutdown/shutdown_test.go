package shutdown

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// fake is a manager that a test speaks for.
type fake struct {
	comes    chan bool
	waits    time.Duration
	refuse   error
	taken    int
	released chan int // the number of the lock that is let go
}

func (f *fake) coming() <-chan bool     { return f.comes }
func (f *fake) patience() time.Duration { return f.waits }
func (f *fake) close()                  {}
func (f *fake) inhibit() (func() error, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	f.taken++
	n, open := f.taken, true
	return func() error {
		if open {
			f.released <- n
		}
		open = false
		return nil
	}, nil
}

func newFake() *fake { return &fake{comes: make(chan bool), released: make(chan int, 9)} }

// A shutdown waits for f; one that is called off is waited for anew.
func TestHold(t *testing.T) {
	m := newFake()
	ctx, cancel := context.WithCancel(context.Background())
	ran, finish, ended := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		ended <- hold(ctx, m, time.Hour, nil, func(context.Context) { ran <- true; <-finish })
	}()
	for round := 1; round <= 2; round++ {
		m.comes <- true
		<-ran
		if len(m.released) > 0 {
			t.Fatal("the shutdown went on while f ran")
		}
		finish <- true
		if n := <-m.released; n != round {
			t.Fatalf("lock %d was let go, want %d", n, round)
		}
		m.comes <- false
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What hangs holds nothing up, and what the manager does not wait for is not begun to wait for.
func TestHoldIsBounded(t *testing.T) {
	m := newFake()
	m.waits = 1 // less than anything: a second is what is left
	ctx, cancel := context.WithCancel(context.Background())
	ended, never, told := make(chan error, 1), make(chan bool), make(chan time.Duration, 1)
	cause := make(chan error, 1)
	go func() {
		ended <- hold(ctx, m, time.Hour, func(d time.Duration) { told <- d }, func(ctx context.Context) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			<-never
		})
	}()
	if d := <-told; d != time.Second {
		t.Errorf("held for %v", d)
	}
	m.comes <- true
	<-m.released
	if err := <-cause; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("f was told %v", err)
	}
	cancel()
	<-ended
	close(never)
}

func TestHoldCannot(t *testing.T) {
	m := newFake()
	m.refuse = errors.New("no")
	if err := hold(context.Background(), m, time.Second, nil, nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("refused: %v", err)
	}
	m = newFake()
	close(m.comes)
	if err := hold(context.Background(), m, time.Second, nil, nil); err == nil {
		t.Error("a manager that is gone is waited for")
	}
}

func TestUtmpStopping(t *testing.T) {
	record := func(kind uint16, pid uint32) []byte {
		b := make([]byte, utmpSize)
		binary.NativeEndian.PutUint16(b, kind)
		binary.NativeEndian.PutUint32(b[utmpPID:], pid)
		return b
	}
	up, down := record(utmpRunLvl, '5'|'N'<<8), record(utmpRunLvl, '0'|'5'<<8)
	other := record(7, '0')
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"empty", nil, false}, {"up", up, false}, {"halt", down, true}, {"halt, then up", append(down, up...), false},
		{"up, then reboot", append(up, record(utmpRunLvl, '6')...), true}, {"no run level", other, false}, {"cut", down[:100], false},
	} {
		if got := utmpStopping(c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func FuzzUtmpStopping(f *testing.F) {
	f.Add(make([]byte, 2*utmpSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < utmpSize && utmpStopping(b) {
			t.Error("less than a record says something")
		}
	})
}
