package flow

import (
	"encoding/binary"
	"net/netip"
)

// A packet is one packet on its way down through its headers.
type packet struct {
	t      *Tables
	at     int64 // nanoseconds since 1970
	iface  int
	vlans  [2]uint16 // 802.1Q identifiers, the outer first
	tagged int       // how many 802.1Q tags there were
	via    *tunnel   // the innermost tunnel around what is looked at
	depth  int       // tunnels around it
	budget int       // headers that may still be taken off
	cut    int       // bytes that the wire had at the end and the capture has not
}

// The link types that are decoded, from https://www.tcpdump.org/linktypes.html.
const (
	linkNull     = 0
	linkEthernet = 1
	linkPPP      = 9
	linkRaw12    = 12 // what BSD and Linux call DLT_RAW
	linkRaw14    = 14
	linkFDDI     = 10
	linkPPPHDLC  = 50
	linkBSDATM   = 11 // what BSD and Linux call DLT_ATM_RFC1483
	linkPPPoE    = 51
	linkRFC1483  = 100
	linkRaw      = 101
	linkCHDLC    = 104
	link80211    = 105
	linkLoop     = 108
	linkSLL      = 113
	linkPrism    = 119
	linkRadiotap = 127
	linkAVS      = 163
	linkPPI      = 192
	linkIPv4     = 228
	linkIPv6     = 229
	linkNFLOG    = 239
	linkSLL2     = 276
)

// maxHeaders bounds the link and network headers of one packet, tunnels included.
const maxHeaders = 64

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// link takes off the header of the given link type. A link type that is not
// known is counted and left.
func (p *packet) link(linkType uint16, b []byte) {
	switch linkType {
	case linkEthernet:
		p.ethernet(b)
	case linkRaw, linkRaw12, linkRaw14, linkIPv4, linkIPv6:
		p.ip(b)
	case linkNull, linkLoop:
		if len(b) > 4 {
			p.ip(b[4:]) // the address family says no more than the version in the header
		}
	case linkSLL:
		if len(b) > 16 {
			p.etherType(be16(b[14:]), b[16:])
		}
	case linkSLL2:
		if len(b) > 20 {
			p.etherType(be16(b), b[20:])
		}
	case linkNFLOG:
		p.nflog(b)
	case linkPPP, linkPPPHDLC:
		p.ppp(b)
	case linkCHDLC:
		if len(b) > 4 {
			p.etherType(be16(b[2:]), b[4:])
		}
	case linkPPPoE:
		p.pppoe(b)
	case linkRFC1483, linkBSDATM:
		p.llc(b)
	case linkFDDI:
		if len(b) > 13 {
			p.llc(b[13:])
		}
	case link80211, linkPrism, linkRadiotap, linkAVS, linkPPI:
		p.wireless(linkType, b)
	default:
		p.t.undecoded++
	}
}

// nflog finds the packet among what netfilter's log tells of it
// (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html).
func (p *packet) nflog(b []byte) {
	const payload = 9
	for at := 4; at+4 <= len(b); {
		size, kind := int(binary.LittleEndian.Uint16(b[at:])), binary.LittleEndian.Uint16(b[at+2:])&0x7fff
		if size < 4 || at+size > len(b) {
			return
		}
		if kind == payload {
			p.ip(b[at+4 : at+size])
			return
		}
		at += (size + 3) &^ 3
	}
}

// ethernet takes off an Ethernet II, 802.3 or FabricPath header.
func (p *packet) ethernet(b []byte) {
	if len(b) > 30 && b[12] == 0x89 && b[13] == 0x03 { // Cisco FabricPath around another frame
		b = b[16:]
	}
	if len(b) < 14 {
		return
	}
	kind := be16(b[12:])
	if kind > 1500 {
		p.etherType(kind, b[14:])
		return
	}
	p.llc(b[14:])
}

// etherType goes on with what an EtherType names.
func (p *packet) etherType(kind uint16, b []byte) {
	if p.budget--; p.budget < 0 {
		return
	}
	switch kind {
	case 0x0800, 0x86dd:
		p.ip(b)
	case 0x8100, 0x88a8, 0x9100, 0x9200:
		if len(b) < 4 {
			return
		}
		if p.tagged < len(p.vlans) {
			p.vlans[p.tagged] = be16(b) & 0xfff
		}
		p.tagged++
		if kind = be16(b[2:]); kind <= 1500 {
			p.llc(b[4:])
			return
		}
		p.etherType(kind, b[4:])
	case 0x8847, 0x8848:
		p.mpls(b)
	case 0x8864:
		p.pppoe(b)
	case 0x880b:
		p.ppp(b)
	case 0x88e7: // 802.1ah: four bytes of I-TAG, then the customer's frame
		if len(b) > 4 {
			p.ethernet(b[4:])
		}
	case 0x6558:
		p.ethernet(b)
	}
}

