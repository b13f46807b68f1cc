package packet

import (
	"encoding/binary"
	"net/netip"

	"hozen/collector/packet/pcapng"
)

// A key is the flow of a packet as its headers say it, from its sender's side.
type key struct {
	proto    uint8
	src, dst netip.AddrPort
}

// turned is the same flow seen from the other side.
func (k key) turned() key { return key{k.proto, k.dst, k.src} }

// canonical is the same for both directions of a flow.
func (k key) canonical() key {
	if k.dst.Compare(k.src) < 0 {
		return k.turned()
	}
	return k
}

const (
	protoTCP     = 6
	protoUDP     = 17
	protoUDPLite = 136
)

// keyOf finds the flow of a frame. It knows TCP and UDP in IPv4 and IPv6; of a
// fragment only the first tells.
func keyOf(link uint16, b []byte) (k key, ok bool) {
	typ := uint16(0)
	switch link {
	case pcapng.LinkEthernet:
		if len(b) < 14 {
			return k, false
		}
		typ, b = binary.BigEndian.Uint16(b[12:]), b[14:]
		for range 3 { // VLAN tags
			if typ != 0x8100 && typ != 0x88a8 || len(b) < 4 {
				break
			}
			typ, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		}
	case pcapng.LinkSLL2:
		if len(b) < 20 {
			return k, false
		}
		typ, b = binary.BigEndian.Uint16(b), b[20:]
	case pcapng.LinkRaw:
		if len(b) > 0 {
			typ = [16]uint16{4: 0x0800, 6: 0x86dd}[b[0]>>4]
		}
	}
	switch {
	case typ == 0x0800 && len(b) >= 20:
		return key4(b)
	case typ == 0x86dd && len(b) >= 40:
		return key6(b)
	}
	return k, false
}

func key4(b []byte) (k key, ok bool) {
	head := int(b[0]&15) * 4
	if head < 20 || head > len(b) || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		return k, false
	}
	return keyPorts(b[9], netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), b[head:])
}

// maxExtensions is how many extension headers of IPv6 are passed.
const maxExtensions = 8

func key6(b []byte) (k key, ok bool) {
	src, dst := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	next, b := b[6], b[40:]
	for range maxExtensions {
		n := 0
		switch next {
		case 0, 43, 60: // hop by hop, routing, destination
			if len(b) >= 8 {
				n = 8 + int(b[1])*8
			}
		case 44: // fragment
			if len(b) >= 8 && binary.BigEndian.Uint16(b[2:])&^7 == 0 {
				n = 8
			}
		default:
			return keyPorts(next, src, dst, b)
		}
		if n == 0 || n > len(b) {
			return k, false
		}
		next, b = b[0], b[n:]
	}
	return k, false
}

func keyPorts(proto uint8, src, dst netip.Addr, b []byte) (k key, ok bool) {
	if proto != protoTCP && proto != protoUDP && proto != protoUDPLite || len(b) < 4 {
		return k, false
	}
	return key{proto, netip.AddrPortFrom(src.Unmap(), binary.BigEndian.Uint16(b)), netip.AddrPortFrom(dst.Unmap(), binary.BigEndian.Uint16(b[2:]))}, true
}
