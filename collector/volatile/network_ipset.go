package volatile

import (
	"strconv"

	"hozen/collector/jsonl"
)

// IPSetRow is a set of addresses that iptables rules refer to: kind "ipset".
// See include/uapi/linux/netfilter/ipset/ip_set.h.
type IPSetRow struct {
	netHead
	Name   jsonl.Text `json:"name"`
	Type   jsonl.Text `json:"type"`
	Family string     `json:"family"`
}

// IPSetEntryRow is an element of a set: kind "ipset_entry".
type IPSetEntryRow struct {
	netHead
	Set       jsonl.Text `json:"set"`
	Address   string     `json:"address,omitempty"`
	AddressTo string     `json:"address_to,omitempty"`
	PrefixLen uint8      `json:"prefix_len,omitempty"`
	Port      uint16     `json:"port,omitempty"`
	PortTo    uint16     `json:"port_to,omitempty"`
	Proto     uint8      `json:"proto,omitempty"`
	MAC       string     `json:"mac,omitempty"`
	Name      jsonl.Text `json:"name,omitempty"`
	Timeout   uint32     `json:"timeout_s,omitempty"`
}

// ipset decodes one answer to IPSET_CMD_LIST. A long set comes in several
// messages; only the first of them has the set's header (IPSET_ATTR_DATA).
func (d *netDecoder) ipset(b []byte) {
	r := IPSetRow{netHead: d.head("ipset")}
	var entries []byte
	first := false
	eachAttr(b[4:], func(t uint16, v []byte) {
		switch t {
		case 2: // IPSET_ATTR_SETNAME
			r.Name = cText(v)
		case 3: // IPSET_ATTR_TYPENAME
			r.Type = cText(v)
		case 5: // IPSET_ATTR_FAMILY
			r.Family = familyName(u8at(v, 0))
		case 7: // IPSET_ATTR_DATA
			first = true
		case 8: // IPSET_ATTR_ADT
			entries = v
		}
	})
	if first {
		d.row(&r)
	}
	eachAttr(entries, func(_ uint16, v []byte) {
		e := IPSetEntryRow{netHead: d.head("ipset_entry"), Set: r.Name}
		eachAttr(v, func(t uint16, v []byte) { e.attr(t, v) })
		d.row(&e)
	})
}

func (e *IPSetEntryRow) attr(t uint16, v []byte) {
	switch t {
	case 1: // IPSET_ATTR_IP: nested, IPv4 or IPv6
		eachAttr(v, func(_ uint16, v []byte) { e.Address = ipText(v) })
	case 2: // IPSET_ATTR_IP_TO
		eachAttr(v, func(_ uint16, v []byte) { e.AddressTo = ipText(v) })
	case 3: // IPSET_ATTR_CIDR
		e.PrefixLen = u8at(v, 0)
	case 4: // IPSET_ATTR_PORT
		e.Port = be16(v)
	case 5: // IPSET_ATTR_PORT_TO
		e.PortTo = be16(v)
	case 6: // IPSET_ATTR_TIMEOUT
		e.Timeout = be32(v)
	case 7: // IPSET_ATTR_PROTO
		e.Proto = u8at(v, 0)
	case 17: // IPSET_ATTR_ETHER
		e.MAC = hardwareAddress(v)
	case 18: // IPSET_ATTR_NAME
		e.Name = cText(v)
	}
}

// maskedAddress writes an address with its mask as a prefix where the mask is one.
func maskedAddress(addr, mask []byte) string {
	ones, ended := 0, false
	for _, m := range mask {
		for bit := 7; bit >= 0; bit-- {
			on := m>>bit&1 == 1
			if on && ended {
				return ipText(addr) + "/" + ipText(mask)
			}
			if on {
				ones++
			} else {
				ended = true
			}
		}
	}
	return ipText(addr) + "/" + strconv.Itoa(ones)
}
