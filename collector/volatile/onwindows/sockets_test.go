package onwindows

import (
	"strings"
	"testing"

	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
)

const at2026 = 134135136000000000 // 2026-01-22T00:00:00Z

func recordedSockets() recorded {
	var tcp4, tcp6, udp4, udp6 blob
	tcp4.put(0, uint32(2))
	tcp4.put(8, uint32(2)) // a listener with rubbish where the remote end would be
	tcp4.put(8+4, []byte{10, 0, 0, 5, 0x01, 0xbb, 0xff, 0xff, 9, 9, 9, 9, 0xaa, 0xaa, 0, 0})
	tcp4.put(8+20, uint32(740))
	tcp4.put(8+24, uint64(at2026))
	tcp4.put(8+32, uint64(61))
	tcp4.put(168, uint32(11))
	tcp4.put(168+4, []byte{10, 0, 0, 5, 0xc0, 0x01, 0, 0, 203, 0, 113, 9, 0x01, 0xbb, 0, 0})
	tcp4.room(8 + 2*160)
	tcp6.put(0, uint32(1))
	tcp6.put(8, []byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 12, 0, 0, 0, 0x1f, 0x90, 0, 0})
	tcp6.put(8+24, []byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 12, 0, 0, 0, 0x00, 0x50, 0, 0})
	tcp6.put(8+48, uint32(5))
	tcp6.put(8+52, uint32(4321))
	tcp6.room(8 + 192)
	udp4.put(0, uint32(1))
	udp4.put(8, []byte{0, 0, 0, 0, 0x14, 0xeb, 0, 0})
	udp4.put(8+8, uint32(1200))
	udp4.put(8+16, uint64(at2026+1))
	udp4.put(8+24, uint32(1))
	udp4.put(8+32, uint64(77))
	udp4.room(8 + 160)
	udp6.put(0, uint32(1))
	udp6.put(8+20, []byte{0x14, 0xe9})
	udp6.put(8+24, uint32(1200))
	udp6.room(8 + 176)
	var owner, pipes blob
	owner.put(0, uint64(0x7000000010))
	owner.put(8, uint64(0x7000000040))
	owner.put(16, "Dnscache")
	owner.put(0x40, "C:\\Windows\\System32\\dnsrslvr\xed\xa0\x80.dll")
	pipe := func(at int, next uint32, name string) {
		pipes.put(at, next)
		pipes.put(at+40, uint64(3))
		pipes.put(at+48, int64(-1)&0xffffffff)
		pipes.put(at+60, uint32(2*len(name)))
		pipes.put(at+64, name)
	}
	pipe(0, 80, "lsass")
	pipe(80, 0, "MSSE-1234-server")
	pipes = append(pipes[:80+64+32], make([]byte, 0)...)
	pipe(80+64+32, 0, "a\nb")
	return recorded{
		"sockets/tcp4": tcp4, "sockets/tcp6": tcp6, "sockets/udp4": udp4, "sockets/udp6": udp6, "sockets/pipes": pipes,
		"sockets/owners": section.Append(nil, ownerKey{1200, 77}.sectionName(), false, winsys.Pieces{{Addr: 0x7000000000, Data: owner}}.Append(nil), nil),
	}
}

func TestRecordedSockets(t *testing.T) {
	s := collectRecorded(t, collectSockets, recordedSockets())
	const want = `{"family":"inet","protocol":"tcp","state":"listen","local_addr":"10.0.0.5","local_port":443,"created":"2026-01-22T00:00:00.000000000Z","holders":[{"pid":740}],"service_tag":61}
{"family":"inet","protocol":"tcp","state":"time_wait","local_addr":"10.0.0.5","local_port":49153,"remote_addr":"203.0.113.9","remote_port":443}
{"family":"inet6","protocol":"tcp","state":"established","local_addr":"fe80::1","local_port":8080,"remote_addr":"fe80::2","remote_port":80,"local_scope":12,"remote_scope":12,"holders":[{"pid":4321}]}
{"family":"inet","protocol":"udp","local_addr":"0.0.0.0","local_port":5355,"created":"2026-01-22T00:00:00.000000100Z","specific_port":true,"holders":[{"pid":1200}],"service_tag":77,"owner_module":"Dnscache","owner_path":{"b64":"QzpcV2luZG93c1xTeXN0ZW0zMlxkbnNyc2x2cu2ggC5kbGw="}}
{"family":"inet6","protocol":"udp","local_addr":"::","local_port":5353,"holders":[{"pid":1200}]}
`
	if got := string(s.Body("volatile/sockets.jsonl")); got != want {
		t.Errorf("got\n%s", got)
	}
	const pipes = `{"name":"lsass","instances":3,"max_instances":-1}
{"name":"MSSE-1234-server","instances":3,"max_instances":-1}
{"name":"a\nb","instances":3,"max_instances":-1}
`
	if got := string(s.Body("volatile/sockets/pipes.jsonl")); got != pipes {
		t.Errorf("got\n%s", got)
	}
}

// TestDamagedSockets: of a table that lies about its length there are the rows that are
// there, and a note.
func TestDamagedSockets(t *testing.T) {
	sys := recordedSockets()
	sys["sockets/tcp4"] = sys["sockets/tcp4"][:8+160+100]
	sys["sockets/pipes"] = sys["sockets/pipes"][:100]
	s := collectRecorded(t, collectSockets, sys)
	if n := strings.Count(string(s.Body("volatile/sockets.jsonl")), "\n"); n != 4 {
		t.Errorf("%d rows", n)
	}
	for path, want := range map[string]string{"volatile/sockets.jsonl": "ends in entry 1", "volatile/sockets/pipes.jsonl": "20 bytes left"} {
		r, _ := s.Record(path)
		if r.Outcome.String() != "partial" || !r.Shortfall || !strings.Contains(r.Note, want) {
			t.Errorf("%s: %s, %q", path, r.Outcome, r.Note)
		}
	}
}

func FuzzSockets(f *testing.F) {
	for name, b := range recordedSockets() {
		f.Add(name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		rows := 0
		row := func(any) { rows++ }
		tables := newSocketTables(b)
		for _, parse := range []func([]byte, func(any)) error{tables.tcp4, tables.tcp6, tables.udp4, tables.udp6, pipeRows} {
			_ = parse(b, row)
		}
		if rows > len(b) {
			t.Errorf("%d rows of %d bytes", rows, len(b))
		}
		ownersOf(b, sizeUDP6, 24, 48, map[ownerKey]bool{}, func(ownerKey, []byte) {})
	})
}
