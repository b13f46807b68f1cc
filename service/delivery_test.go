package service

import (
	"slices"
	"sync"
	"testing"
	"time"

	"hozen/service/ledger"
	"hozen/service/outbox"
)

// The hub hears everything, in order, though it could not be reached for a while.
func TestHubHearsAllLater(t *testing.T) {
	b := newBench(t)
	b.start()
	b.hub.refuse(true)
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if e, ok := b.Ledger.Get(id); ok && e.State == ledger.Delivered {
			break
		} else if time.Now().After(end) {
			t.Fatalf("not delivered within a minute: %+v", e)
		}
	}
	b.hub.refuse(false)
	b.until(id, "delivered")
	if got := b.hub.events(id); !slices.Equal(got, []string{"accepted", "started", "sealed", "delivered"}) {
		t.Errorf("the hub heard %v", got)
	}
}

// An archive that arrives while it is still being written down that there is one is told of
// afterwards, and the ledger knows of both.
func TestArrivalIsToldAfterTheSeal(t *testing.T) {
	b := newBench(t)
	var once sync.Once
	b.clock = func() {
		if list := b.Outbox.List(); len(list) == 0 || list[0].State == outbox.Delivered {
			return
		}
		once.Do(func() { // it is on the list, and not yet written down
			for end := time.Now().Add(time.Minute); b.Outbox.List()[0].State != outbox.Delivered && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(200 * time.Millisecond)
		})
	}
	b.start()
	id, envelope := b.job(nil)
	b.hub.send(envelope)
	b.until(id, "delivered")
	b.until(id, "sealed")
	if got := b.hub.events(id); !slices.Equal(got, []string{"accepted", "started", "sealed", "delivered"}) {
		t.Errorf("the hub heard %v", got)
	}
	b.stop()
	if e, _ := b.Ledger.Get(id); e.State != ledger.Delivered {
		t.Errorf("ledger: %+v", e)
	}
}
