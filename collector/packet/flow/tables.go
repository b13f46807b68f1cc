package flow

import (
	"math"
	"net/netip"
	"sync"
	"time"
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
	// Local are the host's own addresses (AddLocal adds others); empty: addresses that are not routed on
	// the internet count as local.
	Local []netip.Prefix
	// Source says in the records what the packets are from: a file's name, "interfaces
	// eth0, lo".
	Source string
	// PerInterface keeps flows of different interfaces apart: good for a live capture
	// of several, where one packet may be seen on a bridge and on what is below it.
	PerInterface bool
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
	mu     sync.Mutex
	opt    Options
	names  map[int]string // of interfaces
	closed bool           // Put has begun

	now       int64 // the time of the packet in hand
	clock     int64 // the latest time of any packet
	nextSweep int64

	flows          map[flowKey]*conn
	newest, oldest *conn // by last packet
	lastID         uint64
	done           [][]summary // flows that are over, in chunks
	kept           int
	dnsChecks      []dnsCheck // by time
	aheadBytes     int        // held by the reassembly of TCP
	appBytes       int        // held by what reads flows
	knownBytes     int        // of names of addresses
	fragments      fragments
	tunnels        map[tunnel]*tunnel
	owners         map[owner]*owner
	histories      map[string]string

	dns, tls, http textTable
	remotes        map[netip.Addr]*remote
	known          map[netip.Addr][]string // names of addresses

	packets    uint64
	undecoded  uint64 // packets of a link type that is not known
	faults     uint64 // packets that a decoder broke on
	evicted    uint64 // flows that ended for want of room
	cutReads   uint64 // flows that were read no further, for want of room
	cutFlows   uint64 // flows whose row there was no room for
	cutRemotes uint64 // flows whose remote address there was no room for
}

// New makes empty tables.
func New(o Options) *Tables {
	if o.MaxFlows <= 0 {
		o.MaxFlows = DefaultMaxFlows
	}
	if o.MaxRows <= 0 {
		o.MaxRows = DefaultMaxRows
	}
	if o.Source == "" {
		o.Source = "packets"
	}
	text := textTable{max: o.MaxRows}
	return &Tables{opt: o, names: map[int]string{}, clock: math.MinInt64, flows: map[flowKey]*conn{}, tunnels: map[tunnel]*tunnel{},
		owners: map[owner]*owner{}, histories: map[string]string{}, dns: text, tls: text, http: text,
		remotes: map[netip.Addr]*remote{}, known: map[netip.Addr][]string{}}
}

// AddLocal tells addresses of the host itself, which may come up during a capture.
func (t *Tables) AddLocal(all []netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range all {
		if len(t.opt.Local) < 10_000 && a.IsValid() && !t.own(a) {
			t.opt.Local = append(t.opt.Local, netip.PrefixFrom(a.WithZone(""), a.BitLen()))
		}
	}
}

// Interface names the interface with the number that Packet is given.
func (t *Tables) Interface(iface int, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.names) < 10_000 {
		t.names[iface] = name
	}
}

// Packet takes one packet: the interface's number, its LINKTYPE_ number
// (https://www.tcpdump.org/linktypes.html), the time, the bytes captured and the
// length that the packet had on the wire. It keeps no part of data. After Put has
// begun it does nothing.
func (t *Tables) Packet(iface int, linkType uint16, at time.Time, data []byte, origLen int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	defer t.fault()
	t.packets++
	t.now = nanoseconds(at)
	if t.now > t.clock {
		t.clock = t.now
		t.checkDNS()
		if t.clock >= t.nextSweep {
			t.sweep()
		}
	}
	p := packet{t: t, at: t.now, iface: iface, budget: maxHeaders, cut: max(origLen-len(data), 0)}
	p.link(linkType, data)
}

// fault counts a packet on which a decoder broke: the rest goes on.
func (t *Tables) fault() {
	if recover() != nil {
		t.faults++
	}
}

// nanoseconds gives a time as nanoseconds since 1970, as near as they reach (the years 1678 to 2262).
func nanoseconds(at time.Time) int64 {
	const second = int64(time.Second)
	switch s := at.Unix(); {
	case s < math.MinInt64/second+1:
		return math.MinInt64 / 2
	case s > math.MaxInt64/second-1:
		return math.MaxInt64 / 2
	}
	return at.UnixNano()
}
