package packet

import (
	"encoding/binary"

	"hozen/collector/packet/pcapng"
)

// Offsets in a block of a ring of TPACKET_V3 and in the head of a frame
// (include/uapi/linux/if_packet.h: tpacket_block_desc, tpacket3_hdr, sockaddr_ll).
// Numbers are in the machine's byte order.
const (
	blockStatus   = 8
	blockPackets  = 12
	blockFirst    = 16
	frameNext     = 0
	frameSec      = 4
	frameNano     = 8
	frameKept     = 12
	frameLength   = 16
	frameStatus   = 20
	frameMAC      = 24
	frameTCI      = 32
	frameTPID     = 36
	frameAddress  = 48 // of sockaddr_ll
	frameProtocol = frameAddress + 2
	frameHatype   = frameAddress + 8
	framePkttype  = frameAddress + 10
	frameHalen    = frameAddress + 11
	frameAddr     = frameAddress + 12
	frameHead     = frameAddress + 20

	statusVLAN = 1 << 4 // TP_STATUS_VLAN_VALID
	statusTPID = 1 << 6 // TP_STATUS_VLAN_TPID_VALID

	pktOutgoing = 4 // PACKET_OUTGOING
)

// maxSnaplen is the longest part of a frame that is taken: tcpdump's own bound.
const maxSnaplen = 262144

// A form says how frames of an interface are written.
type form struct {
	id       uint32 // of the interface in the pcapng sections
	ifindex  uint32
	cooked   bool // frames come without the link's header: one of LINUX_SLL2 is made
	ethernet bool // a VLAN tag that was taken out can be put back
	incoming bool // frames on their way out are passed over (loopback has each twice)
}

// A blockWalk is a block that is being read. The zero blockWalk is at its end.
type blockWalk struct {
	block    []byte
	at, left uint32
	// What was read, all in all.
	packets, bytes, wire uint64
	strange              uint64 // frames whose offsets lie
}

// begin puts the walk at the beginning of a block.
func (w *blockWalk) begin(block []byte) {
	w.block, w.left = block, 0
	if len(block) >= blockFirst+4 {
		w.left, w.at = binary.NativeEndian.Uint32(block[blockPackets:]), binary.NativeEndian.Uint32(block[blockFirst:])
	}
}

// room is what must be free in a buffer before a frame is read into it.
const room = maxSnaplen + 64 + pcapng.Overhead

// appendFrames appends frames as packet blocks of pcapng, until the walk's block
// is at its end or b has no room for another; it says whether the block is.
func (w *blockWalk) appendFrames(b []byte, f *form) (out []byte, done bool) {
	for ; w.left > 0; w.left-- {
		if cap(b)-len(b) < room {
			return b, false
		}
		if uint64(w.at)+frameHead > uint64(len(w.block)) {
			w.strange += uint64(w.left)
			w.left = 0
			return b, true
		}
		frame := w.block[w.at:]
		b = w.appendFrame(b, frame, f)
		w.at += max(binary.NativeEndian.Uint32(frame[frameNext:]), frameHead)
	}
	return b, true
}

func (w *blockWalk) appendFrame(b, frame []byte, f *form) []byte {
	pkttype := frame[framePkttype]
	if f.incoming && pkttype == pktOutgoing {
		return b
	}
	from, kept := uint64(binary.NativeEndian.Uint16(frame[frameMAC:])), uint64(binary.NativeEndian.Uint32(frame[frameKept:]))
	if from+kept > uint64(len(frame)) || kept > maxSnaplen {
		w.strange++
		return b
	}
	data := frame[from : from+kept]
	length := binary.NativeEndian.Uint32(frame[frameLength:])
	at := uint64(binary.NativeEndian.Uint32(frame[frameSec:]))*1e9 + uint64(binary.NativeEndian.Uint32(frame[frameNano:]))
	var head []byte
	var tagged [16]byte
	var cooked [20]byte
	status := binary.NativeEndian.Uint32(frame[frameStatus:])
	switch {
	case f.cooked:
		head = cookedHead(&cooked, frame, f.ifindex)
		length += uint32(len(head))
	case f.ethernet && status&statusVLAN != 0 && len(data) >= 12:
		copy(tagged[:12], data)
		tpid := uint16(0x8100)
		if status&statusTPID != 0 {
			tpid = binary.NativeEndian.Uint16(frame[frameTPID:])
		}
		binary.BigEndian.PutUint16(tagged[12:], tpid)
		binary.BigEndian.PutUint16(tagged[14:], uint16(binary.NativeEndian.Uint32(frame[frameTCI:])))
		head, data = tagged[:], data[12:]
		length += 4
	}
	w.packets++
	w.bytes += uint64(len(head) + len(data))
	w.wire += uint64(length)
	return pcapng.AppendPacket(b, f.id, at, direction(pkttype), length, head, data)
}

// cookedHead makes the header of LINKTYPE_LINUX_SLL2.
func cookedHead(h *[20]byte, frame []byte, ifindex uint32) []byte {
	copy(h[0:2], frame[frameProtocol:]) // both in network order
	binary.BigEndian.PutUint32(h[4:], ifindex)
	binary.BigEndian.PutUint16(h[8:], binary.NativeEndian.Uint16(frame[frameHatype:]))
	h[10], h[11] = frame[framePkttype], frame[frameHalen]
	copy(h[12:20], frame[frameAddr:frameAddr+8])
	return h[:]
}

// direction turns a sll_pkttype of packet(7) into the flags of pcapng.
func direction(pkttype uint8) uint32 {
	switch pkttype {
	case 0: // PACKET_HOST
		return pcapng.Inbound | pcapng.Unicast
	case 1:
		return pcapng.Inbound | pcapng.Broadcast
	case 2:
		return pcapng.Inbound | pcapng.Multicast
	case 3: // PACKET_OTHERHOST
		return pcapng.Inbound | pcapng.Promiscuous
	case pktOutgoing:
		return pcapng.Outbound
	}
	return 0
}
