package flow

import (
	"encoding/json"
	"net/netip"
)

// A DNSRow is a question with its answer, or one of them alone.
type DNSRow struct {
	Ends
	ID         uint16       `json:"id"`
	Query      string       `json:"query"`                // the name asked for: labels joined by dots, \. and \DDD for bytes that are not plain; "." is the root
	NetBIOS    string       `json:"netbios,omitempty"`    // the name that the query stands for, with its suffix, on port 137
	Type       string       `json:"type"`                 // asked for
	Class      string       `json:"class"`                //
	Questions  []string     `json:"questions,omitempty"`  // all, "name type", if there were more than one
	Opcode     int          `json:"opcode,omitempty"`     // 0: query
	Asked      bool         `json:"asked"`                // the question was seen
	Answered   bool         `json:"answered"`             // an answer was seen
	RTT        *jsonSeconds `json:"rtt,omitempty"`        // seconds from the question to the answer
	Rcode      string       `json:"rcode,omitempty"`      // of the answer
	Flags      string       `json:"flags,omitempty"`      // of the answer, or else of the question: aa tc rd ra ad cd
	Answers    []DNSAnswer  `json:"answers,omitempty"`    //
	Authority  int          `json:"authority,omitempty"`  // records of the answer's authority section
	Additional int          `json:"additional,omitempty"` // records of its additional section
	Cut        bool         `json:"cut,omitempty"`        // the answer could not be read to its end
}

// jsonSeconds are seconds with six digits, from nanoseconds.
type jsonSeconds int64

// MarshalJSON writes seconds.
func (s jsonSeconds) MarshalJSON() ([]byte, error) { return appendSeconds(nil, int64(s)), nil }

// UnmarshalJSON reads seconds.
func (s *jsonSeconds) UnmarshalJSON(b []byte) error {
	var f float64
	err := json.Unmarshal(b, &f)
	*s = jsonSeconds(f*1e9 + 0.5)
	return err
}

func appendSeconds(out []byte, n int64) []byte {
	if n < 0 {
		out = append(out, '-')
		n = -n
	}
	n /= 1000
	out = appendInt(out, n/1e6)
	out = append(out, '.')
	for unit := int64(100_000); unit > 0; unit /= 10 {
		out = append(out, '0'+byte(n/unit%10))
	}
	return out
}

// maxDNSWaiting bounds the questions of one flow that wait for an answer.
const maxDNSWaiting = 64

// A dnsFlow holds the questions of a flow that wait.
type dnsFlow struct{ waiting []dnsAsked }

type dnsAsked struct {
	at   int64
	id   uint16
	held int // bytes, about
	row  DNSRow
}

// drop takes a question from those that wait.
func (f *dnsFlow) drop(t *Tables, i int) {
	t.appBytes -= f.waiting[i].held
	f.waiting = append(f.waiting[:i], f.waiting[i+1:]...)
}

// A dnsStream cuts the messages of DNS over TCP out of the stream (RFC 1035 section 4.2.2).
type dnsStream struct{ parts [2][]byte }

func (s *dnsStream) feed(t *Tables, c *conn, dir int, b []byte) {
	p := append(s.parts[dir], b...)
	for len(p) >= 2 {
		n := int(be16(p))
		if len(p) < 2+n {
			break
		}
		if !t.dnsMessage(c, dir, p[2:2+n]) {
			c.app.dns = nil // it is something else on that port
			if c.sum.services == 0 {
				c.app.open = true
				t.find(c, dir, p)
			}
			return
		}
		c.serves(serviceDNS)
		p = p[2+n:]
	}
	s.parts[dir] = append(s.parts[dir][:0], p...)
}

// dnsMessage takes a message; it says whether it is one.
func (t *Tables) dnsMessage(c *conn, _ int, b []byte) bool {
	m, err := parseDNS(b)
	if err != nil {
		return false
	}
	if c.dns == nil {
		c.dns = &dnsFlow{}
	}
	if m.flags&0x8000 == 0 {
		t.dnsQuestion(c, &m)
	} else {
		t.dnsAnswer(c, &m)
	}
	return true
}

