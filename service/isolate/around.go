package isolate

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Around is what is beside the rules.
type Around struct {
	Links []string     // interfaces of this namespace but loopback
	Next  []netip.Addr // routers on the way to the hubs
	// Outside is what isolation does not reach: devices in other network namespaces, XDP
	// programs; each in a sentence.
	Outside []string
	// Warnings is what may cut the way to the hub while the machine is isolated.
	Warnings []string
}

// uncovered are interfaces that our netdev table does not hang on. Where there is no such
// table, the kernel has none.
func (a Around) uncovered(r Ruleset) (out []string) {
	for _, t := range r.Tables {
		if !t.Ours || t.Family != "netdev" {
			continue
		}
		for _, l := range a.Links {
			if !slices.Contains(t.Ingress, l) {
				out = append(out, l)
			}
		}
	}
	return out
}

// link is what we want to know of an interface.
type link struct {
	index    int
	name     string
	kind     string // "" of hardware; veth, bridge, macvlan, …
	loopback bool
	xdp      bool
}

// parseLinks reads RTM_NEWLINK messages (include/uapi/linux/if_link.h).
func parseLinks(raw []byte) (out []link, err error) {
	err = eachMessage(raw, 16, func(typ uint16, head []byte, l attrList) {
		if typ != 16 { // RTM_NEWLINK
			return
		}
		n := link{index: int(int32(binary.NativeEndian.Uint32(head[4:]))), name: cString(l.get(3)),
			loopback: binary.NativeEndian.Uint32(head[8:])&8 != 0} // IFF_LOOPBACK
		if info, err := parseAttrs(l.get(18)); err == nil { // IFLA_LINKINFO
			n.kind = cString(info.get(1))
		}
		if x, err := parseAttrs(l.get(43)); err == nil { // IFLA_XDP
			attached := x.get(2)
			n.xdp = len(attached) == 1 && attached[0] != 0
		}
		out = append(out, n)
	})
	return out, err
}

// lease is an address that goes away by itself.
type lease struct {
	addr    netip.Addr
	seconds uint32
}

// warning is what an operator must know of an address that nobody can renew: DHCP is cut, on
// every system, since a datagram of it carries to whoever is on the link what one likes.
func (l lease) warning() string {
	return fmt.Sprintf("the address %s ends in %v, and cannot be renewed, nor had again after a restart (DHCP is cut): without it the hub does not reach this machine before the time is over", l.addr, time.Duration(l.seconds)*time.Second)
}

// parseLeases reads RTM_NEWADDR messages: the addresses with an end.
func parseLeases(raw []byte) (out []lease, err error) {
	err = eachMessage(raw, 8, func(typ uint16, _ []byte, l attrList) {
		info := l.get(6)                // IFA_CACHEINFO: preferred, valid, …
		if typ != 20 || len(info) < 8 { // RTM_NEWADDR
			return
		}
		b := l.get(2) // IFA_LOCAL
		if b == nil {
			b = l.get(1)
		}
		a, ok := netip.AddrFromSlice(b)
		if valid := binary.NativeEndian.Uint32(info[4:]); ok && valid != 0xffffffff {
			out = append(out, lease{a, valid})
		}
	})
	return out, err
}

// way is how a hub is reached.
type way struct {
	index int
	next  netip.Addr // not valid where the hub is on the link
}

// parseWay reads the answer to RTM_GETROUTE for one address.
func parseWay(raw []byte) (w way, err error) {
	err = eachMessage(raw, 12, func(typ uint16, _ []byte, l attrList) {
		if typ != 24 { // RTM_NEWROUTE
			return
		}
		if b := l.get(4); len(b) == 4 { // RTA_OIF
			w.index = int(int32(binary.NativeEndian.Uint32(b)))
		}
		if a, ok := netip.AddrFromSlice(l.get(5)); ok { // RTA_GATEWAY
			w.next = a
		} else if via := l.get(18); len(via) > 2 { // RTA_VIA: family, address
			w.next, _ = netip.AddrFromSlice(via[2:])
		}
	})
	return w, err
}

// parseGeneration reads the answer to NFT_MSG_GETGEN.
func parseGeneration(raw []byte) (n uint32, err error) {
	err = eachMessage(raw, 4, func(typ uint16, _ []byte, l attrList) {
		if typ == nfnlNftables<<8|nftNewGen {
			n = be32(l.get(1)) // NFTA_GEN_ID
		}
	})
	return n, err
}

// eachMessage calls f with each netlink message: its type, its header of size bytes and
// its attributes.
func eachMessage(raw []byte, size int, f func(typ uint16, head []byte, l attrList)) error {
	for len(raw) > 0 {
		if len(raw) < 16 {
			return fmt.Errorf("netlink: %d bytes where a message begins", len(raw))
		}
		n := int(binary.NativeEndian.Uint32(raw))
		if n < 16 || n > len(raw) {
			return fmt.Errorf("netlink: a message of %d bytes in %d", n, len(raw))
		}
		if typ := binary.NativeEndian.Uint16(raw[4:]); n >= 16+size {
			l, err := parseAttrs(raw[16+size : n])
			if err != nil {
				return fmt.Errorf("netlink message %d: %w", typ, err)
			}
			f(typ, raw[16:16+size], l)
		}
		raw = raw[min(len(raw), (n+3)&^3):]
	}
	return nil
}
