package flow

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkPacket gives the packets of ordinary connections, as a capture on a network
// card does: the figure of interest is packets/s.
func BenchmarkPacket(b *testing.B) {
	var packets [][]byte
	keep := func(p []byte) { packets = append(packets, ethernet(p)) }
	for n := range 500 {
		m := newMaker(fmt.Sprintf("10.0.%d.%d:40000", n/250, n%250+1), "192.0.2.1:80")
		m.open(keep)
		m.say(0, "GET /a HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\n\r\n", keep)
		m.say(1, "HTTP/1.1 200 OK\r\nContent-Length: 14000\r\n\r\n", keep)
		body := string(make([]byte, 1400))
		for range 10 {
			m.say(1, body, keep)
		}
		m.close(keep)
	}
	benchmark(b, packets)
}

// BenchmarkFlood gives SYNs that nobody answers, each of a new sender.
func BenchmarkFlood(b *testing.B) {
	var packets [][]byte
	for n := range 200_000 {
		m := newMaker(fmt.Sprintf("10.%d.%d.%d:40000", n>>16, n>>8&255, n&255), "192.0.2.1:80")
		packets = append(packets, ethernet(m.segment(0, flagSYN, 1, nil)))
	}
	benchmark(b, packets)
}

func benchmark(b *testing.B, packets [][]byte) {
	b.ReportAllocs()
	tables, at, n := New(Options{}), time.Unix(1e9, 0), 0
	for b.Loop() {
		at = at.Add(10 * time.Microsecond)
		tables.Packet(0, linkEthernet, at, packets[n%len(packets)], len(packets[n%len(packets)]))
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "packets/s")
}

func ethernet(ip []byte) []byte {
	return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, ip...)
}
