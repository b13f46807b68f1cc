package flow

import "strings"

// segment moves a connection on by one segment, in the order in which Zeek does it: its
// letters of the history depend on it.
func (t *Tables) segment(c *conn, dir int, at int64, s *segment) {
	k := c.tcp
	e, peer := k.ends[dir], k.ends[1-dir]
	switch {
	case k.firstSeen[dir]:
	case dir == 0:
		k.partial = !s.has(flagSYN) || s.has(flagACK)
	case !k.partial:
		k.partial = !s.has(flagSYN)
	}
	past := s.seq + uint32(s.room())
	e.begin(s, past)
	rel, under := e.relative(s.seq, e.last, e.lastWraps)
	c.flagLetters(e, dir, rel, s)
	if zeroWindow(e, peer, s) && e.zero.hit() {
		c.letter(dir, 'W')
	}
	if !k.ends[0].didClose || !k.ends[1].didClose {
		c.sum.last = at
	}
	if s.has(flagFIN) {
		e.fins++
		e.finAt = rel + uint64(s.room())
	}
	relAck := c.acknowledged(peer, s)
	if e.advance(past, s) && e.again.hit() {
		c.letter(dir, 'T')
	}
	closing := c.move(e, peer, dir, at, s)
	if s.has(flagACK) {
		t.ackReceived(c, peer, relAck)
	}
	k.firstSeen[c.dirOf(e)] = true
	if s.length > 0 && !s.has(flagRST) && !under {
		if s.has(flagSYN) {
			rel++
		}
		t.dataSent(c, e, rel, s)
	}
	t.checkEnd(c, e)
	if closing {
		c.closed(e)
	}
}

func (c *conn) dirOf(e *end) int {
	if e == c.tcp.ends[0] {
		return 0
	}
	return 1
}

func (c *conn) peerOf(e *end) *end { return c.tcp.ends[1-c.dirOf(e)] }

// acknowledged takes over what a segment acknowledges of its peer, and gives it
// counted from the peer's SYN.
func (c *conn) acknowledged(peer *end, s *segment) uint64 {
	if !s.has(flagACK) {
		return 0
	}
	if peer.state == endInactive {
		peer.start, peer.acked, peer.last = s.ack-1, s.ack-1, s.ack-1
		return 1
	}
	rel, under := peer.relative(s.ack, peer.acked, peer.ackWraps)
	if under {
		return 0
	}
	if !s.has(flagRST) {
		peer.acknowledge(s.ack)
	}
	return rel
}

// flagLetters writes the history's letters for the flags of a segment.
func (c *conn) flagLetters(e *end, dir int, rel uint64, s *segment) {
	syn, fin, rst := s.has(flagSYN), s.has(flagFIN), s.has(flagRST)
	repeat := func(flag uint32, letter byte, last *uint64, now uint64) {
		if c.once(flag, dir, letter) && now != *last {
			c.letter(dir, letter)
		}
		*last = now
	}
	switch {
	case fin && rst:
		c.once(seenFinRst, dir, 'I')
	case syn && (fin || rst):
		c.once(seenMany, dir, 'Q')
	case syn && s.has(flagACK):
		repeat(seenSYN, 'H', &e.histSYN, rel)
	case syn:
		repeat(seenSYN, 'S', &e.histSYN, rel)
	case fin:
		repeat(seenFIN, 'F', &e.histFIN, rel+uint64(s.length))
	case rst:
		repeat(seenRST, 'R', &e.histRST, rel)
	case s.length > 0:
		c.once(seenData, dir, 'D')
	case s.has(flagACK):
		c.once(seenACK, dir, 'A')
	}
}

// setState moves an end; when the handshake is through, silence may last longer.
func (c *conn) setState(e *end, state endState) {
	shaking := func(s endState) bool { return s <= endSynAckSent }
	if !shaking(state) && shaking(e.state) && shaking(c.peerOf(e).state) {
		c.wait = waitTCP
	}
	e.set(state)
}

// move is the state machine; it says whether the end has closed.
func (c *conn) move(e, peer *end, dir int, at int64, s *segment) (closing bool) {
	switch e.state {
	case endInactive:
		return c.moveInactive(e, peer, dir, at, s)
	case endSynSent, endSynAckSent:
		if s.has(flagFIN) {
			c.setState(e, endClosed)
		}
		if s.has(flagRST) {
			c.setState(e, endReset)
		}
		return s.has(flagFIN) || s.has(flagRST)
	case endEstablished, endPartial:
		if s.has(flagSYN) && !s.has(flagACK) && e.state == endPartial && peer.state == endInactive {
			c.setState(e, endSynSent)
		}
		if s.has(flagFIN) && !s.has(flagRST) {
			c.setState(e, endClosed)
			if peer.state == endReset && peer.before == endClosed {
				c.setState(peer, endClosed) // it sent FIN, then RST: an ordinary end
			}
			closing = true
		}
		if s.has(flagRST) {
			c.setState(e, endReset)
			closing = true
		}
	case endClosed:
		if s.has(flagRST) && peer.state != endClosed {
			c.setState(e, endReset)
			closing = !e.didClose
		}
	}
	return closing
}

