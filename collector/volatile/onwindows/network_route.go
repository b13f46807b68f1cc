package onwindows

import (
	"fmt"
	"net/netip"

	"hozen/collector/jsonl"
)

// A NeighbourRow is an entry of the ARP or ND table: kind "neighbour". It is
// MIB_IPNET_ROW2 (netioapi.h).
type NeighbourRow struct {
	Kind    string     `json:"kind"`
	Index   uint32     `json:"index"`
	Link    jsonl.Text `json:"link"`
	Family  string     `json:"family"`
	Address netip.Addr `json:"address,omitzero"`
	MAC     string     `json:"mac,omitempty"`
	State   []string   `json:"state"` // one of NL_NEIGHBOR_STATE: failed, incomplete, probe, delay, stale, reachable, permanent
	Flags   []string   `json:"flags,omitempty"`
	// Confirmed is how many milliseconds ago the neighbour was last known to be reachable.
	Confirmed uint32 `json:"confirmed_ms,omitempty"`
}

// neighbourRows reads MIB_IPNET_TABLE2.
func (n *netNames) neighbourRows(b []byte, row func(any)) error {
	return eachEntry(b, firstRow2, 88, func(e []byte) {
		a, _ := socketAddress(e)
		row(&NeighbourRow{
			Kind: "neighbour", Index: u32(e, 28), Link: n.links[u32(e, 28)], Family: familyOf(a), Address: a, MAC: mac(e[40:72], u32(e, 72)),
			State:     []string{nth(uint64(u32(e, 76)), "failed", "incomplete", "probe", "delay", "stale", "reachable", "permanent")},
			Flags:     bits(uint64(e[80]), "router", "unreachable"),
			Confirmed: u32(e, 84),
		})
	})
}

// A RouteRow is an entry of the routing table: kind "route". It is MIB_IPFORWARD_ROW2
// (netioapi.h).
type RouteRow struct {
	Kind    string     `json:"kind"`
	Family  string     `json:"family"`
	To      string     `json:"to"` // prefix: 0.0.0.0/0 is the default
	Gateway netip.Addr `json:"gateway,omitzero"`
	Index   uint32     `json:"index"`
	Link    jsonl.Text `json:"link"`
	Proto   string     `json:"proto"`  // who put it there: local, static (netmgmt), dhcp, ra, …
	Origin  string     `json:"origin"` // manual, well_known, dhcp, ra, 6to4
	Metric  uint32     `json:"metric"` // to be added to the interface's
	Flags   []string   `json:"flags,omitempty"`
	// ValidFor is in seconds; absent means for ever. Age is in seconds, too.
	ValidFor *uint32 `json:"valid_for_s,omitempty"`
	Age      uint32  `json:"age_s"`
}

// routeRows reads MIB_IPFORWARD_TABLE2.
func (n *netNames) routeRows(b []byte, row func(any)) error {
	return eachEntry(b, firstRow2, 104, func(e []byte) {
		to, _ := socketAddress(e[12:40])
		r := RouteRow{
			Kind: "route", Index: u32(e, 8), Link: n.links[u32(e, 8)], Family: familyOf(to), To: fmt.Sprintf("%s/%d", to, e[40]),
			Proto: routeProto(u32(e, 88)), Origin: nth(uint64(u32(e, 100)), "manual", "well_known", "dhcp", "ra", "6to4"),
			Metric: u32(e, 84), ValidFor: lifetime(u32(e, 76)), Age: u32(e, 96),
		}
		if gateway, _ := socketAddress(e[44:72]); gateway.IsValid() && !gateway.IsUnspecified() {
			r.Gateway = gateway
		}
		for i, name := range []string{"loopback", "autoconf", "publish", "immortal"} {
			if e[92+i] != 0 {
				r.Flags = append(r.Flags, name)
			}
		}
		row(&r)
	})
}

// routeProto names NL_ROUTE_PROTOCOL (nldef.h), in Linux's words where it has them.
func routeProto(n uint32) string {
	switch n {
	case 10002, 10006, 10007: // NT_AUTOSTATIC, NT_STATIC, NT_STATIC_NON_DOD
		return "static"
	}
	return nth(uint64(n), "", "other", "local", "static", "icmp", "egp", "ggp", "hello", "rip", "isis", "esis", "cisco", "bbn", "ospf", "bgp",
		"idpr", "eigrp", "dvmrp", "rpl", "dhcp")
}

// A ResolverRow is one setting of how names are resolved, as an interface has it now:
// kind "resolver". Settings in the registry are rows of kind "resolver_setting".
type ResolverRow struct {
	Kind   string       `json:"kind"`
	Index  uint32       `json:"index"`
	Link   jsonl.Text   `json:"link"`
	Key    string       `json:"key"` // nameserver, search, wins, gateway, dhcp
	Values []jsonl.Text `json:"values"`
}
