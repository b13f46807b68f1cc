package volatile

import (
	"fmt"
	"strconv"

	"hozen/collector/jsonl"
)

// RouteRow is an entry of a routing table: kind "route". See struct rtmsg in
// rtnetlink(7), include/uapi/linux/rtnetlink.h. Rows from /proc/net/route and
// /proc/net/ipv6_route of a fixture have the same form.
type RouteRow struct {
	netHead
	Family    string     `json:"family"`
	Table     uint32     `json:"table"` // 253 default, 254 main, 255 local
	Type      string     `json:"type"`
	To        string     `json:"to"` // prefix: 0.0.0.0/0 is the default
	From      string     `json:"from,omitempty"`
	Gateway   string     `json:"gateway,omitempty"`
	Index     uint32     `json:"index,omitempty"`
	Link      jsonl.Text `json:"link,omitempty"`
	PrefSrc   string     `json:"pref_src,omitempty"`
	Proto     string     `json:"proto,omitempty"`
	Scope     string     `json:"scope,omitempty"`
	TOS       uint8      `json:"tos,omitempty"`
	Metric    uint32     `json:"metric,omitempty"`
	Metrics   []string   `json:"metrics,omitempty"` // name=value
	Mark      uint32     `json:"mark,omitempty"`
	InLink    uint32     `json:"in_index,omitempty"`
	Flags     []string   `json:"flags,omitempty"`
	NexthopID uint32     `json:"nexthop_id,omitempty"`
	Multipath []Hop      `json:"multipath,omitempty"`
	Encap     string     `json:"encap,omitempty"`
	ExpiresIn uint32     `json:"expires_cs,omitempty"`
}

// Hop is one way of a multipath route (struct rtnexthop).
type Hop struct {
	Gateway string     `json:"gateway,omitempty"`
	Index   uint32     `json:"index"`
	Link    jsonl.Text `json:"link,omitempty"`
	Weight  int        `json:"weight"`
	Flags   []string   `json:"flags,omitempty"`
}

func (d *netDecoder) route(b []byte) {
	if len(b) < 12 {
		d.bad("route", len(b))
		return
	}
	flags := u32at(b, 8)
	r := RouteRow{netHead: d.head("route"), Family: familyName(b[0]), TOS: b[3], Table: uint32(b[4]),
		Proto: routeProto(b[5]), Scope: scopeName(b[6]), Type: routeType(b[7]), Flags: hopFlags(flags)}
	dst := zeroAddress(b[0])
	var src []byte
	eachAttr(b[12:], func(t uint16, v []byte) {
		switch t {
		case 1: // RTA_DST
			dst = v
		case 2: // RTA_SRC
			src = v
		case 9: // RTA_MULTIPATH
			r.Multipath = d.hops(v)
		default:
			r.attr(t, v)
		}
	})
	r.To = ipText(dst) + "/" + strconv.Itoa(int(b[1]))
	if src != nil {
		r.From = ipText(src) + "/" + strconv.Itoa(int(b[2]))
	}
	r.Link = d.links[r.Index]
	d.row(&r)
}

func (r *RouteRow) attr(t uint16, v []byte) {
	switch n := u32at(v, 0); t {
	case 3: // RTA_IIF
		r.InLink = n
	case 4: // RTA_OIF
		r.Index = n
	case 5: // RTA_GATEWAY
		r.Gateway = ipText(v)
	case 6: // RTA_PRIORITY
		r.Metric = n
	case 7: // RTA_PREFSRC
		r.PrefSrc = ipText(v)
	case 8: // RTA_METRICS
		r.Metrics = routeMetrics(v)
	case 12: // RTA_CACHEINFO: struct rta_cacheinfo, rta_expires is the third number
		if e := int32(u32at(v, 8)); e > 0 {
			r.ExpiresIn = uint32(e)
		}
	case 15: // RTA_TABLE
		r.Table = n
	case 16: // RTA_MARK
		r.Mark = n
	case 18: // RTA_VIA: family and address
		if len(v) > 2 {
			r.Gateway = ipText(v[2:])
		}
	case 21: // RTA_ENCAP_TYPE
		r.Encap = encapType(u16at(v, 0))
	case 30: // RTA_NH_ID
		r.NexthopID = n
	}
}

func zeroAddress(family uint8) []byte {
	switch family {
	case 2:
		return make([]byte, 4)
	case 10:
		return make([]byte, 16)
	}
	return nil
}

