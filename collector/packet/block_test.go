package packet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"hozen/collector/packet/pcapng"
)

// ringFrame makes a frame as the kernel lays it out in a block.
func ringFrame(data string, status uint32, pkttype uint8) []byte {
	b := make([]byte, (96+len(data)+15)&^15)
	put := binary.NativeEndian.PutUint32
	put(b[frameNext:], uint32(len(b)))
	put(b[frameSec:], 1795309323)
	put(b[frameNano:], 456789012)
	put(b[frameKept:], uint32(len(data)))
	put(b[frameLength:], 1500)
	put(b[frameStatus:], status)
	binary.NativeEndian.PutUint16(b[frameMAC:], 96)
	put(b[frameTCI:], 0x2005)
	binary.NativeEndian.PutUint16(b[frameTPID:], 0x88a8)
	binary.BigEndian.PutUint16(b[frameProtocol:], 0x0800)
	binary.NativeEndian.PutUint16(b[frameHatype:], 280)
	b[framePkttype], b[frameHalen] = pkttype, 6
	copy(b[frameAddr:], "\x02\x00\x00\x00\x00\x07")
	copy(b[96:], data)
	return b
}

func ringBlock(frames ...[]byte) []byte {
	b := make([]byte, 48)
	binary.NativeEndian.PutUint32(b[blockPackets:], uint32(len(frames)))
	binary.NativeEndian.PutUint32(b[blockFirst:], 48)
	return append(b, bytes.Join(frames, nil)...)
}

func TestAppendFrames(t *testing.T) {
	const data = "\x02\x00\x00\x00\x00\x09\x02\x00\x00\x00\x00\x07\x08\x00body"
	for _, c := range []struct {
		what  string
		frame []byte
		form  form
		want  string
		flags uint32
	}{
		{"plain", ringFrame(data, 0, 0), form{ethernet: true}, data, pcapng.Inbound | pcapng.Unicast},
		{"a tag that was taken out", ringFrame(data, statusVLAN, 4), form{ethernet: true}, data[:12] + "\x81\x00\x20\x05" + data[12:], pcapng.Outbound},
		{"a tag of another kind", ringFrame(data, statusVLAN|statusTPID, 3), form{ethernet: true}, data[:12] + "\x88\xa8\x20\x05" + data[12:], pcapng.Inbound | pcapng.Promiscuous},
		{"a tag of a frame too short for it", ringFrame(data[:11], statusVLAN, 1), form{ethernet: true}, data[:11], pcapng.Inbound | pcapng.Broadcast},
		{"raw", ringFrame(data, statusVLAN, 2), form{}, data, pcapng.Inbound | pcapng.Multicast},
		{"cooked", ringFrame("body", 0, 0), form{cooked: true, ifindex: 7}, "\x08\x00\x00\x00\x00\x00\x00\x07\x01\x18\x00\x06\x02\x00\x00\x00\x00\x07\x00\x00body", pcapng.Inbound | pcapng.Unicast},
	} {
		var w blockWalk
		w.begin(ringBlock(c.frame, c.frame))
		b, done := w.appendFrames(make([]byte, 0, 2*room), &c.form)
		p, rest, ok := pcapng.NextPacket(b)
		if !done || !ok || string(p.Data) != c.want || p.Flags != c.flags || p.At != 1795309323456789012 {
			t.Errorf("%s: %q, flags %#x, %v", c.what, p.Data, p.Flags, done)
		}
		if added := uint32(len(c.want) - int(binary.NativeEndian.Uint32(c.frame[frameKept:]))); p.Length != 1500+added {
			t.Errorf("%s: %d bytes on the wire", c.what, p.Length)
		}
		if _, rest, ok = pcapng.NextPacket(rest); !ok || len(rest) != 0 || w.packets != 2 || w.strange != 0 {
			t.Errorf("%s: the second frame: %v, %+v", c.what, ok, w)
		}
	}
}

func TestAppendFramesPassesOver(t *testing.T) {
	var w blockWalk
	w.begin(ringBlock(ringFrame("out", 0, pktOutgoing), ringFrame("in", 0, 0)))
	b, _ := w.appendFrames(make([]byte, 0, 2*room), &form{incoming: true})
	if p, rest, ok := pcapng.NextPacket(b); !ok || string(p.Data) != "in" || len(rest) != 0 {
		t.Errorf("%q", p.Data)
	}
	w = blockWalk{}
	w.begin(ringBlock(ringFrame("one", 0, 0), ringFrame("two", 0, 0)))
	b, done := w.appendFrames(make([]byte, 0, room), &form{})
	if p, rest, _ := pcapng.NextPacket(b); done || string(p.Data) != "one" || len(rest) != 0 {
		t.Errorf("no room for a second frame: %q, %v", p.Data, done)
	}
	b, done = w.appendFrames(make([]byte, 0, room), &form{})
	if p, _, _ := pcapng.NextPacket(b); !done || string(p.Data) != "two" {
		t.Errorf("%q, %v", p.Data, done)
	}
}

