package filter

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// etherType is the type in the Ethernet header of a protocol with a keyword; 0 for others.
func etherType(w string) uint32 {
	switch w {
	case "ip":
		return 0x0800
	case "arp":
		return 0x0806
	case "rarp":
		return 0x8035
	case "ip6":
		return 0x86dd
	}
	return 0
}

// fits says whether the keywords go together, and fills in the kind that is meant
// where none is given.
func (p *parser) fits(at token, q *qualifiers) error {
	if q.kind == "" {
		q.kind = "host"
	}
	ok := false
	switch q.kind {
	case "host":
		ok = q.proto == "" || q.proto == "ether" || etherType(q.proto) > 0
	case "net":
		ok = q.proto == "" || etherType(q.proto) > 0
	case "port", "portrange":
		ok = slices.Contains([]string{"", "tcp", "udp", "sctp"}, q.proto)
	case "proto":
		ok = q.dir == "" && slices.Contains([]string{"", "ip", "ip6", "ether"}, q.proto)
	}
	if !ok {
		return p.errorAt(at, strings.Join(strings.Fields(q.proto+" "+q.dir+" "+q.kind), " ")+": these words do not go together; "+allowed)
	}
	return nil
}

func (p *parser) protocolAlone(t token) (node, error) {
	if e := etherType(t.text); e > 0 {
		return linkType(e), nil
	}
	if t.text == "ether" {
		return nil, p.errorAt(t, "ether wants host, src, dst, proto, broadcast or multicast behind it")
	}
	number := uint32(protocolNumber(t.text))
	switch t.text {
	case "icmp", "igmp": // of IPv4 alone
		return ipProto(number), nil
	case "icmp6":
		return ip6Proto(number), nil
	}
	return or{ipProto(number), ip6Proto(number)}, nil
}

func (p *parser) length(first token) (node, error) {
	p.last = qualifiers{}
	t := p.next()
	n, err := strconv.ParseUint(t.text, 0, 32)
	if err != nil {
		return nil, p.errorAt(t, first.text+" wants a number of bytes")
	}
	if first.text == "less" {
		return not{test{from: fromLength, cond: above, value: uint32(n)}}, nil
	}
	return test{from: fromLength, cond: atLeast, value: uint32(n)}, nil
}

// value reads what stands behind the keywords.
func (p *parser) value(q qualifiers) (node, error) {
	t := p.next()
	switch {
	case t.text == "":
		return nil, p.errorAt(t, "an address or number is missing here")
	case q.kind == "host" && q.proto == "ether":
		return p.mac(t, q)
	case q.kind == "host":
		return p.host(t, q)
	case q.kind == "net":
		return p.network(t, q)
	case q.kind == "port", q.kind == "portrange":
		return p.ports(t, q)
	case q.kind == "proto":
		return p.proto(t, q)
	}
	return nil, p.errorAt(t, "not a test; "+allowed)
}

func (p *parser) host(t token, q qualifiers) (node, error) {
	a, err := netip.ParseAddr(t.text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return nil, p.errorAt(t, "not an address: names are not resolved, and a network is written net N/LEN")
	}
	return p.addresses(t, q, netip.PrefixFrom(a, a.BitLen()))
}

func (p *parser) network(t token, q qualifiers) (node, error) {
	text := t.text
	if p.peek() == "mask" {
		p.next()
		m := p.next()
		mask, err := netip.ParseAddr(m.text)
		if err != nil || !mask.Is4() {
			return nil, p.errorAt(m, "not a mask of IPv4")
		}
		b := mask.As4()
		ones, bits := net.IPv4Mask(b[0], b[1], b[2], b[3]).Size()
		if bits == 0 {
			return nil, p.errorAt(m, "a mask with holes")
		}
		text += "/" + strconv.Itoa(ones)
	}
	n, err := netip.ParsePrefix(text)
	if err != nil || n.Addr().Is4In6() {
		return nil, p.errorAt(t, "not a network: write it with its length, as 192.0.2.0/24 or 2001:db8::/32")
	}
	if n.Masked().Addr() != n.Addr() {
		return nil, p.errorAt(t, "bits are set behind the network's length; meant is "+n.Masked().String())
	}
	return p.addresses(t, q, n)
}

// addresses tests for addresses in a network, in all protocols that have them.
func (p *parser) addresses(t token, q qualifiers, n netip.Prefix) (node, error) {
	if n.Addr().Is6() {
		if q.proto != "" && q.proto != "ip6" {
			return nil, p.errorAt(t, "an IPv6 address behind "+q.proto)
		}
		return and{linkType(etherType("ip6")), directed(q.dir, words(8, n), words(24, n))}, nil
	}
	if q.proto == "ip6" {
		return nil, p.errorAt(t, "an IPv4 address behind ip6")
	}
	var out node
	for _, proto := range []string{"ip", "arp", "rarp"} {
		if q.proto != "" && q.proto != proto {
			continue
		}
		src, dst := uint32(12), uint32(16)
		if proto != "ip" {
			src, dst = 14, 24 // sender and target of ARP for IPv4 (RFC 826)
		}
		out = either(out, and{linkType(etherType(proto)), directed(q.dir, words(src, n), words(dst, n))})
	}
	return out, nil
}

func either(a, b node) node {
	if a == nil {
		return b
	}
	return or{a, b}
}

