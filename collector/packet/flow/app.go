package flow

import "bytes"

// An app reads what a TCP flow says, as far as somebody can use it.
type app struct {
	heads [2][]byte // the first bytes of each direction, until it is known what it is
	seen  [2]int    // bytes looked at
	proxy bool      // it is inside what CONNECT opened: the other end is not who was asked
	open  bool      // it may still become something: nothing was found, or a protocol that can begin TLS
	http  *httpFlow
	tls   *tlsFlow
	dns   *dnsStream
	held  int // bytes that this holds, as counted in Tables.appBytes
}

// Bounds of what is looked at to find out what a flow speaks.
const (
	maxHead   = 256      // bytes of each direction that are compared
	maxLooked = 64 << 10 // bytes of each direction before a flow is left alone

	maxHeld      = 1 << 20  // bytes that one flow may make us hold
	maxHeldInAll = 64 << 20 // bytes that all flows together may
)

// wants says whether the data of a direction is read.
func (a *app) wants(int) bool { return a.open || a.http != nil || a.tls != nil || a.dns != nil }

func (a *app) flip() {
	a.heads[0], a.heads[1] = a.heads[1], a.heads[0]
	a.seen[0], a.seen[1] = a.seen[1], a.seen[0]
}

// says takes the next bytes of one direction of a TCP flow.
func (t *Tables) says(c *conn, dir int, b []byte) {
	a := c.app
	if a == nil {
		a = &app{open: true}
		c.app = a
		if c.sum.respPort == 53 || c.sum.respPort == 5353 {
			a.open, a.dns = false, &dnsStream{}
		}
	}
	switch {
	case a.http != nil:
		a.http.feed(t, c, dir, b)
	case a.tls != nil:
		a.tls.feed(t, c, dir, b)
	case a.dns != nil:
		a.dns.feed(t, c, dir, b)
	case a.open:
		t.find(c, dir, b)
	}
	t.account(c)
}

// account counts what a flow holds; a flow that holds too much is read no further.
// Where all together do, it is not this one that goes, but those that keep the most the
// longest: else who fills the room once would silence all that comes after.
func (t *Tables) account(c *conn) {
	n := c.app.size()
	t.appBytes += n - c.app.held
	if c.app.held = n; n > maxHeld {
		t.readNoFurther(c)
	}
	if t.appBytes > maxHeldInAll {
		t.makeRoom()
	}
}

func (t *Tables) readNoFurther(c *conn) {
	t.cutReads++
	t.appEnds(c)
	c.app = &app{}
}

// makeRoom halves what all flows hold together, so that it is seldom needed: first go
// those that hold much, in the order of their last packet.
func (t *Tables) makeRoom() {
	for _, least := range []int{4 << 10, 0} {
		for c := t.oldest; c != nil; c = c.prev {
			if t.appBytes <= maxHeldInAll/2 {
				return
			}
			if c.app != nil && c.app.held > least {
				t.readNoFurther(c)
			}
		}
	}
}

// size counts the bytes that are held.
func (a *app) size() int {
	n := len(a.heads[0]) + len(a.heads[1])
	if a.http != nil {
		n += a.http.held + cap(a.http.dirs[0].line) + cap(a.http.dirs[1].line)
	}
	if a.tls != nil {
		for i := range a.tls.dirs {
			n += cap(a.tls.dirs[i].record) + cap(a.tls.dirs[i].messages)
		}
	}
	if a.dns != nil {
		n += cap(a.dns.parts[0]) + cap(a.dns.parts[1])
	}
	return n
}

// misses says that bytes of one direction will not come.
func (t *Tables) misses(c *conn, dir int, n uint64) {
	a := c.app
	if a == nil {
		return
	}
	switch {
	case a.http != nil:
		a.http.miss(t, c, dir, n)
	case a.tls != nil:
		a.tls.miss(t, c, dir, n)
	case a.dns != nil:
		a.dns = nil
	case a.open && a.seen[dir] == 0:
		a.seen[dir] = maxHead // the beginning is gone
	}
}

// appEnds writes what is still open when a flow ends.
func (t *Tables) appEnds(c *conn) {
	t.appBytes -= c.app.held
	c.app.held = 0
	if c.app.http != nil {
		c.app.http.end(t, c)
	}
	if c.app.tls != nil {
		c.app.tls.end(t, c)
	}
}

