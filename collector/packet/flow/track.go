package flow

import (
	"net/netip"
	"slices"
	"time"
)

// The IP protocol numbers that are looked into.
const (
	protoICMP   = 1
	protoIPIP   = 4
	protoTCP    = 6
	protoUDP    = 17
	protoIPv6   = 41
	protoGRE    = 47
	protoICMPv6 = 58
	protoNone   = 59
	protoSCTP   = 132
	protoUDPL   = 136
)

// What Zeek waits for by default (scripts/base/init-bare.zeek).
const (
	waitAttempt  = int64(5 * time.Second)  // tcp_attempt_delay: a SYN that nobody answers
	waitClosed   = int64(5 * time.Second)  // tcp_close_delay: after the end
	waitHalf     = int64(6 * time.Second)  // tcp_session_timer: after one side has closed and the other cannot
	waitInactive = int64(time.Minute)      // udp_, icmp_ and unknown_ip_inactivity_timeout; TCP before its handshake
	waitDNS      = int64(10 * time.Second) // dns_session_timeout: how often a flow of DNS is looked at
	waitTCP      = int64(5 * time.Minute)  // tcp_inactivity_timeout
	waitLogin    = int64(time.Hour)        // scripts/base/protocols/conn/inactivity.zeek: ftp, ssh, telnet, login
	sweepEvery   = int64(10 * time.Second) // our own: how often what is over is looked for
)

// A flowKey finds a flow; a is the lesser end, unless the flow has one way only.
type flowKey struct {
	a, b         netip.Addr
	aPort, bPort uint16
	proto        uint8
	oneWay       bool
	iface        int32 // if interfaces are kept apart
}

// A summary is all that is kept of a flow that is over. The pairs are: [0] from the
// originator, [1] from the responder.
type summary struct {
	orig, resp         netip.Addr
	start, last        int64
	bytes              [2]uint64 // of payload; of TCP by sequence numbers
	ipBytes, packets   [2]uint64
	missed             [2]uint64
	id                 uint64
	history            string
	owner              *owner
	via                []*tunnel
	services           services
	origPort, respPort uint16
	vlans              [2]uint16
	iface              int32
	proto              uint8
	state              connState
	byContent, evicted bool
}

// An owner is the process that a flow belongs to.
type owner struct {
	pid       int
	exe       string
	container string
}

// A conn is a flow that is followed.
type conn struct {
	sum        summary
	key        flowKey
	prev, next *conn // by last packet, the latest first
	wait       int64 // without a packet for this long, it is over
	tcp        *tcp
	app        *app
	dns        *dnsFlow
	seen       uint32 // history letters that were written
	notTeredo  uint32 // payloads that were looked at for Teredo and were none
	history    []byte
	finished   bool
	hello      *quicHello
	quicDone   bool // its hello was read
}

func (c *conn) orig() netip.AddrPort { return netip.AddrPortFrom(c.sum.orig, c.sum.origPort) }
func (c *conn) resp() netip.AddrPort { return netip.AddrPortFrom(c.sum.resp, c.sum.respPort) }

// datagram takes what an IP header leaves: a tunnel is gone into, the rest belongs to a flow.
func (p *packet) datagram(d *datagram) {
	switch d.proto {
	case protoIPIP, protoIPv6:
		kind := "ip"
		if d.dst.Is4() && d.proto == protoIPv6 {
			kind = "6in4"
		}
		p.withinIP(kind, d, func() { p.ip(d.payload) })
	case protoGRE:
		p.gre(d, d.payload)
	case protoICMP, protoICMPv6:
		p.icmp(d)
	case protoTCP:
		p.tcpSegment(d)
	case protoUDP, protoUDPL:
		p.udp(d)
	case protoNone, 135: // nothing follows; mobility headers are IPv6's own business
	case protoSCTP:
		if len(d.payload) >= 12 {
			c, dir := p.conn(d, be16(d.payload), be16(d.payload[2:]), false, nil)
			c.count(dir, p.at, d, d.length-12)
		}
	default:
		c, dir := p.conn(d, 0, 0, false, nil)
		c.count(dir, p.at, d, 0)
	}
}

// count adds one packet to a flow whose state is in its counts only.
func (c *conn) count(dir int, at int64, d *datagram, payload int) {
	c.sum.last = at
	c.sum.packets[dir]++
	c.sum.ipBytes[dir] += uint64(d.total)
	c.sum.bytes[dir] += uint64(max(payload, 0))
}

// icmp counts ICMP. The port of the sender is the type, that of the other the type
// of the answer; messages without an answer have their code there.
func (p *packet) icmp(d *datagram) {
	if len(d.payload) < 8 {
		return
	}
	kind := d.payload[0]
	other, answered := icmpAnswer(d.proto, kind)
	if !answered {
		other = d.payload[1]
	}
	c, dir := p.conn(d, uint16(kind), uint16(other), !answered, nil)
	c.count(dir, p.at, d, d.length-8)
}