// moveInactive takes the first segment of an end.
func (c *conn) moveInactive(e, peer *end, dir int, at int64, s *segment) (closing bool) {
	if s.has(flagSYN) {
		c.firstSYN(e, peer, dir, at, s)
	}
	if s.has(flagFIN) {
		c.setState(e, endClosed)
		closing = true
	}
	if s.has(flagRST) {
		c.setState(e, endReset)
		closing = true
	}
	if e.state != endInactive {
		return closing
	}
	switch {
	case dir == 1 && s.length == 0 && c.tcp.ends[0].state == endSynSent:
		// Some acknowledge a SYN before they send their own.
	case s.has(flagACK) && peer.state == endEstablished:
		// Only the first SYN was missed.
		c.setState(e, endEstablished)
		c.tcp.partial = false
		c.tcp.firstSeen[dir] = true
	default:
		c.setState(e, endPartial)
	}
	return closing
}

func (c *conn) firstSYN(e, peer *end, dir int, at int64, s *segment) {
	if dir == 0 {
		state := endSynSent
		if s.has(flagACK) {
			state = endSynAckSent
		}
		c.setState(e, state)
		c.tcp.attemptAt = at
		return
	}
	if !s.has(flagACK) && peer.state == endSynAckSent && s.seq == e.start {
		c.turn() // the SYN came after its answer
		c.setState(peer, endEstablished)
		c.tcp.firstSeen[0] = true
	}
	if peer.state == endSynSent {
		c.setState(peer, endEstablished)
	}
	c.setState(e, endEstablished)
	if c.loginPort() {
		c.wait = waitLogin
	}
}

// loginPort says whether people sit before the connection, and may be silent.
func (c *conn) loginPort() bool {
	switch c.sum.respPort {
	case 21, 22, 23, 513:
		return true
	}
	return false
}

// turn exchanges the ends of a flow that was taken the wrong way round.
func (c *conn) turn() {
	k := c.tcp
	k.ends[0], k.ends[1] = k.ends[1], k.ends[0]
	k.firstSeen[0], k.firstSeen[1] = k.firstSeen[1], k.firstSeen[0]
	k.partial = false
	c.flip()
	if c.app != nil {
		c.app.flip()
	}
}

// closed notes that an end has closed, unless data before its end is still missing.
func (c *conn) closed(e *end) {
	k, peer := c.tcp, c.peerOf(e)
	if e.pending(peer) {
		k.deferred = true
		return
	}
	k.deferred = false
	if e.didClose {
		return
	}
	e.didClose = true
	if e.state == endReset || peer.didClose || peer.state == endInactive {
		k.closedAt = max(c.sum.last, 1)
	}
}

// summarise brings what the sequence numbers say into the summary.
func (k *tcp) summarise(c *conn) {
	for i, e := range k.ends {
		c.sum.bytes[i] = e.size(k.ends[1-i])
	}
	c.sum.state = k.state(string(c.history), c.sum.bytes)
}

// A connState is Zeek's conn_state.
type connState string

// state gives conn_state (scripts/base/protocols/conn/main.zeek).
func (k *tcp) state(history string, size [2]uint64) connState {
	o, r := k.ends[0].state, k.ends[1].state
	began := func(s endState) bool { return s != endInactive && s != endPartial }
	switch {
	case r == endReset:
		switch {
		case o == endSynSent, o == endSynAckSent, o == endReset && size[0] == 0 && size[1] == 0:
			return "REJ"
		case !began(o):
			return "RSTRH"
		}
		return "RSTR"
	case o == endReset:
		if began(r) {
			return "RSTO"
		}
		if resetAttempt(history) {
			return "RSTOS0"
		}
		return "OTH"
	case r == endClosed && o == endClosed:
		return "SF"
	case o == endClosed:
		if began(r) {
			return "S2"
		}
		return "SH"
	case r == endClosed:
		if began(o) {
			return "S3"
		}
		return "SHR"
	case o == endSynSent && r == endInactive:
		return "S0"
	case o == endEstablished && r == endEstablished:
		return "S1"
	}
	return "OTH"
}

// resetAttempt says whether the originator sent a SYN, then a RST, and nothing between.
func resetAttempt(history string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(history, "^"), "S")
	if !ok {
		return false
	}
	before, _, reset := strings.Cut(rest, "R")
	return reset && !strings.ContainsAny(before, "HAFGIQ")
}

// countedState gives conn_state of a flow that is no TCP.
func countedState(s *summary) connState {
	if s.proto != protoUDP && s.proto != protoUDPL {
		return "OTH"
	}
	switch {
	case s.packets[0] > 0 && s.packets[1] > 0:
		return "SF"
	case s.packets[0] > 0:
		return "S0"
	}
	return "SHR"
}
