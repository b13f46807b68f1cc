package isolate

import (
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Table is the name of our tables, one in each family; armedSet is the set in each of them
// whose one element has the time-out.
const (
	Table    = "hozen_isolation"
	armedSet = "armed"
)

// Want is what our tables are to hold.
type Want struct {
	Hubs []netip.AddrPort
	// Next are routers on the way to the hubs: neighbour discovery with them is kept.
	Next []netip.Addr
	// Left is how long the rules hold.
	Left time.Duration
	// Links are the interfaces whose frames are filtered, too.
	Links []string
}

// Where a chain hangs. First is before everything else that filters, last behind all that
// changes addresses.
const (
	first int32 = math.MinInt32
	last  int32 = math.MaxInt32
)

// A table of ours; all chains drop what no rule accepts.
type table struct {
	family string
	chains []chain
}

type chain struct {
	name, hook, device string
	priority           int32
	rules              []rule
}

// A rule accepts what it matches.
type rule struct {
	kind  ruleKind
	out   bool           // the other side is the destination, not the source
	hub   netip.AddrPort // of hub
	to    netip.Prefix   // of discover and out: where to
	ether uint16         // of frame
}

type ruleKind uint8

const (
	released ruleKind = iota + 1 // the element with the time-out is gone
	loopback
	hub      // inbound no connection attempt: whoever has the hub's address chooses his port
	discover // IPv6 neighbour and router discovery: RFC 4861, sent on this link (hop limit 255)
	frame    // by EtherType
)

// EtherTypes that are kept: ARP; and what a port needs to stay up: 802.1X and WPA keys
// (EAPOL), link aggregation (slow protocols). None of them is forwarded by a router.
const (
	etherARP   = 0x0806
	etherEAPOL = 0x888e
	etherSlow  = 0x8809
)

// tables are the rules that w wants. The inet table does it all for IP; netdev (frames of
// packet sockets, which never see the inet hooks; devices that others lie upon) and bridge
// (frames that pass through) are beside it.
func (w *Want) tables(links, egress, bridge bool) []table {
	in, out := w.packets(false), w.packets(true)
	lo := rule{kind: loopback}
	loOut := rule{kind: loopback, out: true}
	off := rule{kind: released}
	with := func(rules []rule, before ...rule) []rule { return append(slices.Clone(before), rules...) }
	all := []table{{"inet", []chain{
		{"prerouting", "prerouting", "", first, with(in, off, lo)},
		{"input", "input", "", first, with(in, off, lo)},
		{"forward", "forward", "", first, []rule{off}},
		{"output", "output", "", first, with(out, off, loOut)},
		// A rule that rewrites destinations comes between output and here.
		{"postrouting", "postrouting", "", last, with(out, off, loOut)},
	}}}
	frames := []rule{off, {kind: frame, ether: etherARP}, {kind: frame, ether: etherEAPOL}, {kind: frame, ether: etherSlow}}
	link := table{family: "netdev"}
	for i, name := range w.Links {
		link.chains = append(link.chains, chain{fmt.Sprintf("in%d", i), "ingress", name, first, with(in, frames...)})
		if egress {
			link.chains = append(link.chains, chain{fmt.Sprintf("out%d", i), "egress", name, first, with(out, frames...)})
		}
	}
	if links { // also where there is no interface yet
		all = append(all, link)
	}
	if bridge {
		all = append(all, table{"bridge", []chain{{"forward", "forward", "", first, []rule{off}}}})
	}
	return all
}

// packets are the rules for IP in one direction.
func (w *Want) packets(out bool) (rules []rule) {
	for _, h := range w.Hubs {
		rules = append(rules, rule{kind: hub, out: out, hub: h})
	}
	if !out {
		return append(rules, rule{kind: discover})
	}
	// Only to this link: a router forwards a packet of another destination, hop limit or not.
	to := []netip.Prefix{netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff02::/16")}
	for _, a := range w.onLink() {
		to = append(to, netip.PrefixFrom(a, 128))
	}
	for _, p := range to {
		rules = append(rules, rule{kind: discover, out: true, to: p})
	}
	return rules
}

// onLink are the hubs and routers with whom neighbour discovery may be needed.
func (w *Want) onLink() (out []netip.Addr) {
	all := slices.Clone(w.Next)
	for _, h := range w.Hubs {
		all = append(all, h.Addr())
	}
	for _, a := range all {
		if a.Is6() && !a.IsLinkLocalUnicast() && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// Text gives the tables as a script for nft(8), without what this kernel lacks.
func (w *Want) Text() string { return textOf(w.tables(true, true, true), w.Left) }

func textOf(tables []table, left time.Duration) string {
	var b strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&b, "table %s %s {\n\tset %s {\n\t\ttype mark\n\t\tflags timeout\n\t\telements = { 0x00000000 timeout %ds }\n\t}\n",
			t.family, Table, armedSet, int64(left/time.Second))
		for _, c := range t.chains {
			device := ""
			if c.device != "" {
				device = fmt.Sprintf(" device %q", c.device)
			}
			fmt.Fprintf(&b, "\n\tchain %s {\n\t\ttype filter hook %s%s priority %d; policy drop;\n", c.name, c.hook, device, c.priority)
			for _, r := range c.rules {
				fmt.Fprintf(&b, "\t\t%s accept\n", r.text())
			}
			b.WriteString("\t}\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// text is what nft(8) calls it.
func (r rule) text() string {
	iif, addr, port := "iif", "saddr", "sport"
	if r.out {
		iif, addr, port = "oif", "daddr", "dport"
	}
	switch r.kind {
	case released: // mark & 0 is 0, in every family
		return "meta mark & 0x00000000 != @" + armedSet
	case loopback:
		return iif + ` "lo"`
	case hub:
		ip := "ip"
		if r.hub.Addr().Is6() {
			ip = "ip6"
		}
		text := fmt.Sprintf("%s %s %s tcp %s %d", ip, addr, r.hub.Addr(), port, r.hub.Port())
		if !r.out {
			text += " tcp flags & (syn | ack) != syn"
		}
		return text
	case discover:
		to := ""
		if r.out {
			to = " ip6 daddr " + strings.TrimSuffix(r.to.String(), "/128")
		}
		return "icmpv6 type 133-136 ip6 hoplimit 255" + to
	}
	return fmt.Sprintf("meta protocol 0x%04x", r.ether)
}

// WayOut is what root can type to release this machine without this program.
func (m *Machine) WayOut() string {
	if _, ok := m.Firewall.(filtering); ok {
		return wfpWayOut()
	}
	file := m.File
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	return fmt.Sprintf("rm -f '%s'; for f in inet netdev bridge; do nft delete table $f %s; done", strings.ReplaceAll(file, "'", `'\''`), Table)
}