// icmpAnswer gives the type that answers a type, or that it answers (RFC 792, 950,
// 1256, 4443, 4861, 4620, 6275).
func icmpAnswer(proto, kind uint8) (uint8, bool) {
	pairs := [][2]uint8{{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}}
	if proto == protoICMPv6 {
		pairs = [][2]uint8{{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}}
	}
	for _, v := range pairs {
		if kind == v[0] {
			return v[1], true
		}
		if kind == v[1] {
			return v[0], true
		}
	}
	return 0, false
}

// udp counts a UDP datagram, goes into tunnels and looks at what it says.
func (p *packet) udp(d *datagram) {
	if len(d.payload) < 8 {
		return
	}
	src, dst := be16(d.payload), be16(d.payload[2:])
	c, dir := p.conn(d, src, dst, false, func() bool {
		if src == 123 && dst == 123 { // NTP's servers ask from their own port; the mode tells
			return len(d.payload) > 8 && (d.payload[8]&7 == 2 || d.payload[8]&7 == 4)
		}
		return likelyServer(protoUDP, src) && !likelyServer(protoUDP, dst) && d.dst != broadcast
	})
	length := int(be16(d.payload[4:])) - 8
	if length < 0 { // no length, because it is longer than the field or wrong: IP knows
		length = d.length - 8
	}
	c.once(1<<dir, dir, 'D')
	c.count(dir, p.at, d, length)
	body := d.payload[8:]
	if length < len(body) {
		body = body[:length]
	}
	if !p.tunnelInUDP(c, body) {
		p.t.datagramSays(c, dir, body)
	}
}

// conn finds the flow of a packet, or begins one; flip says whether a new flow's first
// packet looks as if it came from the one who was asked. dir is 0 for the originator.
func (p *packet) conn(d *datagram, src, dst uint16, oneWay bool, flip func() bool) (c *conn, dir int) {
	t := p.t
	key, _ := makeKey(d, src, dst, oneWay)
	if t.opt.PerInterface {
		key.iface = int32(p.iface)
	}
	if c = t.flows[key]; c != nil && c.over(p.at, t.clock) {
		t.finish(c)
		c = nil
	}
	if c == nil {
		c = p.begin(key, d, src, dst)
		if flip != nil && flip() {
			c.flip()
		}
		t.askOwner(c)
		if c.isDNS() {
			t.watchDNS(c)
		}
	} else {
		t.toFront(c)
	}
	if p.via != nil {
		c.addVia(p.via)
	}
	if d.src != c.sum.orig || src != c.sum.origPort {
		dir = 1
	}
	if n := c.sum.packets[0] + c.sum.packets[1]; c.sum.owner == nil && n > 0 && n <= 64 && n&(n-1) == 0 {
		t.askOwner(c)
	}
	return c, dir
}

// makeKey gives the key and whether the sender is its end a.
func makeKey(d *datagram, src, dst uint16, oneWay bool) (flowKey, bool) {
	k := flowKey{a: d.src, b: d.dst, aPort: src, bPort: dst, proto: d.proto, oneWay: oneWay}
	if oneWay {
		return k, true
	}
	if less := d.src.Compare(d.dst); less > 0 || less == 0 && src > dst {
		k.a, k.b, k.aPort, k.bPort = k.b, k.a, k.bPort, k.aPort
		return k, false
	}
	return k, true
}

func (p *packet) begin(key flowKey, d *datagram, src, dst uint16) *conn {
	t := p.t
	for len(t.flows) >= t.opt.MaxFlows {
		oldest := t.oldest
		oldest.sum.evicted = true
		t.evicted++
		t.finish(oldest)
	}
	t.lastID++
	c := &conn{key: key, wait: waitInactive}
	c.sum = summary{id: t.lastID, proto: d.proto, orig: d.src, resp: d.dst, origPort: src, respPort: dst,
		start: p.at, last: p.at, vlans: p.vlans, iface: int32(p.iface)}
	if p.tagged == 0 {
		c.sum.vlans = [2]uint16{}
	}
	t.flows[key] = c
	t.link(c)
	return c
}

// flip exchanges the ends, and says so in the history.
func (c *conn) flip() {
	s := &c.sum
	s.orig, s.resp = s.resp, s.orig
	s.origPort, s.respPort = s.respPort, s.origPort
	for _, v := range []*[2]uint64{&s.bytes, &s.ipBytes, &s.packets, &s.missed} {
		v[0], v[1] = v[1], v[0]
	}
	c.seen = c.seen>>16 | c.seen<<16
	c.write('^')
}

func (c *conn) addVia(v *tunnel) {
	for _, have := range c.sum.via {
		if have == v {
			return
		}
	}
	if len(c.sum.via) < 8 {
		c.sum.via = append(c.sum.via, v)
	}
}

// once writes a letter of the history if the flag is not set yet; it says whether it was.
func (c *conn) once(flag uint32, dir int, letter byte) bool {
	if dir == 1 {
		flag <<= 16
	}
	if c.seen&flag != 0 {
		return true
	}
	c.seen |= flag
	c.letter(dir, letter)
	return false
}

// letter writes a letter of the history, in lower case for the responder.
func (c *conn) letter(dir int, letter byte) {
	if dir == 1 {
		letter |= 0x20
	}
	c.write(letter)
}