// hops decodes RTA_MULTIPATH: struct rtnexthop (length, flags, hops, index),
// each with its own attributes.
func (d *netDecoder) hops(b []byte) (out []Hop) {
	for len(b) >= 8 {
		n := int(u16at(b, 0))
		if n < 8 || n > len(b) {
			d.bad("multipath", len(b))
			return out
		}
		h := Hop{Index: u32at(b, 4), Weight: int(b[3]) + 1, Flags: hopFlags(uint32(b[2]))}
		h.Link = d.links[h.Index]
		eachAttr(b[8:n], func(t uint16, v []byte) {
			switch {
			case t == 5:
				h.Gateway = ipText(v)
			case t == 18 && len(v) > 2:
				h.Gateway = ipText(v[2:])
			}
		})
		out = append(out, h)
		b = b[min(nlAlign(n), len(b)):]
	}
	return out
}

func hopFlags(n uint32) []string {
	return bitNames(uint64(n), "dead", "pervasive", "onlink", "offload", "linkdown", "unresolved", "trap")
}

func encapType(n uint16) string {
	return nth(uint64(n), "none", "mpls", "ip", "ila", "ip6", "seg6", "bpf", "seg6local", "rpl", "ioam6", "xfrm")
}

// routeMetrics names RTAX_ numbers; all are uint32 but the congestion control's name.
func routeMetrics(v []byte) (out []string) {
	eachAttr(v, func(t uint16, v []byte) {
		name := nth(uint64(t), "", "lock", "mtu", "window", "rtt", "rttvar", "ssthresh", "cwnd", "advmss", "reordering",
			"hoplimit", "initcwnd", "features", "rto_min", "initrwnd", "quickack", "cc_algo", "fastopen_no_cookie")
		if t == 16 {
			out = append(out, fmt.Sprintf("%s=%q", name, string(cText(v))))
			return
		}
		out = append(out, fmt.Sprintf("%s=%d", name, u32at(v, 0)))
	})
	return out
}

// routeType names RTN_ numbers.
func routeType(n uint8) string {
	return nth(uint64(n), "unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable",
		"prohibit", "throw", "nat", "xresolve")
}

// routeProto names RTPROT_ numbers: who put the route there (/etc/iproute2/rt_protos).
func routeProto(n uint8) string {
	switch n {
	case 0, 1, 2, 3, 4:
		return nth(uint64(n), "unspec", "redirect", "kernel", "boot", "static")
	case 9:
		return "ra"
	case 11:
		return "zebra"
	case 12:
		return "bird"
	case 16:
		return "dhcp"
	case 18:
		return "keepalived"
	case 42:
		return "babel"
	case 186:
		return "bgp"
	case 188:
		return "ospf"
	case 189:
		return "rip"
	}
	return nth(uint64(n))
}

// RuleRow is a rule that chooses a routing table: kind "rule". See
// include/uapi/linux/fib_rules.h.
type RuleRow struct {
	netHead
	Family   string     `json:"family"`
	Priority uint32     `json:"priority"`
	Action   string     `json:"action"`
	Invert   bool       `json:"invert,omitempty"`
	From     string     `json:"from,omitempty"`
	To       string     `json:"to,omitempty"`
	InLink   jsonl.Text `json:"in_link,omitempty"`
	OutLink  jsonl.Text `json:"out_link,omitempty"`
	Mark     uint32     `json:"mark,omitempty"`
	Mask     uint32     `json:"mask,omitempty"`
	Table    uint32     `json:"table,omitempty"`
	Goto     uint32     `json:"goto,omitempty"`
	TOS      uint8      `json:"tos,omitempty"`
	IPProto  uint8      `json:"ip_proto,omitempty"`
	SrcPorts string     `json:"src_ports,omitempty"` // from-to
	DstPorts string     `json:"dst_ports,omitempty"`
	UIDs     string     `json:"uids,omitempty"`
	Proto    string     `json:"proto,omitempty"`
	L3MDev   bool       `json:"l3mdev,omitempty"`
	// SuppressPrefixLen: routes with a prefix that short are not used; absent for no such bound.
	SuppressPrefixLen *uint32 `json:"suppress_prefix_len,omitempty"`
}

