package packet

import (
	"net/netip"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/packet/flow"
)

// An owner is the process that holds a socket.
type owner struct {
	pid            int
	exe, container string // container: "docker:4f…", "" outside of one
	others         int    // processes more that hold the same socket
}

// A socketKey is a socket as /proc/net shows it. Remote is the zero port of an
// unspecified address where it is not connected.
type socketKey struct {
	proto         uint8
	local, remote netip.AddrPort
}

// owners says which process is at an end of a flow. It reads the tables of
// sockets every second and soon after a new flow was seen, but never for more than
// a tenth of the time: what it learnt stays when the socket is gone.
type owners struct {
	h   *collector.Host
	due chan struct{}

	mu     sync.Mutex // of reading the tables
	read   time.Time  // when they were read last
	took   time.Duration
	reads  int
	spent  time.Duration
	tables socketTables

	lookup sync.Mutex // of what follows
	known  map[socketKey]*owner
	open   map[socketKey]openSocket // unconnected sockets of our own network namespace
	local  map[netip.Addr]bool
}

// An openSocket is an unconnected socket and when it was there last.
type openSocket struct {
	*owner
	seen time.Time
}

const (
	refreshEvery = time.Second
	refreshGap   = 100 * time.Millisecond
	refreshShare = 10 // one part of so many is spent on reading
	maxKnown     = 1 << 17
	openFor      = 15 * time.Second // unconnected sockets are remembered: a segment is written some seconds after its packets
)

func newOwners(h *collector.Host) *owners {
	return &owners{h: h, tables: newTables(h), due: make(chan struct{}, 1), known: map[socketKey]*owner{}, open: map[socketKey]openSocket{}}
}

// setLocal says which addresses are ours: an unconnected socket receives for them alone.
func (o *owners) setLocal(all []netip.Addr) {
	m := map[netip.Addr]bool{}
	for _, a := range all {
		m[a] = true
	}
	o.lookup.Lock()
	defer o.lookup.Unlock()
	o.local = m
}

// wake makes the tables be read soon.
func (o *owners) wake() {
	select {
	case o.due <- struct{}{}:
	default:
	}
}

// watch reads the tables again and again, until the function that it gives is called.
func (o *owners) watch() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(refreshEvery)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
			case <-o.due:
			}
			for done := false; !done; {
				var next time.Duration
				done, next = o.freshen()
				wait := time.NewTimer(next)
				select {
				case <-end:
					wait.Stop()
					return
				case <-wait.C:
				}
			}
		}
	}()
	return func() { close(end); <-ended }
}

// freshen reads the tables, if they may be read again already, says whether it
// did, and gives the time until the next reading.
func (o *owners) freshen() (done bool, next time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	gap := max(refreshGap, o.took*refreshShare)
	if since := time.Since(o.read); !o.read.IsZero() && since < gap {
		return false, gap - since
	}
	began := time.Now()
	known, open := o.tables.read(o.h)
	o.lookup.Lock()
	if len(o.known)+len(known) > maxKnown {
		clear(o.known)
	}
	for k, v := range known {
		o.known[k] = v
	}
	now := time.Now()
	for k, v := range o.open {
		if now.Sub(v.seen) > openFor {
			delete(o.open, k)
		}
	}
	for k, v := range open {
		o.open[k] = openSocket{v, now}
	}
	o.lookup.Unlock()
	o.read = time.Now()
	o.took = o.read.Sub(began)
	o.reads++
	o.spent += o.took
	return true, max(refreshGap, o.took*refreshShare)
}

// cost says how often the tables were read, and how many milliseconds that took.
func (o *owners) cost() (reads int, ms int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reads, o.spent.Milliseconds()
}

// at finds the process at the source of a flow; nil if it is not known.
func (o *owners) at(k key) *owner {
	if p := o.known[socketKey{k.proto, k.src, k.dst}]; p != nil {
		return p
	}
	a := k.src.Addr()
	if !o.local[a] && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return nil
	}
	any4, any6 := netip.AddrFrom4([4]byte{}), netip.IPv6Unspecified()
	for _, local := range []netip.Addr{a, any4, any6} {
		if local == any4 && !a.Is4() {
			continue
		}
		if s, ok := o.open[socketKey{proto: k.proto, local: netip.AddrPortFrom(local, k.src.Port())}]; ok {
			return s.owner
		}
	}
	return nil
}

// comments says who is at the ends of a flow, a comment for each that is known.
func (o *owners) comments(k key) (out []string) {
	o.lookup.Lock()
	defer o.lookup.Unlock()
	if p := o.at(k); p != nil {
		out = append(out, p.comment("source"))
	}
	if p := o.at(k.turned()); p != nil {
		out = append(out, p.comment("destination"))
	}
	return out
}

// ofFlow is comments for the tables: the one who began the flow, else who was asked.
func (o *owners) ofFlow(f flow.Key) (pid int, exe, container string, ok bool) {
	o.lookup.Lock()
	defer o.lookup.Unlock()
	k := key{f.Proto, f.Orig, f.Resp}
	p := o.at(k)
	if p == nil {
		p = o.at(k.turned())
	}
	if p == nil {
		return 0, "", "", false
	}
	return p.pid, p.exe, p.container, true
}
