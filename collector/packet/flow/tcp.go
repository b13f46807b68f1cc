package flow

// Each end of a TCP connection is in one of these states, as Zeek has them.
type endState uint8

const (
	endInactive endState = iota
	endSynSent
	endSynAckSent
	endPartial // in the middle: its beginning was not seen
	endEstablished
	endClosed // it has sent FIN
	endReset  // it has sent RST
)

// The flags of TCP.
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagACK = 16
)

// The bits of conn.seen.
const (
	seenSYN = 1 << iota
	seenFIN
	seenRST
	seenData
	seenACK
	seenFinRst
	seenMany
)

// An end is one end of a TCP connection: what it has sent.
type end struct {
	state, before             endState
	start, last, acked        uint32 // sequence numbers: of the SYN, after the last byte, what the peer has acknowledged
	lastWraps, ackWraps       uint32
	fins                      uint32
	finAt                     uint64 // relative: one past the FIN
	didClose                  bool
	ended                     bool // it has sent all that it will
	histSYN, histFIN, histRST uint64
	again, gaps, zero         logCounter
	in                        stream
}

// A logCounter says when a count reaches 1, 10, 100 and so on.
type logCounter struct{ n, next uint32 }

func (l *logCounter) hit() bool {
	if l.next == 0 {
		l.next = 1
	}
	if l.n++; l.n == l.next {
		l.next *= 10
		return l.next >= 10 // until it no longer fits
	}
	return false
}

// A tcp is what is known of a connection beyond its counts.
type tcp struct {
	ends      [2]*end
	deferred  bool  // an end was closed while data was missing
	attemptAt int64 // when the first SYN was sent
	closedAt  int64 // the last packet before it was over; 0: it is not
	partial   bool
	firstSeen [2]bool
	both      [2]end // where ends point to, until the flow is turned round
}

// A segment is one TCP header with its payload.
type segment struct {
	seq, ack uint32
	flags    uint8
	window   uint16
	length   int // of the payload on the wire
	data     []byte
}

func (s *segment) has(flag uint8) bool { return s.flags&flag != 0 }

// room is how much of the sequence space the segment takes.
func (s *segment) room() int {
	n := s.length
	if s.has(flagRST) {
		n = 0
	}
	if s.has(flagSYN) {
		n++
	}
	if s.has(flagFIN) {
		n++
	}
	return n
}

// parseTCP reads a header; ok is false if it is not whole.
func parseTCP(d *datagram) (s segment, src, dst uint16, ok bool) {
	b := d.payload
	if len(b) < 20 {
		return s, 0, 0, false
	}
	header := int(b[12]>>4) * 4
	if header < 20 || header > d.length {
		return s, 0, 0, false
	}
	s = segment{seq: be32(b[4:]), ack: be32(b[8:]), flags: b[13], window: be16(b[14:]), length: d.length - header}
	if header <= len(b) {
		s.data = b[header:]
	}
	return s, be16(b), be16(b[2:]), true
}

// tcpSegment takes one TCP segment.
func (p *packet) tcpSegment(d *datagram) {
	s, src, dst, ok := parseTCP(d)
	if !ok {
		return
	}
	if key, _ := makeKey(d, src, dst, false); s.has(flagSYN) {
		if p.t.opt.PerInterface {
			key.iface = int32(p.iface)
		}
		if c := p.t.flows[key]; c != nil && c.tcp != nil && c.tcp.reused(&s) {
			p.t.finish(c)
		}
	}
	c, dir := p.conn(d, src, dst, false, func() bool { return flipTCP(&s, src, dst) })
	if c.tcp == nil {
		c.tcp = &tcp{}
		for i := range c.tcp.both {
			c.tcp.both[i].in.next = 1
			c.tcp.ends[i] = &c.tcp.both[i]
		}
	}
	p.t.segment(c, dir, p.at, &s)
	c.sum.packets[dirNow(c, d, src)]++
	c.sum.ipBytes[dirNow(c, d, src)] += uint64(d.total)
}

// dirNow gives the direction again, since a segment may have turned the flow round.
func dirNow(c *conn, d *datagram, src uint16) int {
	if d.src != c.sum.orig || src != c.sum.origPort {
		return 1
	}
	return 0
}

// flipTCP says whether the sender of a flow's first segment, which is no SYN alone, is
// rather the server, by the ports.
func flipTCP(s *segment, src, dst uint16) bool {
	if s.has(flagSYN) && !s.has(flagACK) || !likelyServer(protoTCP, src) {
		return false
	}
	if likelyServer(protoTCP, dst) {
		return !s.has(flagSYN) && src < dst
	}
	return true
}