func (d *netDecoder) rule(b []byte) {
	if len(b) < 12 {
		d.bad("rule", len(b))
		return
	}
	r := RuleRow{netHead: d.head("rule"), Family: familyName(b[0]), TOS: b[3], Table: uint32(b[4]),
		Action: nth(uint64(b[7]), "unspec", "lookup", "goto", "nop", "", "", "blackhole", "unreachable", "prohibit"),
		Invert: u32at(b, 8)&2 != 0} // FIB_RULE_INVERT
	eachAttr(b[12:], func(t uint16, v []byte) {
		switch t {
		case 1: // FRA_DST
			r.To = ipText(v) + "/" + strconv.Itoa(int(b[1]))
		case 2: // FRA_SRC
			r.From = ipText(v) + "/" + strconv.Itoa(int(b[2]))
		default:
			r.attr(t, v)
		}
	})
	d.row(&r)
}

func (r *RuleRow) attr(t uint16, v []byte) {
	switch n := u32at(v, 0); t {
	case 3: // FRA_IIFNAME
		r.InLink = cText(v)
	case 4: // FRA_GOTO
		r.Goto = n
	case 6: // FRA_PRIORITY
		r.Priority = n
	case 10: // FRA_FWMARK
		r.Mark = n
	case 14: // FRA_SUPPRESS_PREFIXLEN
		r.SuppressPrefixLen = lifetime(n)
	case 15: // FRA_TABLE
		r.Table = n
	case 16: // FRA_FWMASK
		r.Mask = n
	case 17: // FRA_OIFNAME
		r.OutLink = cText(v)
	case 19: // FRA_L3MDEV
		r.L3MDev = u8at(v, 0) != 0
	case 20: // FRA_UID_RANGE
		r.UIDs = fmt.Sprintf("%d-%d", n, u32at(v, 4))
	case 21: // FRA_PROTOCOL
		r.Proto = routeProto(u8at(v, 0))
	case 22: // FRA_IP_PROTO
		r.IPProto = u8at(v, 0)
	case 23: // FRA_SPORT_RANGE
		r.SrcPorts = fmt.Sprintf("%d-%d", u16at(v, 0), u16at(v, 2))
	case 24: // FRA_DPORT_RANGE
		r.DstPorts = fmt.Sprintf("%d-%d", u16at(v, 0), u16at(v, 2))
	}
}

// NexthopRow is a nexthop object: kind "nexthop". See include/uapi/linux/nexthop.h.
type NexthopRow struct {
	netHead
	ID        uint32        `json:"id"`
	Family    string        `json:"family"`
	Scope     string        `json:"scope"`
	Proto     string        `json:"proto"`
	Gateway   string        `json:"gateway,omitempty"`
	Index     uint32        `json:"index,omitempty"`
	Link      jsonl.Text    `json:"link,omitempty"`
	Blackhole bool          `json:"blackhole,omitempty"`
	FDB       bool          `json:"fdb,omitempty"`
	Encap     string        `json:"encap,omitempty"`
	Flags     []string      `json:"flags,omitempty"`
	Group     []NexthopPart `json:"group,omitempty"`
}

// NexthopPart is a member of a group of nexthops.
type NexthopPart struct {
	ID     uint32 `json:"id"`
	Weight int    `json:"weight"`
}

func (d *netDecoder) nexthop(b []byte) {
	if len(b) < 8 {
		d.bad("nexthop", len(b))
		return
	}
	r := NexthopRow{netHead: d.head("nexthop"), Family: familyName(b[0]), Scope: scopeName(b[1]), Proto: routeProto(b[2]), Flags: hopFlags(u32at(b, 4))}
	eachAttr(b[8:], func(t uint16, v []byte) {
		switch t {
		case 1: // NHA_ID
			r.ID = u32at(v, 0)
		case 2: // NHA_GROUP: struct nexthop_grp (id, weight-1, high byte of it, reserved)
			for ; len(v) >= 8; v = v[8:] {
				r.Group = append(r.Group, NexthopPart{u32at(v, 0), int(v[4]) | int(v[5])<<8 + 1})
			}
		case 4: // NHA_BLACKHOLE
			r.Blackhole = true
		case 5: // NHA_OIF
			r.Index = u32at(v, 0)
		case 6: // NHA_GATEWAY
			r.Gateway = ipText(v)
		case 7: // NHA_ENCAP_TYPE
			r.Encap = encapType(u16at(v, 0))
		case 11: // NHA_FDB
			r.FDB = true
		}
	})
	r.Link = d.links[r.Index]
	d.row(&r)
}
