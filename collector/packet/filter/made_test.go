package filter

import (
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// made is a capture of what the real ones lack: ARP, fragments, extension headers.
func made(t testing.TB) capture {
	t.Helper()
	c := capture{name: "made", link: Ethernet}
	m7, m9, all := net.HardwareAddr{2, 0, 0, 0, 0, 7}, net.HardwareAddr{2, 0, 0, 0, 0, 9}, net.HardwareAddr{255, 255, 255, 255, 255, 255}
	a7, a9 := net.IP{198, 51, 100, 7}, net.IP{198, 51, 100, 9}
	b7, b9 := net.ParseIP("2001:db8::7"), net.ParseIP("2001:db8::9")
	add := func(parts ...gopacket.SerializableLayer) {
		buf := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, parts...); err != nil {
			t.Fatal(err)
		}
		c.frames = append(c.frames, append([]byte(nil), buf.Bytes()...))
	}
	ether := func(typ layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: m7, DstMAC: m9, EthernetType: typ}
	}
	ip := func(proto layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 9, Protocol: proto, SrcIP: a7, DstIP: a9}
	}
	ip6 := func(next layers.IPProtocol) *layers.IPv6 {
		return &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: next, SrcIP: b7, DstIP: b9}
	}
	udp, tcp := &layers.UDP{SrcPort: 40000, DstPort: 53}, &layers.TCP{SrcPort: 80, DstPort: 50001, SYN: true}
	data := gopacket.Payload(make([]byte, 40))
	arp := func(op uint16) *layers.ARP {
		return &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: op, SourceHwAddress: m7, SourceProtAddress: a7, DstHwAddress: m9, DstProtAddress: a9}
	}
	who := ether(layers.EthernetTypeARP)
	who.DstMAC = all
	add(who, arp(1))
	add(ether(layers.EthernetTypeARP), arp(2))
	add(ether(0x8035), arp(3))
	add(ether(layers.EthernetTypeIPv4), ip(layers.IPProtocolUDP), udp, data)
	add(ether(layers.EthernetTypeIPv4), ip(layers.IPProtocolTCP), tcp)
	long := ip(layers.IPProtocolTCP)
	long.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	add(ether(layers.EthernetTypeIPv4), long, tcp, data)
	for offset := range uint16(2) { // the first fragment, and the second
		part := ip(layers.IPProtocolUDP)
		part.Flags, part.FragOffset = layers.IPv4MoreFragments, offset*185
		add(ether(layers.EthernetTypeIPv4), part, udp, data)
	}
	for _, proto := range []layers.IPProtocol{layers.IPProtocolICMPv4, layers.IPProtocolSCTP, layers.IPProtocolGRE, layers.IPProtocolESP, layers.IPProtocolAH, layers.IPProtocolIGMP, 103, 112} {
		add(ether(layers.EthernetTypeIPv4), ip(proto), gopacket.Payload("\x0b\x59\x00\x35 a body of bytes"))
	}
	add(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolUDP), udp, data)
	add(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolTCP), tcp)
	add(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolICMPv6), data)
	for _, next := range []byte{17, 6, 58, 132} { // behind a fragment header, the first and another; behind other headers
		add(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolIPv6Fragment), gopacket.Payload([]byte{next, 0, 0, 1, 0, 0, 0, 1, 0, 80, 0, 53, 0, 8, 0, 0}))
		add(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolIPv6Fragment), gopacket.Payload([]byte{next, 0, 5, 168, 0, 0, 0, 1, 0, 80, 0, 53, 0, 8, 0, 0}))
		for _, extension := range []layers.IPProtocol{0, 43, 60} {
			add(ether(layers.EthernetTypeIPv6), ip6(extension), gopacket.Payload([]byte{next, 0, 1, 4, 0, 0, 0, 0, 0, 80, 0, 53, 0, 8, 0, 0}))
		}
	}
	group := ether(layers.EthernetTypeIPv6)
	group.DstMAC = net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}
	add(group, ip6(layers.IPProtocolUDP), udp)
	tagged := ether(layers.EthernetTypeDot1Q)
	add(tagged, &layers.Dot1Q{VLANIdentifier: 5, Type: layers.EthernetTypeIPv4}, ip(layers.IPProtocolTCP), tcp)
	add(ether(0x88b5), data)
	whole := c.frames[3]
	for _, n := range []int{14, 15, 20, 23, 24, 30, 34, 35, 36, 38} { // cut short, as by a snap length
		c.frames = append(c.frames, whole[:n])
	}
	for _, n := range []int{16, 30, 54, 56} {
		c.frames = append(c.frames, c.frames[16][:n])
	}
	return c.written(t)
}
