package remote

import (
	"time"

	"hozen/service/protocol"
)

// A Clock is how far the hub's clock is from this machine's, by the newest of its answers
// that told its time. It is the hub's word; this machine's clock is not set.
type Clock struct {
	Hub     string        // what the hub calls itself, and the address that answered
	Offset  time.Duration // its time less ours
	RTT     time.Duration // of the way there and back: the offset may be wrong by half of it
	Asked   time.Time     // by our clock
	Elapsed time.Duration // since then, by the monotonic clock
	Moved   time.Duration // how far our clock moved since then beyond Elapsed: it was set, or the machine slept
}

// farthest is how far two clocks can be apart: what says more is no clock.
const farthest = 100 * 365 * 24 * time.Hour

// Clock gives what is known of the hub's clock; false: nothing yet. Nothing is asked for it.
func (c *Client) Clock() (Clock, bool) {
	c.link.mu.Lock()
	k := c.link.clock
	c.link.mu.Unlock()
	if k.Asked.IsZero() {
		return k, false
	}
	now := time.Now()
	k.Elapsed = now.Sub(k.Asked)
	k.Moved = now.Round(0).Sub(k.Asked.Round(0)) - k.Elapsed // Round(0): by the wall clock
	k.Hub = c.link.hub.Hub + " " + k.Hub
	return k, true
}

// measure takes what an answer tells of the hub's clock, as NTP does: asked is when we
// asked, took how long we waited by the monotonic clock, which nobody sets meanwhile.
func measure(text string, asked time.Time, took time.Duration) (Clock, bool) {
	came, left, err := protocol.ParseClock(text)
	rtt := took - left.Sub(came)
	if err != nil || rtt < 0 {
		return Clock{}, false // of a hub that says nothing, or what cannot be
	}
	offset := came.Sub(asked.Add(rtt / 2))
	return Clock{Offset: offset, RTT: rtt, Asked: asked}, offset.Abs() <= farthest
}

// heard keeps what an answer tells of the hub's clock, if it tells anything.
func (l *link) heard(text string, asked time.Time, took time.Duration) {
	if text == "" {
		return
	}
	k, ok := measure(text, asked, took)
	if !ok {
		l.log.Debug("the hub's clock is not understood", "header", text)
		return
	}
	k.Hub = l.conn.ConnectedAddr()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock = k
}
