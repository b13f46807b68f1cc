package volatile

import (
	"encoding/binary"
	"strconv"

	"hozen/collector/jsonl"
)

// LinkRow is a network interface: kind "link". Attributes and flags are those
// of include/uapi/linux/if_link.h and netdevice(7).
type LinkRow struct {
	netHead
	Index          int32        `json:"index"`
	Name           jsonl.Text   `json:"name"`
	AltNames       []jsonl.Text `json:"alt_names,omitempty"`
	Alias          jsonl.Text   `json:"alias,omitempty"`
	Type           string       `json:"type"` // ARPHRD_ type: ether, loopback, …, or the number
	InfoKind       jsonl.Text   `json:"info_kind,omitempty"`
	SlaveKind      jsonl.Text   `json:"slave_kind,omitempty"`
	Flags          []string     `json:"flags"`
	Promisc        bool         `json:"promisc"`     // the flag IFF_PROMISC
	Promiscuity    uint32       `json:"promiscuity"` // how many users want it: packet sockets do not set the flag
	AllMulti       uint32       `json:"allmulti,omitempty"`
	MAC            string       `json:"mac,omitempty"`
	PermanentMAC   string       `json:"permanent_mac,omitempty"`
	Broadcast      string       `json:"broadcast,omitempty"`
	MTU            uint32       `json:"mtu"`
	OperState      string       `json:"operstate"`
	Carrier        bool         `json:"carrier"`
	CarrierChanges uint32       `json:"carrier_changes,omitempty"`
	Master         uint32       `json:"master,omitempty"`
	Link           uint32       `json:"link,omitempty"`         // index of the peer or lower link, in its namespace
	LinkNetNSID    *int32       `json:"link_netnsid,omitempty"` // the namespace of Link, as this one numbers it
	LinkNetNS      uint64       `json:"link_netns,omitempty"`   // its inode, where it was found
	Qdisc          jsonl.Text   `json:"qdisc,omitempty"`
	Group          uint32       `json:"group,omitempty"`
	TxQueueLen     uint32       `json:"tx_queue_len,omitempty"`
	TxQueues       uint32       `json:"tx_queues,omitempty"`
	RxQueues       uint32       `json:"rx_queues,omitempty"`
	ParentDev      jsonl.Text   `json:"parent_dev,omitempty"`
	ParentBus      jsonl.Text   `json:"parent_bus,omitempty"`
	XDP            []XDPProgram `json:"xdp,omitempty"`
	Info           *LinkInfo    `json:"info,omitempty"`
	Stats          *LinkStats   `json:"stats,omitempty"`
}

// XDPProgram is an eBPF program at the driver's door: it sees packets before
// any firewall or capture does.
type XDPProgram struct {
	Mode      string `json:"mode"` // driver, generic or offload
	ProgramID uint32 `json:"program_id"`
}

// LinkInfo is what matters of IFLA_INFO_DATA, by info_kind.
type LinkInfo struct {
	ID          uint32 `json:"id,omitempty"` // VLAN or network identifier
	Local       string `json:"local,omitempty"`
	Remote      string `json:"remote,omitempty"`
	Port        uint16 `json:"port,omitempty"`
	Mode        uint32 `json:"mode,omitempty"` // of macvlan, ipvlan, bond
	Table       uint32 `json:"table,omitempty"`
	Owner       uint32 `json:"owner,omitempty"` // of a tun device
	TunType     string `json:"tun_type,omitempty"`
	ActiveSlave uint32 `json:"active_slave,omitempty"`
}

// LinkStats are the first counters of struct rtnl_link_stats64.
type LinkStats struct {
	RxPackets  uint64 `json:"rx_packets"`
	TxPackets  uint64 `json:"tx_packets"`
	RxBytes    uint64 `json:"rx_bytes"`
	TxBytes    uint64 `json:"tx_bytes"`
	RxErrors   uint64 `json:"rx_errors"`
	TxErrors   uint64 `json:"tx_errors"`
	RxDropped  uint64 `json:"rx_dropped"`
	TxDropped  uint64 `json:"tx_dropped"`
	Multicast  uint64 `json:"multicast"`
	Collisions uint64 `json:"collisions"`
}