// dnsRow makes a row of what both kinds of messages have.
func (t *Tables) dnsRow(c *conn, m *dnsMessage) DNSRow {
	row := DNSRow{Ends: t.ends(c, t.now), ID: m.id, Opcode: int(m.flags >> 11 & 15), Flags: dnsFlags(m.flags)}
	row.Query = "."
	switch {
	case len(m.questions) > 0:
		q := m.questions[0]
		row.Query, row.Type, row.Class = q.name, dnsType(q.kind), dnsClass(q.class)
	case len(m.answers) > 0: // mDNS announces without a question
		row.Query, row.Type = m.answers[0].Name, m.answers[0].Type
	}
	if c.sum.respPort == 137 {
		row.NetBIOS = netbiosName(row.Query)
	}
	if len(m.questions) > 1 {
		for _, q := range m.questions {
			row.Questions = append(row.Questions, q.name+" "+dnsType(q.kind))
		}
	}
	return row
}

func (t *Tables) dnsQuestion(c *conn, m *dnsMessage) {
	row := t.dnsRow(c, m)
	row.Asked = true
	w := &c.dns.waiting
	for i := range *w { // asked again: the first counts
		if old := &(*w)[i]; old.id == m.id && old.row.Query == row.Query && old.row.Type == row.Type {
			t.dns.add(t.now, &row)
			return
		}
	}
	held := 512 + len(row.Query)
	for _, q := range row.Questions {
		held += 16 + len(q)
	}
	for len(*w) > 0 && (len(*w) >= maxDNSWaiting || t.appBytes+held > maxHeldInAll) {
		t.dns.add((*w)[0].at, &(*w)[0].row)
		c.dns.drop(t, 0)
	}
	if t.appBytes+held > maxHeldInAll {
		t.dns.add(t.now, &row)
		return
	}
	t.appBytes += held
	*w = append(*w, dnsAsked{t.now, m.id, held, row})
}

func (t *Tables) dnsAnswer(c *conn, m *dnsMessage) {
	row := t.dnsRow(c, m)
	at := t.now
	w := &c.dns.waiting
	for i := range *w {
		if old := &(*w)[i]; old.id == m.id && (len(m.questions) == 0 || old.row.Query == row.Query && old.row.Type == row.Type) {
			rtt := jsonSeconds(t.now - old.at)
			at, row = old.at, old.row
			row.RTT = &rtt
			row.Flags = dnsFlags(m.flags)
			c.dns.drop(t, i)
			break
		}
	}
	row.Answered, row.Rcode, row.Answers, row.Cut = true, dnsRcode(m.flags&15), m.answers, m.cut
	row.Authority, row.Additional = m.authority, m.more
	row.setOwner(c)
	t.dns.add(at, &row)
	for _, a := range m.answers {
		if a.Type != "A" && a.Type != "AAAA" {
			continue
		}
		if addr, err := netip.ParseAddr(a.Data); err == nil {
			name := row.Query
			if len(m.questions) == 0 {
				name = a.Name
			}
			t.nameOf(addr, name)
		}
	}
}

// dnsEnds writes the questions that nobody answered.
func (t *Tables) dnsEnds(c *conn) {
	for i := range c.dns.waiting {
		w := &c.dns.waiting[i]
		w.row.setOwner(c)
		t.dns.add(w.at, &w.row)
		t.appBytes -= w.held
	}
	c.dns.waiting = nil
}

func dnsFlags(flags uint16) string {
	var out []byte
	for _, f := range []struct {
		bit  uint16
		name string
	}{{0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"}, {0x0080, "ra"}, {0x0020, "ad"}, {0x0010, "cd"}} {
		if flags&f.bit != 0 {
			if len(out) > 0 {
				out = append(out, ' ')
			}
			out = append(out, f.name...)
		}
	}
	return string(out)
}
