package witness

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"
)

// timeServer is an NTP server (RFC 5905) whose clock is ahead of ours; spoil changes its
// answers.
func timeServer(t *testing.T, ahead time.Duration, spoil func([]byte)) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(query)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			b := make([]byte, 48)
			b[0], b[1], b[2], b[3] = 4<<3|4, 1, 6, 0xec // version 4, a server of stratum 1
			copy(b[12:], "GPS\x00")
			binary.BigEndian.PutUint32(b[8:], 1<<16/100) // root dispersion of 10 ms
			now := time.Now().Add(ahead)
			for _, at := range []int{16, 32, 40} {
				binary.BigEndian.PutUint64(b[at:], stampOf(now))
			}
			copy(b[24:32], query[40:48])
			if spoil != nil {
				spoil(b)
			}
			if _, err := c.WriteTo(b, from); err != nil {
				return
			}
		}
	}()
	return c.LocalAddr().String()
}

// stampOf writes a time in NTP's 32.32 bits since 1900.
func stampOf(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// TestClocks: what servers say, and those that say nothing.
func TestClocks(t *testing.T) {
	good := []string{timeServer(t, 90*time.Second, nil), timeServer(t, -time.Hour, nil)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []Clock
	for range 5 { // a machine that stands still for the seconds that a server has is asked again
		got = Clocks(ctx, good)
		if !slices.ContainsFunc(got, func(c Clock) bool { return c.Err != nil }) {
			break
		}
	}
	if len(got) != len(good) {
		t.Fatalf("%d answers", len(got))
	}
	for i, want := range []int64{90_000, -3_600_000} {
		c := got[i]
		near := 1000 + c.RTTMS // what was late on one way is half of it
		if c.Err != nil || c.Kind != "ntp" || c.ID != good[i] || c.OffsetMS < want-near || c.OffsetMS > want+near || c.RTTMS < 0 || c.MaxError < time.Duration(max(want, -want)-near)*time.Millisecond {
			t.Errorf("%+v", c)
		}
	}
	bad := []string{
		nobody(t),
		timeServer(t, 0, func(b []byte) { b[1] = 0; copy(b[12:], "RATE") }), // go away
		timeServer(t, 0, func(b []byte) { b[0] |= 3 << 6 }),                 // not in step itself
		timeServer(t, 0, func(b []byte) { b[24] ^= 1 }),                     // answers another question
		timeServer(t, 0, func(b []byte) { clear(b) }),
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if got = Clocks(ctx, bad); len(got) != len(bad) {
		t.Fatalf("%d answers", len(got))
	}
	for _, c := range got {
		if c.Err == nil || c.OffsetMS != 0 {
			t.Errorf("%+v", c)
		}
	}
	if many := Clocks(ctx, make([]string, 20)); len(many) != MaxServers {
		t.Errorf("%d servers are asked", len(many))
	}
}

func TestServerNames(t *testing.T) {
	for s, want := range map[string]string{"192.0.2.1": "192.0.2.1 123", "192.0.2.1:1123": "192.0.2.1 1123", "::1": "::1 123", "[::1]:5": "::1 5", "ntp.example": "ntp.example 123", "ntp.example:124": "ntp.example 124",
		"": "", ":5": "", "a:b": "", "a:0": "", "a:70000": "", "[::1": "", "a b": "", "ntp://x": ""} {
		host, port, err := serverOf(s)
		if (err == nil) != (want != "") || err == nil && host+" "+strconv.Itoa(port) != want {
			t.Errorf("%q: %s %d %v", s, host, port, err)
		}
		if (CheckServer(s) == nil) != (want != "") {
			t.Errorf("%q", s)
		}
	}
}