// reused says whether a SYN begins a new connection on the ports of an old one.
func (t *tcp) reused(s *segment) bool {
	first := t.ends[0]
	if s.has(flagACK) {
		if first.state != endInactive {
			return false
		}
		first = t.ends[1]
	}
	if t.ends[0].didClose && t.ends[1].didClose {
		return true
	}
	if s.seq == first.start {
		return false
	}
	// A SYN that comes after its own answer, as two interfaces may show it.
	return s.has(flagACK) || first.state != endSynAckSent || t.ends[1].state != endInactive || s.seq != t.ends[1].start
}

// halfOver says whether one side has closed, and the other has nothing to close or was reset.
func (t *tcp) halfOver() bool {
	a, b := t.ends[0], t.ends[1]
	return (a.didClose || b.didClose) && (a.state == endReset || b.state == endReset || a.state == endInactive || b.state == endInactive)
}

func (t *tcp) unanswered() bool {
	o := t.ends[0].state
	return t.attemptAt != 0 && (o == endSynSent || o == endSynAckSent) && t.ends[1].state == endInactive
}

// begin sets an end's first sequence number; a SYN later may set it anew.
func (e *end) begin(s *segment, past uint32) {
	set := func() { e.start, e.acked, e.last = s.seq, s.seq, past }
	switch e.state {
	case endInactive:
		if s.has(flagSYN) {
			set()
		} else { // as if there had been a SYN, so that bytes are counted alike
			e.start, e.acked, e.last = s.seq-1, s.seq-1, s.seq
		}
	case endSynSent, endSynAckSent:
		if s.has(flagSYN) && s.seq != e.start {
			set()
		}
	case endEstablished, endPartial:
		if s.has(flagSYN) {
			set()
		}
	case endReset:
		if s.has(flagSYN) && e.before == endInactive {
			set()
		}
	}
}

// relative gives a sequence number counted from the SYN; last and wraps are the highest
// so far. under says that it lies before the SYN.
func (e *end) relative(seq, last, wraps uint32) (rel uint64, under bool) {
	switch delta := int32(seq - last); {
	case delta < 0 && wraps > 0 && seq > last:
		wraps--
	case delta > 0 && seq < last:
		wraps++
	}
	if wraps == 0 {
		delta := int32(seq - e.start)
		return uint64(int64(delta)), delta < 0
	}
	return uint64(wraps)<<32 + uint64(seq) - uint64(e.start), false
}

// acknowledge takes over what the peer has acknowledged.
func (e *end) acknowledge(ack uint32) {
	const tooFar = 1 << 20
	delta := int32(ack - e.acked)
	if delta <= 0 || ack == 0 && delta > tooFar {
		return
	}
	if ack < e.acked {
		e.ackWraps++
	}
	e.acked = ack
}

// advance takes over how far the end has sent; it says whether this was data again.
func (e *end) advance(past uint32, s *segment) (again bool) {
	const tooFar = 1 << 20
	delta := int32(past - e.last)
	switch {
	case (s.has(flagSYN) || s.has(flagRST)) && (delta > tooFar || delta < -tooFar):
	case s.has(flagFIN) && e.last == e.start+1:
		e.setLast(past)
	case e.state == endReset:
	case delta > 0:
		e.setLast(past)
	default:
		return s.length > 0
	}
	return false
}

func (e *end) setLast(past uint32) {
	if past < e.last {
		e.lastWraps++
	}
	e.last = past
}

func (e *end) nothingAcked() bool { return e.acked == e.start || e.acked == e.start+1 }

// size counts the payload by sequence numbers.
func (e *end) size(peer *end) uint64 {
	if e.before == endSynSent && e.state == endReset && peer.state == endInactive && !e.nothingAcked() {
		return 0 // a connection from before was found half open: the numbers mean nothing
	}
	last, acked := uint64(e.lastWraps)<<32|uint64(e.last), uint64(e.ackWraps)<<32|uint64(e.acked)
	n := max(last, acked) - uint64(e.start)
	if n != 0 {
		n--
	}
	if e.fins > 0 && n != 0 {
		n--
	}
	return n
}

func (e *end) set(state endState) {
	if state != e.state {
		e.before, e.state = e.state, state
	}
}

// zeroWindow says whether a segment closes the window, and that this means something.
func zeroWindow(e, peer *end, s *segment) bool {
	return s.window == 0 && !s.has(flagRST) && peer.state != endClosed && e.state != endReset
}
