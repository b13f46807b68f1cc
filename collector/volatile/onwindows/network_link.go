package onwindows

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// A LinkRow is a network interface: kind "link". It is MIB_IF_ROW2
// (https://learn.microsoft.com/windows/win32/api/netioapi/ns-netioapi-mib_if_row2).
type LinkRow struct {
	Kind         string     `json:"kind"`
	Index        uint32     `json:"index"`
	Name         jsonl.Text `json:"name"`        // the alias, which users see: "Ethernet 2"
	Description  jsonl.Text `json:"description"` // of the driver
	GUID         string     `json:"guid"`
	LUID         string     `json:"luid"` // hexadecimal
	Type         string     `json:"type"` // ether, loopback, ieee802.11, …, or the IANA number
	Tunnel       uint32     `json:"tunnel_type,omitempty"`
	Flags        []string   `json:"flags"` // hardware, filter, connector, not_authenticated, not_media_connected, paused, low_power, endpoint
	MAC          string     `json:"mac,omitempty"`
	PermanentMAC string     `json:"permanent_mac,omitempty"`
	MTU          uint32     `json:"mtu"`
	OperState    string     `json:"operstate"`
	AdminUp      bool       `json:"admin_up"`
	Carrier      bool       `json:"carrier"`
	Network      string     `json:"network,omitempty"` // GUID of the network: its profile is in the registry
	RxSpeed      uint64     `json:"rx_bits_per_s,omitempty"`
	TxSpeed      uint64     `json:"tx_bits_per_s,omitempty"`
	Stats        LinkStats  `json:"stats"`
}

