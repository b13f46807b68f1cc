package flow

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// A run gives packets to tables, a millisecond apart, and puts them.
type run struct {
	tables *Tables
	at     time.Time
}

func newRun(o Options) *run { return &run{New(o), time.Unix(1e9, 0)} }

func (r *run) send(b []byte) {
	r.at = r.at.Add(time.Millisecond)
	r.tables.Packet(0, linkRaw, r.at, b, len(b))
}

func (r *run) put(t testing.TB) *hosttest.Sink {
	t.Helper()
	s := &hosttest.Sink{}
	if err := r.tables.Put(context.Background(), s, "network/"); err != nil {
		t.Fatal(err)
	}
	if r.tables.aheadBytes != 0 || r.tables.appBytes != 0 {
		t.Errorf("%d and %d bytes are still counted", r.tables.aheadBytes, r.tables.appBytes)
	}
	return s
}

func TestHTTPRequestsOfOneConnection(t *testing.T) {
	r, m := newRun(Options{}), newMaker("10.0.0.1:40000", "192.0.2.1:8081")
	m.open(r.send)
	// Two requests at once, the first with a body that looks like a request.
	m.say(0, "POST /up HTTP/1.1\r\nHost: a.example\r\nContent-Length: 16\r\n\r\nGET /no HTTP/1.1GET /two?q=1 HTTP/1.1\r\nHo", r.send)
	m.say(0, "st: b.example\r\nUser-Agent: x\ty\r\n\r\n", r.send)
	m.say(1, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nContent-Type: text/x\r\n\r\n5;x\r\nabcde\r\n3\r\nfgh\r\n0\r\nT: 1\r\n\r\n", r.send)
	m.say(1, "HTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n", r.send)
	m.say(0, "HEAD /three HTTP/1.1\r\n\r\n", r.send)
	m.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", r.send)
	m.close(r.send)
	var got []string
	for _, h := range rowsOf[HTTPRow](t, r.put(t), "http") {
		got = append(got, facts(h.Depth, h.Method, h.Host, h.URI, h.UserAgent, h.RequestBody, h.Status, h.StatusMessage, h.ResponseType, h.ResponseBody))
	}
	want := []string{"1 | POST | a.example | /up |  | 16 | 201 | Made | text/x | 8", "2 | GET | b.example | /two?q=1 | x\ty | 0 | 304 | Same |  | 0",
		"3 | HEAD |  | /three |  | 0 | 200 | OK |  | 0"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestRequestInTheMiddle begins in the body of a response, as a capture of a machine at work does.
func TestRequestInTheMiddle(t *testing.T) {
	r, m := newRun(Options{}), newMaker("10.0.0.1:40000", "192.0.2.1:80")
	for range 100 {
		m.say(1, strings.Repeat("x", 1000), r.send)
	}
	m.say(0, strings.Repeat("y", 300), r.send)
	m.say(0, "GET /later HTTP/1.1\r\nHost: a.example\r\n\r\n", r.send)
	m.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", r.send)
	s := r.put(t)
	if rows := rowsOf[HTTPRow](t, s, "http"); len(rows) != 1 || rows[0].URI != "/later" || rows[0].Status != 200 {
		t.Errorf("%+v", rows)
	}
	f := rowsOf[FlowRow](t, s, "flows")[0]
	if f.Orig != "10.0.0.1" || !strings.HasPrefix(f.History, "^") || f.RespBytes != 100_039 {
		t.Errorf("%+v", f)
	}
}

func TestSegmentsOutOfOrderAndLost(t *testing.T) {
	r, m := newRun(Options{}), newMaker("10.0.0.1:40000", "192.0.2.1:80")
	m.open(r.send)
	text := "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n"
	r.send(m.segment(0, flagACK, m.seq[0]+10, []byte(text[10:])))               // late
	r.send(m.segment(0, flagACK, m.seq[0], []byte(text[:12])))                  // overlaps what is there
	r.send(m.segment(0, flagACK, m.seq[0], []byte(strings.ToUpper(text[:12])))) // again, and different: the first counts
	m.seq[0] += uint32(len(text))
	m.acked[1] = m.seq[0]
	m.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n", r.send)
	m.seq[1] += 200 // lost, but acknowledged with what follows
	m.say(1, strings.Repeat("x", 100), r.send)
	m.say(0, "GET /b HTTP/1.1\r\n\r\n", r.send)
	m.say(1, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", r.send)
	m.close(r.send)
	s := r.put(t)
	var got []string
	for _, h := range rowsOf[HTTPRow](t, s, "http") {
		got = append(got, facts(h.URI, h.Host, h.Status, h.ResponseBody, h.Cut))
	}
	if want := []string{"/a | a.example | 200 | 100 | true", "/b |  | 404 | 0 | false"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	f := rowsOf[FlowRow](t, s, "flows")[0]
	if f.MissedBytes != 200 || f.State != "SF" || f.History != "ShADTdgaFf" || f.RespBytes != 40+300+38 {
		t.Errorf("%+v", f)
	}
}

// TestFlood sends more half-open connections than there is room for, and rows.
func TestFlood(t *testing.T) {
	r := newRun(Options{MaxFlows: 1000, MaxRows: 5000})
	for n := range 20_000 {
		r.at = r.at.Add(-time.Millisecond + time.Microsecond)
		r.send(newMaker(fmt.Sprintf("198.18.%d.%d:1000", n>>8, n&255), "10.0.0.1:80").segment(0, flagSYN, 1, nil))
	}
	if c := r.tables.Counts(); c.Following != 1000 || c.Evicted != 19_000 || c.Flows != 20_000 {
		t.Errorf("%+v", c)
	}
	s := r.put(t)
	rec, _ := s.Record("network/flows.jsonl")
	if rows := rowsOf[FlowRow](t, s, "flows"); len(rows) != 5000 || rows[0].State != "S0" || !rows[0].Evicted {
		t.Errorf("%d rows, the first %+v", len(rows), rows[0])
	}
	if rec.Outcome != evidence.Partial || !rec.Shortfall || !strings.Contains(rec.Note, "15000 flows") {
		t.Errorf("%v %v %s", rec.Outcome, rec.Shortfall, rec.Note)
	}
	if rows := rowsOf[RemoteRow](t, s, "remotes"); len(rows) != 20_000 || rows[0].Inbound != 1 {
		t.Errorf("%d remotes, the first %+v", len(rows), rows[0])
	}
}

// TestHoldsLittle sends many flows that make us hold as much as each may.
func TestHoldsLittle(t *testing.T) {
	r := newRun(Options{})
	line := "GET /" + strings.Repeat("a", 1400)
	for n := range 3000 {
		m := newMaker(fmt.Sprintf("10.0.%d.%d:1000", n>>8, n&255), "192.0.2.1:80")
		m.open(r.send)
		for range 10 {
			m.say(0, line+" HTTP/1.1\r\n\r\n", r.send)
			r.send(m.segment(0, flagACK, m.seq[0]+10_000, []byte(line)))
		}
	}
	if r.tables.appBytes > maxHeldInAll || r.tables.aheadBytes > maxAheadInAll {
		t.Errorf("%d bytes held by what reads, %d ahead", r.tables.appBytes, r.tables.aheadBytes)
	}
	s := r.put(t)
	rec, _ := s.Record("network/flows.jsonl")
	if rows := rowsOf[HTTPRow](t, s, "http"); len(rows) < 20_000 || !strings.Contains(rec.Note, "held too much") {
		t.Errorf("%d requests; %s", len(rows), rec.Note)
	}
}

// TestRoomForWhatComesAfter: flows that hold all the room there is do not silence one
// that comes after them, nor do those that leave holes.
func TestRoomForWhatComesAfter(t *testing.T) {
	r := newRun(Options{})
	much := strings.Repeat("a", 1400)
	for n := range 60_000 {
		m := newMaker(fmt.Sprintf("10.%d.%d.1:1000", n>>8, n&255), "192.0.2.1:80")
		m.open(r.send)
		m.say(0, "GET /a HTTP/1.1\r\nX: "+much, r.send)
		r.send(m.segment(0, flagACK, m.seq[0]+10_000, []byte(much)))
		r.at = r.at.Add(-2 * time.Millisecond) // all within what TCP waits for
	}
	for n := range 3000 { // and the last bytes of it
		m := newMaker(fmt.Sprintf("10.%d.%d.2:1000", n>>8, n&255), "192.0.2.1:80")
		m.open(r.send)
		m.say(0, "G", r.send)
	}
	if r.tables.appBytes > maxHeldInAll || r.tables.aheadBytes > maxAheadInAll {
		t.Errorf("%d bytes held by what reads, %d ahead", r.tables.appBytes, r.tables.aheadBytes)
	}
	m := newMaker("10.0.0.2:1000", "192.0.2.1:80")
	m.open(r.send)
	late := "T /leak HTTP/1.1\r\nHost: leak.example\r\nX: " + much + much
	r.send(m.segment(0, flagACK, m.seq[0]+2, []byte(late))) // before what it follows
	m.say(0, "GE", r.send)
	m.seq[0] += uint32(len(late))
	m.say(0, "\r\n\r\n", r.send)
	hello := clientHello(t)
	m = newMaker("10.0.0.2:1001", "192.0.2.1:443")
	m.open(r.send)
	whole := "\x16\x03\x01" + string([]byte{byte((len(hello) + 4) >> 8), byte(len(hello) + 4), 1, 0, byte(len(hello) >> 8), byte(len(hello))}) + string(hello)
	m.say(0, whole[:100], r.send)
	m.say(0, whole[100:], r.send)
	s := r.put(t)
	if !slices.ContainsFunc(rowsOf[HTTPRow](t, s, "http"), func(row HTTPRow) bool { return row.Host == "leak.example" }) {
		t.Error("the request that came after all is not there")
	}
	if rows := rowsOf[TLSRow](t, s, "tls"); len(rows) != 1 || rows[0].ServerName == "" {
		t.Errorf("the hello that came after all is not there: %+v", rows)
	}
}

func TestOwnersAndRemotes(t *testing.T) {
	asked := 0
	r := newRun(Options{Local: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, Owner: func(k Key) (int, string, string, bool) {
		asked++
		return 42, "/bin/leak", "c1", asked > 2 && k.Resp.Port() == 443
	}})
	resolver, me := netip.MustParseAddrPort("10.0.0.53:53"), netip.MustParseAddrPort("10.0.0.1:5000")
	question := "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04Shop\x07example\x00\x00\x01\x00\x01"
	r.send(udp4(me, resolver, []byte(question)))
	answer := []byte(strings.Replace(question, "\x01\x00\x00\x01\x00\x00", "\x81\x80\x00\x01\x00\x01", 1) + "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\xc0\x00\x02\x09")
	r.send(udp4(resolver, me, answer))
	m := newMaker("10.0.0.1:40000", "192.0.2.9:443")
	m.open(r.send)
	m.say(0, strings.Repeat("secret", 100), r.send)
	m.say(1, "ok", r.send)
	m.close(r.send)
	s := r.put(t)
	rows := rowsOf[RemoteRow](t, s, "remotes")
	if len(rows) != 2 {
		t.Fatalf("%+v", rows)
	}
	got := rows[0]
	if got.Remote != "192.0.2.9" || got.BytesOut != 600 || got.BytesIn != 2 || got.Flows != 1 || fmt.Sprint(got.Names, got.Ports, got.Locals) != "[Shop.example] [tcp/443] [10.0.0.1]" ||
		len(got.Processes) != 1 || got.Processes[0].PID != 42 || got.Processes[0].Container != "c1" {
		t.Errorf("%+v", got)
	}
	if flows := rowsOf[FlowRow](t, s, "flows"); flows[1].PID != 42 || flows[1].Exe != "/bin/leak" || flows[0].PID != 0 {
		t.Errorf("%+v", flows)
	}
	dns := rowsOf[DNSRow](t, s, "dns")
	if len(dns) != 1 || *dns[0].RTT != 1_000_000 || dns[0].Answers[0] != (DNSAnswer{"Shop.example", "A", 5, "192.0.2.9"}) {
		t.Errorf("%+v", dns)
	}
}

// A machine with an address of the internet asks a resolver in its own network.
func TestOwnAddressIsNeverRemote(t *testing.T) {
	for own, want := range map[string]string{"": "198.51.100.7", "198.51.100.7": "10.0.0.53"} {
		r := newRun(Options{})
		if own != "" {
			r.tables.AddLocal([]netip.Addr{netip.MustParseAddr(own)})
		}
		r.send(udp4(netip.MustParseAddrPort("198.51.100.7:5000"), netip.MustParseAddrPort("10.0.0.53:5353"), []byte("question")))
		if rows := rowsOf[RemoteRow](t, r.put(t), "remotes"); len(rows) != 1 || rows[0].Remote != want {
			t.Errorf("own %q: %+v, want %s", own, rows, want)
		}
	}
}

func TestDNSNamesKeepEveryByte(t *testing.T) {
	for wire, want := range map[string]string{
		"\x03a.b\x02\\\x00\x00": `a\.b.\\\000`,
		"\x02\xc3\xa9\x00":      `\195\169`,
		"\x00":                  ".",
	} {
		if got, end, err := dnsName([]byte(wire), 0); got != want || end != len(wire) || err != nil {
			t.Errorf("%q: %q, %d, %v; want %q", wire, got, end, err, want)
		}
	}
	for _, wire := range []string{"\xc0\x00", "\x01a\xc0\x00", "\xc0\x02\xc0\x00", "\x05ab", "\x40a\x00", strings.Repeat("\x3f"+strings.Repeat("a", 63), 5) + "\x00"} {
		if got, _, err := dnsName([]byte(wire), 0); err == nil {
			t.Errorf("%q was read as %q", wire, got)
		}
	}
}

func TestDNSOverTCPInPieces(t *testing.T) {
	r, m := newRun(Options{}), newMaker("10.0.0.1:40000", "192.0.2.1:53")
	m.open(r.send)
	message := "\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x10\x00\x01"
	for _, c := range message + message {
		m.say(0, string([]byte{byte(c)}), r.send)
	}
	m.close(r.send)
	rows := rowsOf[DNSRow](t, r.put(t), "dns")
	if len(rows) != 2 || rows[0].Query != "www.example" || rows[0].Type != "TXT" || rows[0].Answered || !rows[0].Asked {
		t.Errorf("%+v", rows)
	}
}

func TestPerInterface(t *testing.T) {
	packet := udp4(netip.MustParseAddrPort("10.0.0.1:1000"), netip.MustParseAddrPort("10.0.0.2:2000"), []byte("hello"))
	for apart, want := range map[bool]int{false: 1, true: 2} {
		r := newRun(Options{PerInterface: apart})
		r.tables.Interface(1, "br0")
		for iface := range 2 {
			r.tables.Packet(iface, linkRaw, r.at, packet, len(packet))
		}
		rows := rowsOf[FlowRow](t, r.put(t), "flows")
		if len(rows) != want || apart && rows[1].Interface != "br0" {
			t.Errorf("%v: %+v", apart, rows)
		}
	}
}
