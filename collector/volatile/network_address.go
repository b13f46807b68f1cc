package volatile

import (
	"hozen/collector/jsonl"
)

// AddressRow is an address of an interface: kind "address". See struct
// ifaddrmsg in rtnetlink(7), include/uapi/linux/if_addr.h.
type AddressRow struct {
	netHead
	Index     uint32     `json:"index"`
	Link      jsonl.Text `json:"link"`
	Family    string     `json:"family"`
	Address   string     `json:"address"` // the link's own
	PrefixLen uint8      `json:"prefix_len"`
	Peer      string     `json:"peer,omitempty"` // of a point-to-point link
	Broadcast string     `json:"broadcast,omitempty"`
	Label     jsonl.Text `json:"label,omitempty"`
	Scope     string     `json:"scope"`
	Flags     []string   `json:"flags,omitempty"`
	// ValidFor and PreferredFor are in seconds; absent means for ever.
	ValidFor     *uint32 `json:"valid_for_s,omitempty"`
	PreferredFor *uint32 `json:"preferred_for_s,omitempty"`
	// Created and Updated are hundredths of a second since boot.
	Created  uint32 `json:"created_cs,omitempty"`
	Updated  uint32 `json:"updated_cs,omitempty"`
	Priority uint32 `json:"priority,omitempty"`
	Proto    uint8  `json:"proto,omitempty"`
}

func (d *netDecoder) address(b []byte) {
	if len(b) < 8 {
		d.bad("address", len(b))
		return
	}
	r := AddressRow{netHead: d.head("address"), Index: u32at(b, 4), Family: familyName(b[0]), PrefixLen: b[1], Scope: scopeName(b[3])}
	r.Link = d.links[r.Index]
	flags := uint32(b[2])
	local := ""
	eachAttr(b[8:], func(t uint16, v []byte) {
		switch t {
		case 1: // IFA_ADDRESS
			r.Address = ipText(v)
		case 2: // IFA_LOCAL
			local = ipText(v)
		case 3: // IFA_LABEL
			r.Label = cText(v)
		case 4: // IFA_BROADCAST
			r.Broadcast = ipText(v)
		case 6: // IFA_CACHEINFO
			r.PreferredFor, r.ValidFor = lifetime(u32at(v, 0)), lifetime(u32at(v, 4))
			r.Created, r.Updated = u32at(v, 8), u32at(v, 12)
		case 8: // IFA_FLAGS
			flags = u32at(v, 0)
		case 9: // IFA_RT_PRIORITY
			r.Priority = u32at(v, 0)
		case 11: // IFA_PROTO
			r.Proto = u8at(v, 0)
		}
	})
	if local != "" && local != r.Address { // rtnetlink(7): on a point-to-point link IFA_ADDRESS is the peer's
		r.Address, r.Peer = local, r.Address
	}
	first := "secondary"
	if r.Family == "inet6" {
		first = "temporary"
	}
	r.Flags = bitNames(uint64(flags), first, "nodad", "optimistic", "dadfailed", "homeaddress", "deprecated", "tentative",
		"permanent", "managetempaddr", "noprefixroute", "mcautojoin", "stable_privacy")
	d.row(&r)
}

func lifetime(s uint32) *uint32 {
	if s == 0xffffffff {
		return nil
	}
	return &s
}

// scopeName names enum rt_scope_t of rtnetlink.h.
func scopeName(n uint8) string {
	switch n {
	case 0:
		return "global"
	case 200:
		return "site"
	case 253:
		return "link"
	case 254:
		return "host"
	case 255:
		return "nowhere"
	}
	return nth(uint64(n))
}

// NeighbourRow is an entry of the ARP or ND table (kind "neighbour") or of a
// bridge's or tunnel's forwarding table (kind "fdb"). See struct ndmsg in
// rtnetlink(7), include/uapi/linux/neighbour.h.
type NeighbourRow struct {
	netHead
	Index   uint32     `json:"index"`
	Link    jsonl.Text `json:"link"`
	Family  string     `json:"family"`
	Address string     `json:"address,omitempty"`
	MAC     string     `json:"mac,omitempty"`
	State   []string   `json:"state"`
	Flags   []string   `json:"flags,omitempty"`
	Type    string     `json:"type,omitempty"`
	Master  uint32     `json:"master,omitempty"`
	VLAN    uint16     `json:"vlan,omitempty"`
	VNI     uint32     `json:"vni,omitempty"`
	Probes  uint32     `json:"probes,omitempty"`
	Proto   string     `json:"proto,omitempty"`
	// Confirmed, Used and Updated are how long ago, in ticks of 1/100 s (USER_HZ).
	Confirmed uint32 `json:"confirmed_cs,omitempty"`
	Used      uint32 `json:"used_cs,omitempty"`
	Updated   uint32 `json:"updated_cs,omitempty"`
}

func (d *netDecoder) neighbour(b []byte) {
	if len(b) < 12 {
		d.bad("neighbour", len(b))
		return
	}
	r := NeighbourRow{netHead: d.head("neighbour"), Index: u32at(b, 4), Family: familyName(b[0]),
		State: bitNames(uint64(u16at(b, 8)), "incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent"),
		Flags: bitNames(uint64(b[10]), "use", "self", "master", "proxy", "extern_learn", "offloaded", "sticky", "router"),
		Type:  routeType(b[11])}
	if r.State == nil {
		r.State = []string{"none"}
	}
	if r.Family == "bridge" {
		r.Kind = "fdb"
	}
	r.Link = d.links[r.Index]
	eachAttr(b[12:], func(t uint16, v []byte) { r.attr(t, v) })
	d.row(&r)
}

func (r *NeighbourRow) attr(t uint16, v []byte) {
	switch t {
	case 1: // NDA_DST
		r.Address = ipText(v)
	case 2: // NDA_LLADDR
		r.MAC = hardwareAddress(v)
	case 3: // NDA_CACHEINFO
		r.Confirmed, r.Used, r.Updated = u32at(v, 0), u32at(v, 4), u32at(v, 8)
	case 4: // NDA_PROBES
		r.Probes = u32at(v, 0)
	case 5: // NDA_VLAN
		r.VLAN = u16at(v, 0)
	case 7: // NDA_VNI
		r.VNI = u32at(v, 0)
	case 9: // NDA_MASTER
		r.Master = u32at(v, 0)
	case 12: // NDA_PROTOCOL
		r.Proto = routeProto(u8at(v, 0))
	}
}