// LinkStats are the counters of an interface since it came up.
type LinkStats struct {
	RxPackets uint64 `json:"rx_packets"`
	TxPackets uint64 `json:"tx_packets"`
	RxBytes   uint64 `json:"rx_bytes"`
	TxBytes   uint64 `json:"tx_bytes"`
	RxErrors  uint64 `json:"rx_errors"`
	TxErrors  uint64 `json:"tx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxDropped uint64 `json:"tx_dropped"`
}

// Tables of netioapi.h begin with a count; the rows have members that are aligned to 8.
const (
	firstRow2  = 8
	sizeIfRow2 = 1352
)

// linkRows reads MIB_IF_TABLE2 and remembers the interfaces' names.
func (n *netNames) linkRows(b []byte, row func(any)) error {
	return eachEntry(b, firstRow2, sizeIfRow2, func(e []byte) {
		r := LinkRow{
			Kind: "link", LUID: fmt.Sprintf("%#x", u64(e, 0)), Index: u32(e, 8), GUID: guid(e[12:]),
			Name: text16(e[28:542]), Description: text16(e[542:1056]),
			MAC: mac(e[1060:1092], u32(e, 1056)), PermanentMAC: mac(e[1092:1124], u32(e, 1056)),
			MTU: u32(e, 1124), Type: linkType(u32(e, 1128)), Tunnel: u32(e, 1132), Flags: bits(uint64(e[1152]), "hardware", "filter", "connector",
				"not_authenticated", "not_media_connected", "paused", "low_power", "endpoint"),
			OperState: operState(u32(e, 1156)), AdminUp: u32(e, 1160) == 1, Carrier: u32(e, 1164) == 1, Network: guid(e[1168:]),
			TxSpeed: speed(u64(e, 1192)), RxSpeed: speed(u64(e, 1200)),
			Stats: LinkStats{
				RxBytes: u64(e, 1208), RxPackets: u64(e, 1216) + u64(e, 1224), RxDropped: u64(e, 1232), RxErrors: u64(e, 1240),
				TxBytes: u64(e, 1280), TxPackets: u64(e, 1288) + u64(e, 1296), TxDropped: u64(e, 1304), TxErrors: u64(e, 1312),
			},
		}
		if n.links == nil {
			n.links = map[uint32]jsonl.Text{}
		}
		n.links[r.Index] = r.Name
		row(&r)
	})
}

// netNames knows the names of the interfaces that were seen.
type netNames struct{ links map[uint32]jsonl.Text }

// speed: all ones means that it is not known.
func speed(n uint64) uint64 {
	if n == 1<<64-1 {
		return 0
	}
	return n
}

func text16(b []byte) jsonl.Text { return jsonl.Text(utf16.ToNUL(b)) }

// mac writes a hardware address of a length that the table claims.
func mac(b []byte, n uint32) string {
	return net.HardwareAddr(b[:min(int(min(n, 64)), len(b))]).String()
}

// linkType names the IANA interface types that are met (ipifcons.h).
func linkType(n uint32) string {
	switch n {
	case 6:
		return "ether"
	case 23:
		return "ppp"
	case 24:
		return "loopback"
	case 53:
		return "virtual"
	case 71:
		return "ieee802.11"
	case 131:
		return "tunnel"
	case 243, 244:
		return "wwan"
	}
	return fmt.Sprint(n)
}

// operState names IF_OPER_STATUS (ifdef.h), in Linux's words.
func operState(n uint32) string {
	return nth(uint64(n), "", "up", "down", "testing", "unknown", "dormant", "notpresent", "lowerlayerdown")
}

// bits names the bits that are set, lowest first; those without a name by their number.
func bits(v uint64, names ...string) []string {
	out := []string{}
	for i := 0; v != 0; i, v = i+1, v>>1 {
		switch {
		case v&1 == 0:
		case i < len(names) && names[i] != "":
			out = append(out, names[i])
		default:
			out = append(out, fmt.Sprintf("bit%d", i))
		}
	}
	return out
}

// guid writes a GUID as Windows shows it; "" for one of zeros.
func guid(b []byte) string {
	s := fmt.Sprintf("{%08X-%04X-%04X-%X-%X}", u32(b, 0), u16(b, 4), u16(b, 6), b[8:10], b[10:16])
	if strings.Trim(s, "{}-0") == "" {
		return ""
	}
	return s
}

// socketAddress reads SOCKADDR_INET, SOCKADDR_IN or SOCKADDR_IN6 (ws2def.h, ws2ipdef.h):
// the address and, of IPv6, the scope id.
func socketAddress(b []byte) (a netip.Addr, scope uint32) {
	switch {
	case len(b) >= 8 && u16(b, 0) == 2:
		return addr4(b[4:]), 0
	case len(b) >= 28 && u16(b, 0) == 23:
		return addr6(b[8:]), u32(b, 24)
	}
	return netip.Addr{}, 0
}

func familyOf(a netip.Addr) string {
	switch {
	case a.Is4():
		return "inet"
	case a.Is6():
		return "inet6"
	}
	return "unknown"
}

// An AddressRow is an address of an interface: kind "address". It is
// MIB_UNICASTIPADDRESS_ROW (netioapi.h).
type AddressRow struct {
	Kind      string     `json:"kind"`
	Index     uint32     `json:"index"`
	Link      jsonl.Text `json:"link"`
	Family    string     `json:"family"`
	Address   netip.Addr `json:"address"`
	PrefixLen uint8      `json:"prefix_len"`
	Scope     uint32     `json:"scope_id,omitempty"`
	// Proto and SuffixProto say how prefix and rest of the address came: other, manual,
	// well_known, dhcp, ra; of the suffix also link_layer and random.
	Proto       string `json:"proto"`
	SuffixProto string `json:"suffix_proto"`
	// State is that of duplicate address detection: invalid, tentative, duplicate, deprecated, preferred.
	State        string `json:"state"`
	SkipAsSource bool   `json:"skip_as_source,omitempty"`
	// ValidFor and PreferredFor are in seconds; absent means for ever.
	ValidFor     *uint32 `json:"valid_for_s,omitempty"`
	PreferredFor *uint32 `json:"preferred_for_s,omitempty"`
	Created      string  `json:"created,omitempty"`
}

// addressRows reads MIB_UNICASTIPADDRESS_TABLE.
func (n *netNames) addressRows(b []byte, row func(any)) error {
	return eachEntry(b, firstRow2, 80, func(e []byte) {
		a, scope := socketAddress(e)
		row(&AddressRow{
			Kind: "address", Index: u32(e, 40), Link: n.links[u32(e, 40)], Family: familyOf(a), Address: a, PrefixLen: e[60], Scope: scope,
			Proto:       nth(uint64(u32(e, 44)), "other", "manual", "well_known", "dhcp", "ra"),
			SuffixProto: nth(uint64(u32(e, 48)), "other", "manual", "well_known", "dhcp", "link_layer", "random"),
			State:       nth(uint64(u32(e, 64)), "invalid", "tentative", "duplicate", "deprecated", "preferred"),
			ValidFor:    lifetime(u32(e, 52)), PreferredFor: lifetime(u32(e, 56)), SkipAsSource: e[61] != 0, Created: stamp(u64(e, 72)),
		})
	})
}

func lifetime(s uint32) *uint32 {
	if s == 0xffffffff {
		return nil
	}
	return &s
}
