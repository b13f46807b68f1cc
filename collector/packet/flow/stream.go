package flow

import "slices"

// Bounds of the reassembly of TCP.
const (
	maxAhead      = 256 << 10 // bytes of one direction kept after a hole
	maxBlocks     = 512       // pieces of one direction kept after a hole
	maxAheadInAll = 64 << 20
)

// A stream puts the data of one end in order. Sequence numbers are counted from the SYN.
type stream struct {
	next   uint64  // of the first byte that has not been delivered
	trim   uint64  // up to here all is acknowledged and settled
	blocks []block // what came after a hole; in order, none touching another
	bytes  int     // in blocks
}

// A block is data that waits for what is before it. Data may be shorter than the range:
// the rest was not captured, or nobody wants it.
type block struct {
	seq, past uint64
	data      []byte
}

// dataSent takes the payload of a segment.
func (t *Tables) dataSent(c *conn, e *end, seq uint64, s *segment) {
	acked, _ := e.relative(e.acked, e.acked, e.ackWraps)
	b := block{seq: seq, past: seq + uint64(s.length), data: s.data}
	if len(b.data) > s.length {
		b.data = b.data[:s.length]
	}
	b.from(max(acked, e.in.next))
	if b.seq >= b.past {
		return
	}
	if b.seq == e.in.next {
		t.deliver(c, e, b)
		t.drain(c, e)
		return
	}
	if c.app != nil && !c.app.wants(c.dirOf(e)) {
		b.data = nil
	} else {
		b.data = slices.Clone(b.data)
	}
	t.insert(e, b)
	for len(e.in.blocks) > maxBlocks || e.in.bytes > maxAhead {
		t.giveUpHole(c, e)
	}
	if t.aheadBytes > maxAheadInAll {
		t.waitLess()
	}
}

func (t *Tables) giveUpHole(c *conn, e *end) {
	t.hole(c, e, e.in.blocks[0].seq)
	t.drain(c, e)
}

// waitLess halves what all flows keep after holes, so that it is seldom needed: first
// those give their holes up that keep much, in the order of their last packet. So none
// can take the room of those that come after it.
func (t *Tables) waitLess() {
	for _, least := range []int{4 << 10, 0} {
		for c := t.oldest; c != nil; c = c.prev {
			if t.aheadBytes <= maxAheadInAll/2 {
				return
			}
			if c.tcp == nil {
				continue
			}
			for _, e := range c.tcp.ends {
				for e.in.bytes > least && len(e.in.blocks) > 0 {
					t.giveUpHole(c, e)
				}
			}
		}
	}
}

// from cuts off what is before seq.
func (b *block) from(seq uint64) {
	if seq <= b.seq {
		return
	}
	n := min(seq, b.past) - b.seq
	b.data = b.data[min(n, uint64(len(b.data))):]
	b.seq += n
}

// insert keeps a block for later; where it overlaps what is there, that stays.
func (t *Tables) insert(e *end, b block) {
	in := &e.in
	at := 0
	for at < len(in.blocks) && b.seq < b.past {
		have := in.blocks[at]
		switch {
		case have.past <= b.seq:
			at++
			continue
		case b.seq < have.seq: // the part before it
			part := b
			part.past = min(b.past, have.seq)
			part.data = part.data[:min(uint64(len(part.data)), part.past-part.seq)]
			in.blocks = slices.Insert(in.blocks, at, part)
			t.ahead(in, len(part.data))
			b.from(part.past)
			at++
		default:
			b.from(have.past)
			at++
		}
	}
	if b.seq < b.past {
		in.blocks = slices.Insert(in.blocks, at, b)
		t.ahead(in, len(b.data))
	}
}

func (t *Tables) ahead(in *stream, n int) {
	in.bytes += n
	t.aheadBytes += n
}

// drain delivers the blocks that have become next.
func (t *Tables) drain(c *conn, e *end) {
	for len(e.in.blocks) > 0 && e.in.blocks[0].seq <= e.in.next {
		b := e.in.blocks[0]
		t.ahead(&e.in, -len(b.data))
		e.in.blocks = slices.Delete(e.in.blocks, 0, 1)
		b.from(e.in.next)
		if b.seq < b.past {
			t.deliver(c, e, b)
		}
	}
}

// deliver gives the next bytes to whoever reads the flow.
func (t *Tables) deliver(c *conn, e *end, b block) {
	e.in.next = b.past
	if n := len(b.data); n > 0 {
		t.says(c, c.dirOf(e), b.data)
	}
	if lost := b.past - b.seq - uint64(len(b.data)); lost > 0 {
		t.misses(c, c.dirOf(e), lost)
	}
}

// hole gives up what is missing before seq.
func (t *Tables) hole(c *conn, e *end, seq uint64) {
	if seq <= e.in.next {
		return
	}
	missing := seq - e.in.next
	e.in.next = seq
	peer := c.peerOf(e)
	if e.clean() && peer.clean() { // else the numbers are not to be relied on
		if e.gaps.hit() {
			c.letter(c.dirOf(e), 'G')
		}
		c.sum.missed[c.dirOf(e)] += missing
	}
	t.misses(c, c.dirOf(e), missing)
}

func (e *end) clean() bool {
	return e.state == endEstablished || e.state == endClosed && e.before == endEstablished
}

// ackReceived takes the peer's word that all before seq has arrived: what we have not seen
// of it will not come.
func (t *Tables) ackReceived(c *conn, e *end, seq uint64) {
	if e.fins > 0 && seq >= e.finAt {
		seq = e.finAt - 1
	}
	if seq <= max(e.in.trim, 1) || int64(seq) < 0 {
		return
	}
	e.in.trim = seq
	if seq > e.in.next && !(seq <= 2 && c.tcp.partial) {
		for len(e.in.blocks) > 0 && e.in.blocks[0].seq < seq {
			t.hole(c, e, e.in.blocks[0].seq)
			t.drain(c, e)
		}
		t.hole(c, e, seq)
		t.drain(c, e)
	}
	t.checkEnd(c, e)
}

// pending says whether data that the end has sent has not been delivered yet.
func (e *end) pending(peer *end) bool {
	delivered, last := uint64(e.start)+e.in.next, uint64(e.lastWraps)<<32|uint64(e.last)
	if last < delivered {
		return false
	}
	if delivered != last && delivered != last-1 {
		return true
	}
	return e.state != endReset && len(peer.in.blocks) > 0
}

// checkEnd notes that an end that has closed has nothing more to deliver.
func (t *Tables) checkEnd(c *conn, e *end) {
	if e.ended || e.fins == 0 && e.state != endClosed && e.state != endReset || e.pending(c.peerOf(e)) {
		return
	}
	e.ended = true
	if c.tcp.deferred {
		c.closed(e)
		c.tcp.deferred = false
	}
}

// forget frees what a flow that is over still holds.
func (t *Tables) forget(k *tcp) {
	for _, e := range k.ends {
		t.aheadBytes -= e.in.bytes
		e.in.blocks, e.in.bytes = nil, 0
	}
}