const iffPromisc = 0x100 // netdevice(7)

// link decodes struct ifinfomsg and its attributes.
func (d *netDecoder) link(b []byte) {
	if len(b) < 16 {
		d.bad("link", len(b))
		return
	}
	flags := u32at(b, 8)
	r := LinkRow{netHead: d.head("link"), Index: int32(u32at(b, 4)), Type: linkType(u16at(b, 2)),
		Flags: linkFlags(flags), Promisc: flags&iffPromisc != 0, OperState: "unknown"}
	eachAttr(b[16:], func(t uint16, v []byte) {
		if !r.text(t, v) {
			r.number(t, v)
		}
	})
	if r.LinkNetNSID != nil {
		r.LinkNetNS = d.peers[*r.LinkNetNSID]
	}
	d.links[uint32(r.Index)] = r.Name
	d.row(&r)
}

func linkFlags(n uint32) []string {
	return bitNames(uint64(n), "UP", "BROADCAST", "DEBUG", "LOOPBACK", "POINTOPOINT", "NOTRAILERS", "RUNNING", "NOARP",
		"PROMISC", "ALLMULTI", "MASTER", "SLAVE", "MULTICAST", "PORTSEL", "AUTOMEDIA", "DYNAMIC", "LOWER_UP", "DORMANT", "ECHO")
}

// linkType names the ARPHRD_ numbers that are met (include/uapi/linux/if_arp.h).
func linkType(n uint16) string {
	switch n {
	case 1:
		return "ether"
	case 32:
		return "infiniband"
	case 512:
		return "ppp"
	case 768:
		return "ipip"
	case 769:
		return "ip6tnl"
	case 772:
		return "loopback"
	case 776:
		return "sit"
	case 778:
		return "gre"
	case 801:
		return "ieee802.11"
	case 803:
		return "ieee802.11/radiotap" // a monitor interface
	case 823:
		return "gre6"
	case 65534:
		return "none"
	}
	return strconv.Itoa(int(n))
}

func (r *LinkRow) text(t uint16, v []byte) bool {
	switch t {
	case 1: // IFLA_ADDRESS
		r.MAC = hardwareAddress(v)
	case 2:
		r.Broadcast = hardwareAddress(v)
	case 3: // IFLA_IFNAME
		r.Name = cText(v)
	case 6: // IFLA_QDISC
		r.Qdisc = cText(v)
	case 18: // IFLA_LINKINFO
		r.linkInfo(v)
	case 20: // IFLA_IFALIAS
		r.Alias = cText(v)
	case 23: // IFLA_STATS64
		r.Stats = linkStats(v)
	case 43: // IFLA_XDP
		r.XDP = xdpPrograms(v)
	case 52: // IFLA_PROP_LIST
		eachAttr(v, func(t uint16, v []byte) {
			if t == 53 { // IFLA_ALT_IFNAME
				r.AltNames = append(r.AltNames, cText(v))
			}
		})
	case 54: // IFLA_PERM_ADDRESS
		r.PermanentMAC = hardwareAddress(v)
	case 56: // IFLA_PARENT_DEV_NAME
		r.ParentDev = cText(v)
	case 57: // IFLA_PARENT_DEV_BUS_NAME
		r.ParentBus = cText(v)
	default:
		return false
	}
	return true
}