// A block that lies leads nowhere else, and is at an end soon.
func FuzzAppendFrames(f *testing.F) {
	f.Add(ringBlock(ringFrame("a frame of some bytes", statusVLAN, 0), ringFrame("", 0, 4)), true)
	f.Fuzz(func(t *testing.T, block []byte, cooked bool) {
		var w blockWalk
		w.begin(block)
		b := make([]byte, 0, 2*room)
		for range len(block) + 2 {
			var done bool
			if b, done = w.appendFrames(b[:0], &form{cooked: cooked, ethernet: !cooked}); done {
				return
			}
		}
		t.Fatalf("%d frames are left of a block of %d bytes", w.left, len(block))
	})
}

func TestKeyOf(t *testing.T) {
	const v4 = "\x45\x00\x00\x1e\x00\x00\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x07\xc0\x00\x02\x09\x9c\x40\x00\x35"
	const v6 = "\x60\x00\x00\x00\x00\x0a"
	const v6addr = "\x40\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"
	const mac = "\x02\x00\x00\x00\x00\x09\x02\x00\x00\x00\x00\x07"
	want4, want6 := "192.0.2.7:40000 192.0.2.9:53", "[2001:db8::7]:40000 [2001:db8::9]:53"
	for _, c := range []struct {
		what, data string
		link       uint16
		want       string
	}{
		{"Ethernet", mac + "\x08\x00" + v4, 1, want4},
		{"two tags", mac + "\x88\xa8\x00\x07\x81\x00\x00\x05\x08\x00" + v4, 1, want4},
		{"raw", v4, 101, want4},
		{"cooked", "\x08\x00" + string(make([]byte, 18)) + v4, 276, want4},
		{"options", mac + "\x08\x00\x46" + v4[1:20] + "\x01\x01\x01\x00" + v4[20:], 1, want4},
		{"a fragment that is not the first", v4[:6] + "\x00\x01" + v4[8:], 101, ""},
		{"a head that is longer than the packet", "\x4f" + v4[1:], 101, ""},
		{"no ports", v4[:22], 101, ""},
		{"ICMP", v4[:9] + "\x01" + v4[10:], 101, ""},
		{"IPv6", v6 + "\x11" + v6addr + v4[20:], 101, want6},
		{"IPv6, extensions and the first fragment", v6 + "\x00" + v6addr + "\x2c\x00\x00\x00\x00\x00\x00\x00" + "\x11\x00\x00\x01\x00\x00\x00\x01" + v4[20:], 101, want6},
		{"IPv6, another fragment", v6 + "\x2c" + v6addr + "\x11\x00\x00\x09\x00\x00\x00\x01" + v4[20:], 101, ""},
		{"ARP", mac + "\x08\x06" + v4, 1, ""},
		{"nothing", "", 101, ""},
	} {
		k, ok := keyOf(c.link, []byte(c.data))
		if got := k.src.String() + " " + k.dst.String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %s, %v", c.what, got, ok)
		}
		if ok && (k.canonical() != k.turned().canonical() || k.turned().turned() != k) {
			t.Errorf("%s: the two directions are two flows", c.what)
		}
	}
}

func FuzzKeyOf(f *testing.F) {
	f.Add(uint16(1), []byte("\x02\x00\x00\x00\x00\x09\x02\x00\x00\x00\x00\x07\x86\xdd\x60\x00\x00\x00\x00\x0a\x11\x40"))
	f.Fuzz(func(t *testing.T, link uint16, b []byte) {
		if k, ok := keyOf(link, b); ok && (!k.src.IsValid() || k.src.Addr() == netip.Addr{}) {
			t.Fatalf("%+v", k)
		}
	})
}

func FuzzParseLink(f *testing.F) {
	f.Add([]byte("\x00\x00\x01\x00\x02\x00\x00\x00\x43\x10\x01\x00\x00\x00\x00\x00\x09\x00\x03\x00eth0\x00\x00\x00\x00\x0a\x00\x01\x00\x02\x00\x00\x00\x00\x07\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, ok := parseLink(b); ok && (l.index <= 0 || l.name == "" || len(l.mac) > 32) {
			t.Fatalf("%+v", l)
		}
	})
}
