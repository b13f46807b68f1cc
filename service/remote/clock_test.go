package remote

import (
	"testing"
	"time"

	"hozen/service/protocol"
)

// The hub's clock is known by its answers to what is asked anyway, to within the round trip.
func TestClockOfHub(t *testing.T) {
	ahead := 90 * time.Minute
	h := newHub(t, func(h *fakeHub) { h.ahead = &ahead })
	c, ctx := client(t, enrolled(t, h)), soon(t)
	until(t, "connected", c.Connected)
	if k, known := c.Clock(); known {
		t.Errorf("before anything was asked: %+v", k)
	}
	var a protocol.JobsAnswer
	if err := c.link.ask(ctx, protocol.VerbJobs, protocol.JobsRequest{}, &a); err != nil {
		t.Fatal(err)
	}
	k, known := c.Clock()
	if off := (k.Offset - ahead).Abs(); !known || off > k.RTT/2 || k.RTT > 10*time.Second || k.Hub != "test "+c.link.conn.ConnectedAddr() {
		t.Errorf("%+v, known %v: %v off", k, known, off)
	}
	h.mu.Lock()
	h.ahead = nil // a hub from before says nothing of its clock
	h.mu.Unlock()
	if err := c.link.ask(ctx, protocol.VerbJobs, protocol.JobsRequest{}, &a); err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Clock(); again.Offset != k.Offset || again.Elapsed < k.Elapsed {
		t.Errorf("%+v became %+v", k, again)
	}
}

// What a hub says of its clock may be anything.
func TestMeasure(t *testing.T) {
	asked := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name         string
		came, left   time.Time
		took         time.Duration
		offset, trip time.Duration
		wrong        bool
	}{
		{"ahead", asked.Add(time.Hour + 20*time.Millisecond), asked.Add(time.Hour + 50*time.Millisecond), 70 * time.Millisecond, time.Hour, 40 * time.Millisecond, false},
		{"behind", asked.Add(-time.Hour), asked.Add(-time.Hour), 0, -time.Hour, 0, false},
		{"left before it came", asked, asked.Add(-1), time.Second, 0, 0, true},
		{"longer than the whole", asked, asked.Add(2 * time.Second), time.Second, 0, 0, true},
	} {
		k, ok := measure(protocol.ClockText(c.came, c.left), asked, c.took)
		if ok == c.wrong || ok && (k.Offset != c.offset || k.RTT != c.trip) {
			t.Errorf("%s: %+v, %v", c.name, k, ok)
		}
	}
	for _, text := range []string{"", " ", "2026-11-22T05:00:00Z", "now later", "2026-11-22T05:00:00Z 2026-11-22T05:00:00Z x"} {
		if k, ok := measure(text, asked, time.Second); ok {
			t.Errorf("%q: %+v", text, k)
		}
	}
}

// What no clock can be is none; no sum of it overflows.
func TestClockOfAnotherMillennium(t *testing.T) {
	for _, text := range []string{
		"9999-12-31T23:59:59Z 9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z 0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z 9999-12-31T23:59:59Z",
	} {
		if k, ok := measure(text, time.Now(), time.Second); ok {
			t.Errorf("%s: %+v", text, k)
		}
	}
	now := time.Now()
	if k, ok := measure(now.UTC().Add(time.Hour).Format(time.RFC3339Nano)+" "+now.UTC().Add(time.Hour).Format(time.RFC3339Nano), now, 0); !ok || k.Offset.Round(time.Second) != time.Hour {
		t.Errorf("%+v, %v", k, ok)
	}
}
