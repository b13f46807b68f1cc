package flow

import (
	"context"
	"io"
	"net/netip"
	"sync"
	"time"

	"hozen/packager/evidence"
)

// A Key names a flow as it was seen first: Orig is who began it, Resp who was
// asked. Of ICMP the ports are type and code. Ports are 0 where the protocol has none.
type Key struct {
	Proto      uint8 // the IP protocol number: 6 TCP, 17 UDP
	Orig, Resp netip.AddrPort
}

// Options say what is known of the machine and how much may be kept. The zero
// Options are good for a file.
type Options struct {
	// Owner says which process a flow of this host belongs to; nil if nobody knows.
	// It is asked at the flow's first packet, a few times later while it says no, and
	// at the flow's end. It must be quick: it is asked in the way of the packets, with
	// the tables locked, and so must not call them.
	Owner func(Key) (pid int, exe string, container string, ok bool)
	// Local are the host's own addresses; empty: addresses that are not routed on
	// the internet count as local.
	Local []netip.Prefix
	// MaxFlows bounds the flows that are followed at one time, and MaxRows the rows
	// that each table keeps; 0: DefaultMaxFlows and DefaultMaxRows.
	MaxFlows, MaxRows int
}

// The bounds where Options give none.
const (
	DefaultMaxFlows = 100_000
	DefaultMaxRows  = 1_000_000
)

// Tables are made from packets in the order of their times. They are safe for
// concurrent use.
type Tables struct {
	mu      sync.Mutex
	opt     Options
	packets uint64
	names   map[int]string
}

// New makes empty tables.
func New(o Options) *Tables {
	if o.MaxFlows <= 0 {
		o.MaxFlows = DefaultMaxFlows
	}
	if o.MaxRows <= 0 {
		o.MaxRows = DefaultMaxRows
	}
	return &Tables{opt: o, names: map[int]string{}}
}

// Interface names the interface with the number that Packet is given.
func (t *Tables) Interface(iface int, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names[iface] = name
}

// Packet takes one packet: the interface's number, its LINKTYPE_ number
// (https://www.tcpdump.org/linktypes.html), the time, the bytes captured and the
// length that the packet had on the wire. It keeps no part of data.
func (t *Tables) Packet(iface int, linkType uint16, at time.Time, data []byte, origLen int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.packets++
}

// Put ends all flows and puts the tables into the sink, below prefix ("network/").
// It returns only an error that to.Put returned.
func (t *Tables) Put(ctx context.Context, to evidence.Sink, prefix string) error {
	for _, name := range []string{"flows", "dns", "tls", "http", "remotes"} {
		item := evidence.Item{Path: prefix + name + ".jsonl", Source: "the packets captured"}
		if err := to.Put(ctx, item, func(io.Writer) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}
