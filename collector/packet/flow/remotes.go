package flow

import (
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// A RemoteRow sums up what was exchanged with one address: what left, when, to where.
// Flows in tunnels count for their own ends, and the tunnel for its own.
type RemoteRow struct {
	Remote     string       `json:"remote"`          // address
	Scope      string       `json:"scope"`           // public, private, link-local, multicast, loopback, own (of this host) or unspecified
	Names      []jsonl.Text `json:"names,omitempty"` // from answers of DNS, server names of TLS and Host headers in this capture
	BytesOut   uint64       `json:"bytes_out"`       // payload that went to it
	BytesIn    uint64       `json:"bytes_in"`        // payload that came from it
	IPBytesOut uint64       `json:"ip_bytes_out"`
	IPBytesIn  uint64       `json:"ip_bytes_in"`
	PacketsOut uint64       `json:"packets_out"`
	PacketsIn  uint64       `json:"packets_in"`
	Flows      uint64       `json:"flows"`
	Inbound    uint64       `json:"inbound"` // of these, begun by it
	First      string       `json:"first"`
	Last       string       `json:"last"`
	Locals     []string     `json:"locals,omitempty"` // addresses that spoke with it
	Ports      []string     `json:"ports,omitempty"`  // of whoever was asked: "tcp/443"
	Services   []string     `json:"services,omitempty"`
	Processes  []ProcessRow `json:"processes,omitempty"`
	Cut        bool         `json:"cut,omitempty"` // a list is not whole
}

// A ProcessRow is a process of this host that spoke with an address.
type ProcessRow struct {
	PID       int        `json:"pid"`
	Exe       jsonl.Text `json:"exe,omitempty"`
	Container string     `json:"container,omitempty"`
}

// Bounds of the summary.
const (
	maxRemotes     = 200_000
	maxRemoteLists = 32
	maxKnown       = 100_000 // addresses with names
	maxKnownBytes  = 32 << 20
	maxKnownNames  = 16 // names of one address
)

// A remote gathers what goes into a RemoteRow.
type remote struct {
	addr               netip.Addr
	bytes, ip, packets [2]uint64 // [0] out, [1] in
	flows, inbound     uint64
	first, last        int64
	locals             []netip.Addr
	ports              []uint32 // protocol and port
	services           []string
	owners             []*owner
	cut                bool
}

// nameOf notes a name of an address.
func (t *Tables) nameOf(addr netip.Addr, name string) {
	have := t.known[addr]
	if name == "" || len(name) > 1024 || t.knownBytes > maxKnownBytes || len(have) >= maxKnownNames || have == nil && len(t.known) >= maxKnown || slices.Contains(have, name) {
		return
	}
	t.known[addr] = append(have, name)
	t.knownBytes += len(name)
}

// own says whether an address is this host's, as far as that is known.
func (t *Tables) own(a netip.Addr) bool {
	for _, p := range t.opt.Local {
		if p.Contains(a) {
			return true
		}
	}
	return len(t.opt.Local) > 0 && (a.IsLoopback() || a.IsUnspecified())
}

// nearness ranks an address by how near to this host it is: 2 its own, 1 one that is not
// routed on the internet (a container behind a bridge, the neighbour in a capture that was
// brought), 0 any other.
func (t *Tables) nearness(a netip.Addr) int {
	if t.own(a) {
		return 2
	}
	switch scopeOf(a) {
	case "public", "multicast":
		return 0
	}
	return 1
}

func scopeOf(a netip.Addr) string {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) // RFC 6598
	switch {
	case a.IsUnspecified():
		return "unspecified"
	case a.IsLoopback():
		return "loopback"
	case a.IsMulticast(), a == broadcast:
		return "multicast"
	case a.IsLinkLocalUnicast():
		return "link-local"
	case a.IsPrivate(), shared.Contains(a):
		return "private"
	}
	return "public"
}

// rememberRemote adds a flow to the summary of its remote end: the one that is farther
// from this host; of two alike, the one that was asked.
func (t *Tables) rememberRemote(c *conn) {
	s := &c.sum
	out, addr, near := 0, s.resp, s.orig
	if t.nearness(s.resp) > t.nearness(s.orig) {
		out, addr, near = 1, s.orig, s.resp
	}
	r := t.remotes[addr]
	if r == nil {
		if len(t.remotes) >= maxRemotes {
			t.cutRemotes++
			return
		}
		r = &remote{addr: addr, first: s.start, last: s.last}
		t.remotes[addr] = r
	}
	for i := range 2 {
		from := out ^ i
		r.bytes[i] += s.bytes[from]
		r.ip[i] += s.ipBytes[from]
		r.packets[i] += s.packets[from]
	}
	r.flows++
	r.inbound += uint64(out)
	r.first, r.last = min(r.first, s.start), max(r.last, s.last)
	r.locals = addOnce(r.locals, near, &r.cut)
	if s.proto == protoTCP || s.proto == protoUDP || s.proto == protoSCTP {
		r.ports = addOnce(r.ports, uint32(s.proto)<<16|uint32(s.respPort), &r.cut)
	}
	if name, _ := s.service(); name != "" {
		r.services = addOnce(r.services, name, &r.cut)
	}
	if s.owner != nil {
		r.owners = addOnce(r.owners, s.owner, &r.cut)
	}
}

func addOnce[T comparable](in []T, v T, cut *bool) []T {
	if slices.Contains(in, v) {
		return in
	}
	if len(in) >= maxRemoteLists {
		*cut = true
		return in
	}
	return append(in, v)
}

func (t *Tables) remoteRow(r *remote) RemoteRow {
	row := RemoteRow{Remote: r.addr.String(), Scope: scopeOf(r.addr), BytesOut: r.bytes[0], BytesIn: r.bytes[1], IPBytesOut: r.ip[0], IPBytesIn: r.ip[1],
		PacketsOut: r.packets[0], PacketsIn: r.packets[1], Flows: r.flows, Inbound: r.inbound, First: timeText(r.first), Last: timeText(r.last),
		Names: jsonl.Texts(t.known[r.addr]), Services: r.services, Cut: r.cut}
	if t.own(r.addr) {
		row.Scope = "own"
	}
	for _, a := range r.locals {
		row.Locals = append(row.Locals, a.String())
	}
	slices.Sort(r.ports)
	for _, p := range r.ports {
		row.Ports = append(row.Ports, protoName(uint8(p>>16))+"/"+strconv.Itoa(int(p&0xffff)))
	}
	for _, o := range r.owners {
		row.Processes = append(row.Processes, ProcessRow{o.pid, jsonl.Text(o.exe), o.container})
	}
	return row
}

// writeRemotes writes the remote addresses, those to which most went first.
func (t *Tables) writeRemotes(w io.Writer) error {
	all := make([]*remote, 0, len(t.remotes))
	for _, r := range t.remotes {
		all = append(all, r)
	}
	sorting.By(all, func(a, b *remote) int {
		for _, d := range []int{cmpInt(int64(b.bytes[0]), int64(a.bytes[0])), cmpInt(int64(b.ip[0]), int64(a.ip[0])), a.addr.Compare(b.addr)} {
			if d != 0 {
				return d
			}
		}
		return strings.Compare(a.addr.Zone(), b.addr.Zone())
	})
	out := jsonl.NewWriter(w)
	for _, r := range all {
		row := t.remoteRow(r)
		if err := out.Row(&row); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if t.cutRemotes > 0 {
		return evidence.Cut("%d flows with addresses more than there is room for", t.cutRemotes)
	}
	return nil
}