func (r *LinkRow) number(t uint16, v []byte) {
	switch n := u32at(v, 0); t {
	case 4: // IFLA_MTU
		r.MTU = n
	case 5: // IFLA_LINK
		r.Link = n
	case 10: // IFLA_MASTER
		r.Master = n
	case 13: // IFLA_TXQLEN
		r.TxQueueLen = n
	case 16: // IFLA_OPERSTATE, RFC 2863
		r.OperState = nth(uint64(u8at(v, 0)), "unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up")
	case 27: // IFLA_GROUP
		r.Group = n
	case 30: // IFLA_PROMISCUITY
		r.Promiscuity = n
	case 31: // IFLA_NUM_TX_QUEUES
		r.TxQueues = n
	case 32: // IFLA_NUM_RX_QUEUES
		r.RxQueues = n
	case 33: // IFLA_CARRIER
		r.Carrier = u8at(v, 0) != 0
	case 35: // IFLA_CARRIER_CHANGES
		r.CarrierChanges = n
	case 37: // IFLA_LINK_NETNSID
		id := int32(n)
		r.LinkNetNSID = &id
	case 61: // IFLA_ALLMULTI
		r.AllMulti = n
	}
}

func linkStats(v []byte) *LinkStats {
	if len(v) < 80 {
		return nil
	}
	n := func(i int) uint64 { return binary.NativeEndian.Uint64(v[8*i:]) }
	return &LinkStats{n(0), n(1), n(2), n(3), n(4), n(5), n(6), n(7), n(8), n(9)}
}

// xdpPrograms decodes IFLA_XDP: one program per mode can be attached.
func xdpPrograms(v []byte) (out []XDPProgram) {
	mode, single := "", uint32(0)
	eachAttr(v, func(t uint16, v []byte) {
		switch n := u32at(v, 0); t {
		case 2: // IFLA_XDP_ATTACHED
			mode = nth(uint64(u8at(v, 0)), "none", "driver", "generic", "offload", "multi")
		case 4: // IFLA_XDP_PROG_ID
			single = n
		case 5:
			out = append(out, XDPProgram{"driver", n})
		case 6:
			out = append(out, XDPProgram{"generic", n})
		case 7:
			out = append(out, XDPProgram{"offload", n})
		}
	})
	if len(out) == 0 && single != 0 {
		out = append(out, XDPProgram{mode, single})
	}
	return out
}

func (r *LinkRow) linkInfo(v []byte) {
	var data []byte
	eachAttr(v, func(t uint16, v []byte) {
		switch t {
		case 1: // IFLA_INFO_KIND
			r.InfoKind = cText(v)
		case 2: // IFLA_INFO_DATA
			data = v
		case 4: // IFLA_INFO_SLAVE_KIND
			r.SlaveKind = cText(v)
		}
	})
	var i LinkInfo
	eachAttr(data, func(t uint16, v []byte) { i.attr(string(r.InfoKind), t, v) })
	if i != (LinkInfo{}) {
		r.Info = &i
	}
}

// attr takes one attribute of a kind of link; the numbers are the IFLA_VLAN_,
// IFLA_VXLAN_, IFLA_GRE_, … of if_link.h and if_tunnel.h.
func (i *LinkInfo) attr(kind string, t uint16, v []byte) {
	n := u32at(v, 0)
	switch kind {
	case "vlan":
		if t == 1 {
			i.ID = uint32(u16at(v, 0))
		}
	case "vxlan":
		switch t {
		case 1:
			i.ID = n
		case 2, 16:
			i.Remote = ipText(v)
		case 4, 17:
			i.Local = ipText(v)
		case 15:
			i.Port = be16(v)
		}
	case "gre", "gretap", "ip6gre", "ip6gretap":
		i.ends(t, 6, 7, v)
	case "ipip", "sit", "ip6tnl":
		i.ends(t, 2, 3, v)
	case "macvlan", "macvtap":
		if t == 1 {
			i.Mode = n
		}
	case "bond":
		switch t {
		case 1:
			i.Mode = uint32(u8at(v, 0))
		case 2:
			i.ActiveSlave = n
		}
	case "vrf":
		if t == 1 {
			i.Table = n
		}
	case "tun":
		switch t {
		case 1:
			i.Owner = n
		case 3:
			i.TunType = nth(uint64(u8at(v, 0)), "", "tun", "tap")
		}
	}
}

func (i *LinkInfo) ends(t, local, remote uint16, v []byte) {
	switch t {
	case local:
		i.Local = ipText(v)
	case remote:
		i.Remote = ipText(v)
	}
}