// maxHistory bounds the history of one flow.
const maxHistory = 128

func (c *conn) write(letter byte) {
	if len(c.history) < maxHistory {
		c.history = append(c.history, letter)
	}
}

// over says whether the flow had ended before now: clock is the latest time of any packet.
func (c *conn) over(at, clock int64) bool {
	now := max(at, clock)
	if c.tcp != nil {
		if c.tcp.closedAt != 0 && now >= c.tcp.closedAt+waitClosed {
			return true
		}
		if c.tcp.halfOver() && now >= c.sum.last+waitHalf {
			return true
		}
		if c.tcp.unanswered() && now >= c.tcp.attemptAt+waitAttempt {
			return true
		}
	}
	return now >= c.sum.last+c.wait
}

// link puts a flow at the front of the list by last packet.
func (t *Tables) link(c *conn) {
	c.prev, c.next = nil, t.newest
	if t.newest != nil {
		t.newest.prev = c
	}
	t.newest = c
	if t.oldest == nil {
		t.oldest = c
	}
}

func (t *Tables) unlink(c *conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		t.newest = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		t.oldest = c.prev
	}
	c.prev, c.next = nil, nil
}

func (t *Tables) toFront(c *conn) {
	if t.newest != c {
		t.unlink(c)
		t.link(c)
	}
}

// A dnsCheck is when a flow of DNS over UDP is looked at: clients use one port for many
// questions, and Zeek takes a pause of ten seconds, seen at such a moment, for the end.
type dnsCheck struct {
	at int64
	c  *conn
}

// watchDNS looks at a new flow in a while. In a flood most flows are over long before:
// these are taken out, so that they take no room.
func (t *Tables) watchDNS(c *conn) {
	if len(t.dnsChecks) > 2*t.opt.MaxFlows+1024 {
		t.dnsChecks = slices.DeleteFunc(t.dnsChecks, func(k dnsCheck) bool { return k.c.finished })
	}
	t.dnsChecks = append(t.dnsChecks, dnsCheck{t.clock + waitDNS, c})
}

func (c *conn) isDNS() bool {
	switch c.sum.respPort {
	case 53, 137, 5353, 5355:
		return c.sum.proto == protoUDP
	}
	return false
}

// checkDNS ends the flows of DNS that were silent when they were looked at.
func (t *Tables) checkDNS() {
	done := 0
	for _, k := range t.dnsChecks {
		if k.at > t.clock {
			break
		}
		done++
		switch {
		case k.c.finished:
		case t.clock-k.c.sum.last >= waitDNS:
			t.finish(k.c)
		default:
			t.dnsChecks = append(t.dnsChecks, dnsCheck{t.clock + waitDNS, k.c})
		}
	}
	if t.dnsChecks = t.dnsChecks[done:]; len(t.dnsChecks) == 0 {
		t.dnsChecks = nil
	}
}

// sweep ends what is over, so that it takes no room.
func (t *Tables) sweep() {
	for c := t.oldest; c != nil; {
		next := c.prev
		if c.over(0, t.clock) {
			t.finish(c)
		}
		c = next
	}
	t.nextSweep = t.clock + sweepEvery
}

// finish ends a flow and keeps its summary.
func (t *Tables) finish(c *conn) {
	if c.tcp != nil {
		c.tcp.summarise(c)
		t.forget(c.tcp)
	} else {
		c.sum.state = countedState(&c.sum)
	}
	if c.app != nil {
		t.appEnds(c)
	}
	if c.hello != nil {
		t.appBytes -= c.hello.bytes
	}
	if c.dns != nil {
		t.dnsEnds(c)
	}
	if c.sum.owner == nil {
		t.askOwner(c)
	}
	c.sum.history = t.historyText(c.history)
	t.rememberRemote(c)
	t.keep(&c.sum)
	t.unlink(c)
	delete(t.flows, c.key)
	c.finished = true
}

// historyText gives one string for the same bytes: nearly all flows share a few.
func (t *Tables) historyText(b []byte) string {
	if s, ok := t.histories[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(t.histories) < 10_000 {
		t.histories[s] = s
	}
	return s
}

// keep keeps a summary, as long as there is room.
func (t *Tables) keep(s *summary) {
	if t.kept >= t.opt.MaxRows {
		t.cutFlows++
		return
	}
	const chunk = 1024
	if n := len(t.done); n == 0 || len(t.done[n-1]) == chunk {
		t.done = append(t.done, make([]summary, 0, chunk))
	}
	last := &t.done[len(t.done)-1]
	*last = append(*last, *s)
	t.kept++
}

// askOwner asks whose flow it is.
func (t *Tables) askOwner(c *conn) {
	if t.opt.Owner == nil {
		return
	}
	pid, exe, container, ok := t.opt.Owner(Key{Proto: c.sum.proto, Orig: c.orig(), Resp: c.resp()})
	if ok {
		o := owner{pid, exe, container}
		known := t.owners[o]
		if known == nil {
			known = &o
			if len(t.owners) < 100_000 {
				t.owners[o] = known
			}
		}
		c.sum.owner = known
	}
}
