package volatile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// netHead begins every row of volatile/network.jsonl: what the row is, and the
// inode of the network namespace that it was read in (none for rows from files).
type netHead struct {
	Kind  string `json:"kind"`
	NetNS uint64 `json:"netns,omitempty"`
}

// A netDecoder turns what the kernel said of one network namespace into rows.
type netDecoder struct {
	ns    uint64
	links map[uint32]jsonl.Text // names by interface index, filled by the link messages
	peers map[int32]uint64      // inodes of other namespaces by the number that this one gives them
	sets  map[string]uint32     // nftables: key type by "family table set"
	row   func(any)             // takes each row
	tally *evidence.Tally       // messages that could not be read
}

func newNetDecoder(ns uint64, tally *evidence.Tally, row func(any)) *netDecoder {
	return &netDecoder{ns: ns, links: map[uint32]jsonl.Text{}, peers: map[int32]uint64{}, sets: map[string]uint32{}, row: row, tally: tally}
}

func (d *netDecoder) head(kind string) netHead { return netHead{kind, d.ns} }

func (d *netDecoder) bad(what string, have int) {
	d.tally.Add(what, fmt.Errorf("message of %d bytes is too short or its lengths lie", have))
}

// messages calls f for every message of a raw dump, and tallies a tail that is
// no message: the raw bytes stay in the archive for whoever wants to look.
func (d *netDecoder) messages(what string, raw []byte, f func(nlMessage)) {
	for len(raw) > 0 {
		m, rest, ok := nextMessage(raw)
		if !ok {
			d.bad(what, len(raw))
			return
		}
		if m.Type > nlmsgDone {
			f(m)
		}
		raw = rest
	}
}

// rtnetlink decodes messages of rtnetlink(7).
func (d *netDecoder) rtnetlink(raw []byte) {
	d.messages("rtnetlink", raw, func(m nlMessage) {
		switch m.Type {
		case 16: // RTM_NEWLINK
			d.link(m.Body)
		case 20: // RTM_NEWADDR
			d.address(m.Body)
		case 24: // RTM_NEWROUTE
			d.route(m.Body)
		case 28: // RTM_NEWNEIGH
			d.neighbour(m.Body)
		case 32: // RTM_NEWRULE
			d.rule(m.Body)
		case 36: // RTM_NEWQDISC
			d.qdisc(m.Body)
		case 44: // RTM_NEWTFILTER
			d.filter(m.Body)
		case 104: // RTM_NEWNEXTHOP
			d.nexthop(m.Body)
		}
	})
}

// nfnetlink decodes messages of the netfilter subsystems: the type is the
// subsystem in the high byte, the message in the low one
// (include/uapi/linux/netfilter/nfnetlink.h). The body begins with struct nfgenmsg.
func (d *netDecoder) nfnetlink(raw []byte) {
	d.messages("nfnetlink", raw, func(m nlMessage) {
		if len(m.Body) < 4 {
			d.bad("nfnetlink", len(m.Body))
			return
		}
		switch m.Type >> 8 {
		case 1: // NFNL_SUBSYS_CTNETLINK
			d.conntrack(m.Body)
		case 6: // NFNL_SUBSYS_IPSET
			d.ipset(m.Body)
		case 10: // NFNL_SUBSYS_NFTABLES
			d.nftables(m.Type&0xff, m.Body)
		}
	})
}

// hardwareAddress writes a link-layer address as ip(8) does.
func hardwareAddress(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	out := make([]byte, 0, 3*len(b))
	for i, c := range b {
		if i > 0 {
			out = append(out, ':')
		}
		out = hex.AppendEncode(out, []byte{c})
	}
	return string(out)
}

// ipText writes an address of 4 or 16 bytes, or what else it is in hex.
func ipText(b []byte) string {
	if a, ok := netip.AddrFromSlice(b); ok {
		return a.String()
	}
	if len(b) == 0 {
		return ""
	}
	return "0x" + hex.EncodeToString(b)
}

// networkNumber reads a number of 1, 2, 4 or 8 bytes in network order.
//
//go:noinline
func networkNumber(b []byte) (n uint64, ok bool) {
	switch len(b) {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), true
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), true
	case 8:
		return binary.BigEndian.Uint64(b), true
	}
	return 0, false
}

//go:noinline
func be16(b []byte) uint16 { n, _ := networkNumber(b); return uint16(n) }
func be32(b []byte) uint32 { n, _ := networkNumber(b); return uint32(n) }
func be64(b []byte) uint64 { n, _ := networkNumber(b); return n }

func u8at(b []byte, at int) uint8 {
	if at < 0 || at >= len(b) {
		return 0
	}
	return b[at]
}

// nth names a number by its place in a list of words; one that has no word is
// given as the number.
func nth(n uint64, words ...string) string {
	if n < uint64(len(words)) && words[n] != "" {
		return words[n]
	}
	return strconv.FormatUint(n, 10)
}

// bitNames names the bits of n, lowest first; one without a word is given in hex.
func bitNames(n uint64, words ...string) []string {
	var out []string
	for i := 0; i < 64; i++ {
		switch bit := uint64(1) << i; {
		case n&bit == 0:
		case i < len(words) && words[i] != "":
			out = append(out, words[i])
		default:
			out = append(out, "0x"+strconv.FormatUint(bit, 16))
		}
	}
	return out
}

// familyName names an address family (socket(2)) or a netfilter family
// (include/uapi/linux/netfilter.h), which agree where they overlap but for
// inet (1) and bridge (7).
// Not inlined, for the size of the program.
//
//go:noinline
func familyName(n uint8) string {
	return nth(uint64(n), "unspec", "unix", "inet", "", "", "", "", "bridge", "", "", "inet6")
}