// find looks what a flow speaks.
func (t *Tables) find(c *conn, dir int, b []byte) {
	a := c.app
	// TLS may begin at any time, after STARTTLS and the like; a segment begins with it.
	if looksTLS(b) {
		a.open, a.heads = false, [2][]byte{}
		a.tls = newTLS(dir, c.app.seen[0]+c.app.seen[1] > 0)
		c.serves(serviceTLS)
		a.tls.feed(t, c, dir, b)
		return
	}
	first := a.seen[dir] < maxHead
	a.seen[dir] += len(b)
	if !first {
		// A request may also stand in the middle, where the capture began later than the flow.
		if dir == 0 && c.sum.services == 0 && requestLine(b) && bytes.Contains(b, []byte(" HTTP/1.")) {
			a.open, a.heads = false, [2][]byte{}
			a.http = &httpFlow{}
			c.serves(serviceHTTP)
			a.http.feed(t, c, dir, b)
		}
		a.open = a.open && (a.seen[0] < maxLooked || a.seen[1] < maxLooked)
		return
	}
	a.heads[dir] = append(a.heads[dir], b[:min(len(b), maxHead-len(a.heads[dir]))]...)
	if requestLine(a.heads[dir]) && dir == 0 || dir == 1 && bytes.HasPrefix(a.heads[1], []byte("HTTP/1.")) {
		a.http = &httpFlow{}
		c.serves(serviceHTTP)
		heads := a.heads
		a.open, a.heads = false, [2][]byte{}
		if whole := a.seen[dir] == len(b); !whole { // the line came in pieces
			a.http.feed(t, c, dir, heads[dir][:len(heads[dir])-min(len(b), len(heads[dir]))])
		}
		a.http.feed(t, c, dir, b)
		return
	}
	if s := findService(a.heads[0], a.heads[1]); s != 0 {
		c.serves(s)
		switch s {
		case serviceSSH, serviceFTP: // people sit there
			c.wait = waitLogin
			a.open = s == serviceFTP
		case serviceSMB, serviceRDP, serviceVNC, serviceBitTorrent:
			a.open = s == serviceRDP
		}
		a.heads = [2][]byte{}
		a.seen = [2]int{max(a.seen[0], maxHead), max(a.seen[1], maxHead)}
	}
}

// findService knows protocols by the first bytes of the originator (o) and the responder (r).
func findService(o, r []byte) services {
	has := func(b []byte, prefixes ...string) bool {
		for _, p := range prefixes {
			if len(b) >= len(p) && bytes.EqualFold(b[:len(p)], []byte(p)) {
				return true
			}
		}
		return false
	}
	switch {
	case has(o, "SSH-1.", "SSH-2.") || has(r, "SSH-1.", "SSH-2."):
		return serviceSSH
	case has(o, "EHLO ", "HELO ", "LHLO ") && has(r, "220"):
		return serviceSMTP
	case has(o, "USER ", "AUTH TLS", "AUTH SSL", "FEAT") && has(r, "220", "120"):
		return serviceFTP
	case has(r, "+OK") && has(o, "USER ", "CAPA", "AUTH", "STLS", "APOP ", "PASS ", "QUIT"):
		return servicePOP3
	case has(r, "* OK") && bytes.IndexByte(o, ' ') > 0:
		return serviceIMAP
	case has(o, "<?xml", "<stream:stream") && bytes.Contains(o, []byte("stream")):
		return serviceXMPP
	case len(o) > 8 && o[0] == 0 && (bytes.HasPrefix(o[4:], []byte("\xffSMB")) || bytes.HasPrefix(o[4:], []byte("\xfeSMB"))):
		return serviceSMB
	case len(o) > 10 && o[0] == 3 && o[1] == 0 && o[5] == 0xe0 && len(r) > 5 && r[0] == 3 && r[5] == 0xd0:
		return serviceRDP
	case has(o, "RFB 0") || has(r, "RFB 0"):
		return serviceVNC
	case has(o, "\x13BitTorrent protocol"):
		return serviceBitTorrent
	case len(o) >= 3 && len(r) == 2 && o[0] == 5 && int(o[1])+2 == len(o) && r[0] == 5:
		return serviceSOCKS
	case has(o, "NICK ", "CAP LS") && (bytes.Contains(o, []byte("USER ")) || has(r, ":")):
		return serviceIRC
	}
	return 0
}

// datagramSays looks at a UDP payload.
func (t *Tables) datagramSays(c *conn, dir int, b []byte) {
	switch c.sum.respPort {
	case 53, 5353, 5355, 137:
		if t.dnsMessage(c, dir, b) {
			c.serves(serviceDNS)
		}
		return
	}
	if c.sum.services&serviceQUIC != 0 && !c.quicDone {
		t.quic(c, dir, b)
		return
	}
	if c.sum.byContent || c.sum.packets[0]+c.sum.packets[1] > 8 {
		return
	}
	if s := findDatagram(c.sum.respPort, b); s != 0 {
		c.serves(s)
		if s == serviceQUIC {
			t.quic(c, dir, b)
		}
	}
}

// findDatagram knows protocols over UDP by a payload.
func findDatagram(port uint16, b []byte) services {
	switch {
	case len(b) < 8:
		return 0
	case b[0]&0xc0 == 0xc0 && len(b) >= 1200 && (be32(b[1:]) == 1 || be32(b[1:]) == 0x6b3343cf || be32(b[1:])>>8 == 0xff0000):
		return serviceQUIC
	case port == 123 && len(b) >= 48 && b[0]>>3&7 >= 1 && b[0]>>3&7 <= 4 && b[0]&7 >= 1 && b[0]&7 <= 5:
		return serviceNTP
	case (port == 67 || port == 68) && len(b) >= 240 && be32(b[236:]) == 0x63825363:
		return serviceDHCP
	case len(b) >= 20 && b[0]&0xc0 == 0 && be32(b[4:]) == 0x2112a442:
		return serviceSTUN
	case bytes.HasPrefix(b, []byte("M-SEARCH * HTTP/1.1")) || bytes.HasPrefix(b, []byte("NOTIFY * HTTP/1.1")):
		return serviceSSDP
	case bytes.HasPrefix(b, []byte("d1:ad2:id20:")) || bytes.HasPrefix(b, []byte("d1:rd2:id20:")):
		return serviceBitTorrent
	case len(b) == 148 && be32(b) == 0x01000000:
		return serviceWireGuard
	}
	return 0
}