// llc takes off 802.2 LLC with SNAP; LLC without SNAP carries no IP that anybody
// still sends, save for SAP 6 (RFC 1042).
func (p *packet) llc(b []byte) {
	if p.budget--; p.budget < 0 {
		return
	}
	switch {
	case len(b) > 8 && b[0]&0xfe == 0xaa && b[1]&0xfe == 0xaa && b[2] == 3:
		p.etherType(be16(b[6:]), b[8:])
	case len(b) > 3 && b[0] == 6 && b[1] == 6 && b[2] == 3:
		p.ip(b[3:])
	}
}

// mpls takes off the label stack; what is below says itself what it is.
func (p *packet) mpls(b []byte) {
	for n := 0; n < 16 && len(b) >= 4; n++ {
		bottom := b[2]&1 != 0
		if b = b[4:]; !bottom {
			continue
		}
		switch {
		case len(b) > 0 && (b[0]>>4 == 4 || b[0]>>4 == 6):
			p.ip(b)
		case len(b) > 18 && b[0]>>4 == 0: // a pseudowire's control word (RFC 4385), then a frame
			p.ethernet(b[4:])
		}
		return
	}
}

func (p *packet) pppoe(b []byte) {
	if len(b) > 8 && b[1] == 0 { // code 0 is session data (RFC 2516)
		p.ppp(b[6:])
	}
}

// ppp takes off PPP, with or without HDLC's address and control bytes and with the
// protocol in one byte or two (RFC 1661, 1662).
func (p *packet) ppp(b []byte) {
	if len(b) > 2 && b[0] == 0xff && b[1] == 3 {
		b = b[2:]
	}
	if len(b) < 3 {
		return
	}
	kind, rest := be16(b), b[2:]
	if b[0]&1 != 0 {
		kind, rest = uint16(b[0]), b[1:]
	}
	switch kind {
	case 0x0021, 0x0057:
		p.ip(rest)
	case 0x0281, 0x0283:
		p.mpls(rest)
	}
}

// wireless takes off what a card in monitor mode puts before a frame, then the frame's header.
func (p *packet) wireless(linkType uint16, b []byte) {
	padded, n := false, 0
	switch {
	case linkType == link80211:
	case len(b) < 8:
		return
	case linkType == linkRadiotap:
		n, padded = int(binary.LittleEndian.Uint16(b[2:])), radiotapPadded(b)
	case linkType == linkPPI:
		if binary.LittleEndian.Uint32(b[4:]) != link80211 {
			return
		}
		n = int(binary.LittleEndian.Uint16(b[2:]))
	case be32(b)&0xfffff000 == 0x80211000: // AVS, which Prism drivers write too
		n = int(be32(b[4:]))
	default:
		n = int(binary.LittleEndian.Uint32(b[4:]))
	}
	if n < 0 || n > len(b) || linkType != link80211 && n < 8 {
		return
	}
	p.frame80211(b[n:], padded)
}

// radiotapPadded finds the flag that says that the 802.11 header is filled up to
// four bytes (https://www.radiotap.org/fields/Flags.html).
func radiotapPadded(b []byte) bool {
	at := 4
	present := binary.LittleEndian.Uint32(b[at:])
	for word := present; word&(1<<31) != 0; {
		if at += 4; at+4 > len(b) {
			return false
		}
		word = binary.LittleEndian.Uint32(b[at:])
	}
	at += 4
	if present&1 != 0 { // TSFT, eight bytes and aligned so
		at = (at+7)&^7 + 8
	}
	return present&2 != 0 && at < len(b) && b[at]&0x20 != 0
}

// frame80211 takes off the header of a data frame; encrypted frames and others say nothing.
func (p *packet) frame80211(b []byte, padded bool) {
	if len(b) < 24 || b[0]>>2&3 != 2 || b[0]>>4&4 != 0 || b[1]&0x40 != 0 {
		return
	}
	n, several := 24, false
	if b[1]&3 == 3 {
		n += 6
	}
	if b[0]>>4&8 != 0 { // QoS
		if n+2 > len(b) {
			return
		}
		several = b[n]&0x80 != 0
		if n += 2; b[1]&0x80 != 0 { // HT control
			n += 4
		}
	}
	if padded {
		n = (n + 3) &^ 3
	}
	if n > len(b) {
		return
	}
	if b = b[n:]; !several {
		p.llc(b)
		return
	}
	for len(b) > 14 { // an A-MSDU: frames one after another, each filled up to four bytes
		size := 14 + int(be16(b[12:]))
		if size > len(b) {
			return
		}
		p.llc(b[14:size])
		b = b[min((size+3)&^3, len(b)):]
	}
}

