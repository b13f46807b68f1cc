package flow

import (
	"net/netip"
	"strings"
)

// maxTunnels is how many tunnels one in another are followed: as many as Zeek follows.
const maxTunnels = 4

// maxTunnelsKnown bounds the tunnels that are told apart; those beyond share one name.
const maxTunnelsKnown = 10_000

// A tunnel is what flows inside it name as their way.
type tunnel struct {
	kind       string
	orig, resp netip.AddrPort // ports 0 where the tunnel is a protocol of IP
	outer      *tunnel        // the tunnel around this one
}

// text names the tunnel, the outermost first.
func (v *tunnel) text() string {
	var b strings.Builder
	if v.outer != nil {
		b.WriteString(v.outer.text())
		b.WriteString(" / ")
	}
	b.WriteString(v.kind)
	for _, end := range []netip.AddrPort{v.orig, v.resp} {
		b.WriteByte(' ')
		if end.Port() == 0 {
			b.WriteString(end.Addr().String())
		} else {
			b.WriteString(end.String())
		}
	}
	return b.String()
}

// within goes on inside a tunnel; orig and resp are its ends as it was seen first.
func (p *packet) within(kind string, orig, resp netip.AddrPort, next func()) {
	if p.depth >= maxTunnels {
		return
	}
	v := tunnel{kind: kind, orig: orig, resp: resp, outer: p.via}
	known, ok := p.t.tunnels[v]
	if !ok { // a tunnel of IP is the same both ways
		known, ok = p.t.tunnels[tunnel{kind: kind, orig: resp, resp: orig, outer: p.via}]
	}
	switch {
	case ok:
	case len(p.t.tunnels) >= maxTunnelsKnown:
		known = &tunnel{kind: kind}
		v = *known
		fallthrough
	default:
		if known == nil {
			known = &v
		}
		p.t.tunnels[v] = known
	}
	// What follows has its own tags and its own tunnels around it.
	via, vlans, tagged := p.via, p.vlans, p.tagged
	p.via, p.tagged, p.vlans = known, 0, [2]uint16{}
	p.depth++
	next()
	p.depth--
	p.via, p.vlans, p.tagged = via, vlans, tagged
}

// withinIP is within for a tunnel that is a protocol of IP.
func (p *packet) withinIP(kind string, d *datagram, next func()) {
	p.within(kind, netip.AddrPortFrom(d.src, 0), netip.AddrPortFrom(d.dst, 0), next)
}

// gre takes off GRE version 0 (RFC 2784, 2890; transparent bridging, ERSPAN I to
// III) and version 1, which PPTP uses (RFC 2637).
func (p *packet) gre(d *datagram, b []byte) {
	if len(b) < 4 {
		return
	}
	flags, kind := be16(b), be16(b[2:])
	if flags&0x4000 != 0 || flags&7 > 1 {
		return // source routes are no longer sent
	}
	n := 4
	for _, bit := range []uint16{0x8000, 0x2000, 0x1000, 0x0080} { // checksum, key, sequence, acknowledgment
		if flags&bit != 0 {
			n += 4
		}
	}
	if n > len(b) {
		return
	}
	rest := b[n:]
	p.withinIP("gre", d, func() {
		switch {
		case flags&7 == 1:
			if kind == 0x880b {
				p.ppp(rest)
			}
		case kind == 0x88be: // ERSPAN: type II has a sequence number and eight bytes, type I neither
			if flags&0x1000 != 0 {
				if len(rest) < 8 {
					return
				}
				rest = rest[8:]
			}
			p.ethernet(rest)
		case kind == 0x22eb: // ERSPAN type III, with eight bytes more if the last bit says so
			size := 12
			if len(rest) > 12 && rest[11]&1 != 0 {
				size = 20
			}
			if len(rest) > size {
				p.ethernet(rest[size:])
			}
		case arubaFrame(kind):
			p.frame80211(rest, false)
		default:
			p.etherType(kind, rest)
		}
	})
}

// arubaFrame says whether a GRE protocol is one of those in which Aruba's access
// points send 802.11 frames.
func arubaFrame(kind uint16) bool {
	return kind&15 == 0 && kind >= 0x8200 && kind <= 0x8370 || kind == 0x9000
}