func directed(dir string, src, dst node) node {
	switch dir {
	case "src":
		return src
	case "dst":
		return dst
	case "src and dst":
		return and{src, dst}
	}
	return or{src, dst}
}

// words compares an address of the network header, word by word.
func words(offset uint32, n netip.Prefix) node {
	b := n.Addr().AsSlice()
	var out node = constant(true)
	for i := 0; i < len(b); i += 4 {
		bits := min(32, max(0, n.Bits()-8*i))
		if bits == 0 {
			break
		}
		value := uint32(b[i])<<24 | uint32(b[i+1])<<16 | uint32(b[i+2])<<8 | uint32(b[i+3])
		w := test{from: fromNetwork, offset: offset + uint32(i), size: 4, mask: ^uint32(0) << (32 - bits), cond: equal, value: value}
		if out == constant(true) {
			out = w
		} else {
			out = and{out, w}
		}
	}
	return out
}

func (p *parser) ports(t token, q qualifiers) (node, error) {
	low, high, ranged := strings.Cut(t.text, "-")
	if ranged != (q.kind == "portrange") {
		return nil, p.errorAt(t, "port wants one number, portrange two: 1-1023")
	}
	a, err := strconv.ParseUint(low, 10, 16)
	b := a
	if err == nil && ranged {
		b, err = strconv.ParseUint(high, 10, 16)
	}
	if err != nil {
		return nil, p.errorAt(t, "not a port from 0 to 65535: names of services are not looked up")
	}
	a, b = min(a, b), max(a, b)
	inRange := func(from origin, offset uint32) node {
		if a == b {
			return test{from: from, offset: offset, size: 2, cond: equal, value: uint32(a)}
		}
		return and{test{from: from, offset: offset, size: 2, cond: atLeast, value: uint32(a)},
			not{test{from: from, offset: offset, size: 2, cond: above, value: uint32(b)}}}
	}
	oneOf := func(offset uint32) (out node) {
		for _, proto := range []string{"tcp", "udp", "sctp"} {
			if q.proto == "" || q.proto == proto {
				out = either(out, test{from: fromNetwork, offset: offset, size: 1, cond: equal, value: uint32(protocolNumber(proto))})
			}
		}
		return out
	}
	firstFragment := not{test{from: fromNetwork, offset: 6, size: 2, cond: anyBit, value: 0x1fff}}
	v4 := and{and{and{linkType(etherType("ip")), oneOf(9)}, firstFragment},
		directed(q.dir, inRange(fromTransport, 0), inRange(fromTransport, 2))}
	v6 := and{and{linkType(etherType("ip6")), oneOf(6)}, directed(q.dir, inRange(fromNetwork, 40), inRange(fromNetwork, 42))}
	return or{v6, v4}, nil
}

func (p *parser) proto(t token, q qualifiers) (node, error) {
	w := strings.TrimPrefix(t.text, `\`)
	n, err := strconv.ParseUint(w, 0, 16)
	if q.proto == "ether" {
		if err != nil {
			n = uint64(etherType(w))
		}
		if n < 0x600 {
			return nil, p.errorAt(t, "not a type of Ethernet: a number from 0x600 on, or ip, ip6, arp, rarp")
		}
		return linkType(n), nil
	}
	if known := protocolNumber(w); err != nil && known >= 0 {
		n, err = uint64(known), nil
	}
	if err != nil || n > 255 {
		return nil, p.errorAt(t, "not a protocol: a number up to 255, or tcp, udp, icmp, icmp6 …")
	}
	switch q.proto {
	case "ip":
		return ipProto(n), nil
	case "ip6":
		return ip6Proto(n), nil
	}
	return or{ipProto(n), ip6Proto(n)}, nil
}

func (p *parser) mac(t token, q qualifiers) (node, error) {
	m, err := net.ParseMAC(t.text)
	if err != nil || len(m) != 6 {
		return nil, p.errorAt(t, "not an Ethernet address: aa:bb:cc:dd:ee:ff")
	}
	return directed(q.dir, etherAddress(6, m), etherAddress(0, m)), nil
}

func etherAddress(offset uint32, m net.HardwareAddr) node {
	low := uint32(m[2])<<24 | uint32(m[3])<<16 | uint32(m[4])<<8 | uint32(m[5])
	return and{test{from: fromEther, offset: offset + 2, size: 4, cond: equal, value: low},
		test{from: fromEther, offset: offset, size: 2, cond: equal, value: uint32(m[0])<<8 | uint32(m[1])}}
}

func etherGroup(word string) node {
	if word == "broadcast" {
		return etherAddress(0, net.HardwareAddr{255, 255, 255, 255, 255, 255})
	}
	return test{from: fromEther, offset: 0, size: 1, cond: anyBit, value: 1}
}

func ipProto[N uint32 | uint64](n N) node {
	return and{linkType(etherType("ip")), test{from: fromNetwork, offset: 9, size: 1, cond: equal, value: uint32(n)}}
}

// ip6Proto looks at the next header, and behind one fragment header.
func ip6Proto[N uint32 | uint64](n N) node {
	next := func(offset, value uint32) node {
		return test{from: fromNetwork, offset: offset, size: 1, cond: equal, value: value}
	}
	return and{linkType(etherType("ip6")), or{next(6, uint32(n)), and{next(6, 44), next(40, uint32(n))}}}
}