// ip takes off an IPv4 or IPv6 header.
func (p *packet) ip(b []byte) {
	if p.budget--; p.budget < 0 || len(b) < 20 {
		return
	}
	switch b[0] >> 4 {
	case 4:
		p.ip4(b)
	case 6:
		p.ip6(b)
	}
}

// A datagram is what an IP header says of what is below it.
type datagram struct {
	proto    uint8
	src, dst netip.Addr
	payload  []byte // as far as it was captured
	length   int    // of the payload on the wire
	total    int    // with the IP header, as Zeek counts ip_bytes
}

func (p *packet) ip4(b []byte) {
	header, total := int(b[0]&15)*4, int(be16(b[2:]))
	if total == 0 { // the card cuts the segments later: the capture has what will be sent
		total = len(b) + p.cut
	}
	if header < 20 || header > len(b) || total < header || total > len(b)+p.cut {
		return
	}
	d := datagram{proto: b[9], src: netip.AddrFrom4([4]byte(b[12:])), dst: netip.AddrFrom4([4]byte(b[16:])),
		payload: b[header:min(total, len(b))], length: total - header, total: total}
	offset, more := int(be16(b[6:])&0x1fff)*8, b[6]&0x20 != 0
	if offset == 0 && !more {
		p.datagram(&d)
		return
	}
	id := fragmentKey{src: d.src, dst: d.dst, proto: d.proto, id: uint32(be16(b[4:]))}
	p.fragment(id, &d, offset, more, header)
}

func (p *packet) ip6(b []byte) {
	if len(b) < 40 {
		return
	}
	total := 40 + int(be16(b[4:]))
	if total == 40 && b[6] != 59 && b[6] != 0 || total == 40 && b[6] == 0 && len(b) > 40 {
		total = len(b) + p.cut // a jumbogram, or segments that the card cuts later
	}
	if total > len(b)+p.cut {
		return
	}
	d := datagram{proto: b[6], src: netip.AddrFrom16([16]byte(b[8:])), dst: netip.AddrFrom16([16]byte(b[24:])), total: total}
	all := b[:min(total, len(b))]
	at := 40
	for n := 0; n < 16; n++ {
		size := 0
		switch d.proto {
		case 0, 43, 60, 139, 140: // hop-by-hop, routing, destination options, HIP, Shim6
			if at+8 > len(all) {
				return
			}
			size = 8 + int(all[at+1])*8
			switch header := all[at:min(at+size, len(all))]; d.proto {
			case 43:
				d.dst = finalDestination(d.dst, header)
			case 60:
				d.src = homeAddress(d.src, header)
			}
		case 51: // authentication
			if at+8 > len(all) {
				return
			}
			size = 8 + int(all[at+1])*4
		case 44:
			if at+8 > len(all) {
				return
			}
			id := fragmentKey{src: d.src, dst: d.dst, proto: all[at], id: be32(all[at+4:])}
			d.proto, d.payload, d.length = all[at], all[at+8:], total-at-8
			where := be16(all[at+2:])
			if where&0xfff9 != 0 {
				p.fragment(id, &d, int(where&0xfff8), where&1 != 0, at)
				return
			}
			at += 8 // a fragment that is the whole (RFC 6946)
			continue
		default:
			d.payload, d.length = all[min(at, len(all)):], total-at
			p.datagram(&d)
			return
		}
		d.proto = all[at]
		if at += size; at > len(all) {
			return
		}
	}
}

// finalDestination reads a routing header of type 0 or 2: where the packet goes in the end.
func finalDestination(dst netip.Addr, header []byte) netip.Addr {
	if len(header) >= 24 && (header[2] == 0 || header[2] == 2) && header[3] > 0 {
		return netip.AddrFrom16([16]byte(header[len(header)-16:]))
	}
	return dst
}

// homeAddress finds the home address option of mobile IPv6 (RFC 6275 section 6.3): who
// the sender is wherever it is.
func homeAddress(src netip.Addr, header []byte) netip.Addr {
	for at := 2; at+2 <= len(header); {
		kind, size := header[at], int(header[at+1])
		switch {
		case kind == 0: // one byte of padding
			at++
			continue
		case kind == 201 && size == 16 && at+18 <= len(header):
			return netip.AddrFrom16([16]byte(header[at+2:]))
		}
		at += 2 + size
	}
	return src
}