// tunnelInUDP looks whether a UDP payload is a tunnel, and goes on inside it if so.
func (p *packet) tunnelInUDP(c *conn, b []byte) bool {
	in := func(kind string, next func()) bool {
		c.serves(serviceTunnel(kind))
		p.within(kind, c.orig(), c.resp(), next)
		return true
	}
	switch c.sum.respPort {
	case 4789, 8472: // VXLAN (RFC 7348): the flag says that the identifier is valid
		if len(b) > 8 && b[0]&0x08 != 0 && b[7] == 0 {
			return in("vxlan", func() { p.ethernet(b[8:]) })
		}
	case 6081: // Geneve (RFC 8926)
		if n := 8; len(b) > n && b[0]>>6 == 0 {
			if n += int(b[0]&63) * 4; len(b) > n {
				return in("geneve", func() { p.etherType(be16(b[2:]), b[n:]) })
			}
		}
	case 4754: // GRE in UDP (RFC 8086)
		if len(b) > 4 {
			d := datagram{src: c.sum.orig, dst: c.sum.resp}
			p.gre(&d, b)
			return true
		}
	case 2152, 2123:
		if inner := gtp(b); inner != nil {
			return in("gtpv1", func() { p.ip(inner) })
		}
	case 5072:
		if inner := ayiya(b); inner != nil {
			return in("ayiya", func() { p.ip(inner) })
		}
	}
	if c.notTeredo < 8 || c.sum.respPort == 3544 {
		if inner := teredo(b); inner != nil {
			return in("teredo", func() { p.ip(inner) })
		}
		c.notTeredo++
	}
	return false
}

// gtp gives the IP packet in a G-PDU of GTP version 1 (3GPP TS 29.281); nil if it is none.
func gtp(b []byte) []byte {
	if len(b) < 8 || b[0]>>5 != 1 || b[0]&0x10 == 0 || b[1] != 0xff {
		return nil
	}
	n := 8
	if b[0]&7 != 0 { // sequence, N-PDU number or extensions: then all of them have room
		if len(b) < 12 {
			return nil
		}
		next := b[11]
		n = 12
		for i := 0; b[0]&4 != 0 && next != 0; i++ {
			if i > 8 || n >= len(b) || b[n] == 0 || n+int(b[n])*4 > len(b) {
				return nil
			}
			n += int(b[n]) * 4
			next = b[n-1]
		}
	}
	return wholeIP(b[n:])
}

// ayiya gives the IPv6 packet in AYIYA (draft-massar-v6ops-ayiya); nil if it is none.
func ayiya(b []byte) []byte {
	if len(b) < 8 || b[2]&15 != 1 {
		return nil
	}
	n := 8 + 1<<(b[0]>>4) + int(b[1]>>4)*4
	if n >= len(b) || b[n]>>4 != 4 && b[n]>>4 != 6 {
		return nil
	}
	return b[n:]
}

// teredo gives the IPv6 packet in Teredo (RFC 4380); nil if it is none. Teredo has
// no port that one can rely on, so it must look right: either an address is Teredo's,
// or a header of Teredo stands before.
func teredo(b []byte) []byte {
	headers := false
	if len(b) > 13 && b[0] == 0 && b[1] == 1 { // authentication
		n := 13 + int(b[2]) + int(b[3])
		if n >= len(b) {
			return nil
		}
		b, headers = b[n:], true
	}
	if len(b) > 8 && b[0] == 0 && b[1] == 0 { // origin indication
		b, headers = b[8:], true
	}
	if len(b) < 40 || b[0]>>4 != 6 {
		return nil
	}
	if !headers && be32(b[8:]) != 0x20010000 && be32(b[24:]) != 0x20010000 {
		return nil
	}
	size := 40 + int(be16(b[4:]))
	if size != len(b) && !(size == 40 && b[6] == 59) { // a bubble may have something after it
		return nil
	}
	return b
}

// wholeIP gives b if it is one IP packet, whole and with nothing after it.
func wholeIP(b []byte) []byte {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4 && int(be16(b[2:])) == len(b):
		return b
	case len(b) >= 40 && b[0]>>4 == 6 && 40+int(be16(b[4:])) == len(b):
		return b
	}
	return nil
}
