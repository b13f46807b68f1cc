package flow

import (
	"encoding/binary"
	"net/netip"
)

// A maker makes the segments of one TCP connection, as raw IPv4.
type maker struct {
	ends  [2]netip.AddrPort
	seq   [2]uint32
	acked [2]uint32 // what each end has acknowledged of the other
}

func newMaker(client, server string) *maker {
	return &maker{ends: [2]netip.AddrPort{netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)}, seq: [2]uint32{1000, 5000}}
}

// segment makes a segment of one end at a sequence number.
func (m *maker) segment(dir int, flags uint8, seq uint32, payload []byte) []byte {
	tcp := make([]byte, 20, 20+len(payload))
	from, to := m.ends[dir], m.ends[1-dir]
	binary.BigEndian.PutUint16(tcp, from.Port())
	binary.BigEndian.PutUint16(tcp[2:], to.Port())
	binary.BigEndian.PutUint32(tcp[4:], seq)
	if flags&flagACK != 0 {
		binary.BigEndian.PutUint32(tcp[8:], m.acked[dir])
	}
	tcp[12], tcp[13] = 5<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 65535)
	return ip4(protoTCP, from.Addr(), to.Addr(), append(tcp, payload...))
}

func (m *maker) open(send func([]byte)) {
	send(m.segment(0, flagSYN, m.seq[0], nil))
	m.seq[0]++
	m.acked[1] = m.seq[0]
	send(m.segment(1, flagSYN|flagACK, m.seq[1], nil))
	m.seq[1]++
	m.acked[0] = m.seq[1]
	send(m.segment(0, flagACK, m.seq[0], nil))
}

// say sends data of one end in order, and the other end acknowledges it.
func (m *maker) say(dir int, data string, send func([]byte)) {
	send(m.segment(dir, flagACK, m.seq[dir], []byte(data)))
	m.seq[dir] += uint32(len(data))
	m.acked[1-dir] = m.seq[dir]
	send(m.segment(1-dir, flagACK, m.seq[1-dir], nil))
}

func (m *maker) close(send func([]byte)) {
	for dir := range 2 {
		send(m.segment(dir, flagFIN|flagACK, m.seq[dir], nil))
		m.seq[dir]++
		m.acked[1-dir] = m.seq[dir]
	}
	send(m.segment(0, flagACK, m.seq[0], nil))
}

func ip4(proto uint8, src, dst netip.Addr, payload []byte) []byte {
	b := make([]byte, 20, 20+len(payload))
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	copy(b[12:], src.AsSlice())
	copy(b[16:], dst.AsSlice())
	return append(b, payload...)
}

func udp4(src, dst netip.AddrPort, payload []byte) []byte {
	b := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(b, src.Port())
	binary.BigEndian.PutUint16(b[2:], dst.Port())
	binary.BigEndian.PutUint16(b[4:], uint16(8+len(payload)))
	return ip4(protoUDP, src.Addr(), dst.Addr(), append(b, payload...))
}

// conversation sends two texts in pieces whose size, order, repetition and loss the bits of order decide.
func conversation(out, in []byte, order uint64, port uint16, send func([]byte)) {
	m := newMaker("10.0.0.1:40000", "192.0.2.1:80")
	m.ends[1] = netip.AddrPortFrom(m.ends[1].Addr(), port)
	m.open(send)
	text, base := [2][]byte{out, in}, m.seq
	for n := 0; len(text[0])+len(text[1]) > 0 && n < 400; n++ {
		dir := n & 1
		size := min(1+int(order>>(n%8))%97, len(text[dir]))
		piece := text[dir][:size]
		text[dir] = text[dir][size:]
		switch order >> (n % 61) & 7 {
		case 0: // lost
		case 1: // twice
			send(m.segment(dir, flagACK, m.seq[dir], piece))
			send(m.segment(dir, flagACK, m.seq[dir], piece))
		case 2: // late: what comes next comes first
			late, at := piece, m.seq[dir]
			m.seq[dir] += uint32(size)
			size = min(7, len(text[dir]))
			send(m.segment(dir, flagACK, m.seq[dir], text[dir][:size]))
			text[dir] = text[dir][size:]
			send(m.segment(dir, flagACK, at, late))
		case 3: // with something else before it
			send(m.segment(dir, flagACK, max(base[dir], m.seq[dir]-3), append([]byte("xyz"), piece...)))
		default:
			send(m.segment(dir, flagACK, m.seq[dir], piece))
		}
		m.seq[dir] += uint32(size)
		if order>>(n%59)&3 != 0 {
			m.acked[1-dir] = m.seq[dir]
		}
	}
	m.close(send)
}
