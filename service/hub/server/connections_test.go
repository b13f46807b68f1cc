package server

import (
	"testing"
	"time"
)

// One id has four connections at most; a new one closes the oldest, and a kick closes all.
func TestConnectionsOfOne(t *testing.T) {
	h := start(t)
	_, state := device(t, h, "pc-1")
	var all []*raw
	for range 12 {
		c, err := dial(t, h, seedOf(t, state), "")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all[:8] {
		c.gone(t)
	}
	for i, c := range all[8:] {
		if err := c.FlushTimeout(5 * time.Second); err != nil {
			t.Errorf("connection %d of the newest: %v", i, err)
		}
	}
	for range 6 { // those that end by themselves do not count
		all[8].end(t, h)
		c, err := dial(t, h, seedOf(t, state), "")
		if err != nil {
			t.Fatal(err)
		}
		all[8] = c
		if err := all[9].FlushTimeout(5 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	h.broker.Kick(all[0].id)
	for _, c := range all[8:] {
		c.gone(t)
	}
}

// end closes a connection, and waits until the server knows.
func (r *raw) end(t *testing.T, h *Hub) {
	t.Helper()
	before := h.broker.Live(r.id)
	r.Close()
	for end := time.Now().Add(time.Minute); h.broker.Live(r.id) >= before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server does not notice")
		}
	}
}
