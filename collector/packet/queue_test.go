package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"hozen/collector/packet/filter"
	"hozen/collector/packet/pcapng"
)

// ipv4 is a packet of so many bytes from one address to another.
func ipv4(src, dst string, n int) []byte {
	b := make([]byte, max(n, 20))
	b[0], b[9] = 0x45, 17
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12:], netip.MustParseAddr(src).AsSlice())
	copy(b[16:], netip.MustParseAddr(dst).AsSlice())
	return b
}

func rawProgram(t *testing.T, text string) []bpf.RawInstruction {
	t.Helper()
	f, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	program, err := f.Program(filter.Raw, maxSnaplen)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestQueue(t *testing.T) {
	shut := 0
	q, err := newQueue(form{id: 3}, rawProgram(t, "host 192.0.2.1"), 1<<20, func() { shut++ })
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1700000000, 123456789)
	wanted, other := ipv4("192.0.2.1", "198.51.100.7", 60), ipv4("192.0.2.2", "198.51.100.7", 60)
	q.put(at, pcapng.Inbound, 1500, wanted)
	q.put(at, pcapng.Inbound, 60, other)
	q.put(at, pcapng.Outbound, 60, wanted)
	if err := q.wait(); err != nil {
		t.Fatal(err)
	}
	out := q.read(make([]byte, 0, batchSize))
	var got []pcapng.Packet
	for rest := out; ; {
		p, left, ok := pcapng.NextPacket(rest)
		if !ok {
			break
		}
		got, rest = append(got, p), left
	}
	if len(got) != 2 || got[0].Interface != 3 || got[0].At != uint64(at.UnixNano()) || got[0].Length != 1500 || got[0].Flags != pcapng.Inbound || !bytes.Equal(got[0].Data, wanted) || got[1].Flags != pcapng.Outbound {
		t.Errorf("%+v", got)
	}
	if c := q.counts(); c != (counts{packets: 2, bytes: 120, wire: 1560, accepted: 2}) {
		t.Errorf("%+v", c)
	}
	q.put(at, 0, 60, wanted)
	q.stop()
	q.put(at, 0, 60, wanted) // too late
	if err := q.wait(); err != nil || len(q.read(make([]byte, 0, batchSize))) == 0 {
		t.Errorf("what waited is gone: %v", err)
	}
	if err := q.wait(); err != io.EOF || q.counts().packets != 3 {
		t.Errorf("%v %+v", err, q.counts())
	}
	q.close()
	if q.close(); shut != 1 {
		t.Errorf("shut %d times", shut)
	}
}

// TestQueueIsFull: what has no room is counted as lost, and as accepted.
func TestQueueIsFull(t *testing.T) {
	q, err := newQueue(form{}, nil, 1000, func() {})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		q.put(time.Now(), 0, 100, make([]byte, 100))
	}
	q.lost(5)
	if c := q.counts(); c.packets == 0 || c.packets+c.dropped != 25 || c.accepted != 25 {
		t.Errorf("%+v", c)
	}
	// A reader with room for one gets one, and the rest later.
	one := q.read(make([]byte, 0, 150))
	if len(one) == 0 || len(one) > 150 || q.wait() != nil {
		t.Errorf("%d bytes", len(one))
	}
}

func TestQueueEnds(t *testing.T) {
	q, err := newQueue(form{}, nil, 1000, func() {})
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the adapter is gone")
	go q.end(gone)
	if err := q.wait(); err != gone {
		t.Errorf("%v", err)
	}
}

func TestIPDirection(t *testing.T) {
	own := netip.MustParseAddr("192.0.2.1")
	for _, c := range []struct {
		src, dst string
		want     uint32
	}{
		{"192.0.2.1", "198.51.100.7", pcapng.Outbound},
		{"198.51.100.7", "192.0.2.1", pcapng.Inbound | pcapng.Unicast},
		{"198.51.100.7", "224.0.0.251", pcapng.Inbound | pcapng.Multicast},
		{"198.51.100.7", "192.0.2.255", pcapng.Inbound},
	} {
		if got := ipDirection(ipv4(c.src, c.dst, 20), own); got != c.want {
			t.Errorf("%s to %s: %#x, want %#x", c.src, c.dst, got, c.want)
		}
	}
}
