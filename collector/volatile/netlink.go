package volatile

import "encoding/binary"

// Layout of netlink messages: netlink(7), include/uapi/linux/netlink.h. All
// numbers are in the byte order of the kernel that sent them, which for a live
// capture is the order of this machine.
const (
	nlHeaderLen = 16
	nlAttrLen   = 4

	nlmsgError = 2
	nlmsgDone  = 3

	nlfRequest       = 0x1
	nlfAck           = 0x4
	nlfDumpInterrupt = 0x10
	nlfDump          = 0x300

	nlAttrTypeMask = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
)

// A nlMessage is one netlink message; Body is a part of the bytes it was cut from.
type nlMessage struct {
	Type, Flags uint16
	Seq, PID    uint32
	Body        []byte
}

// nextMessage cuts the first message from raw netlink bytes. It allocates
// nothing. ok is false at the end and where the lengths lie.
func nextMessage(raw []byte) (m nlMessage, rest []byte, ok bool) {
	if len(raw) < nlHeaderLen {
		return m, nil, false
	}
	n := uint64(binary.NativeEndian.Uint32(raw))
	if n < nlHeaderLen || n > uint64(len(raw)) {
		return m, nil, false
	}
	m = nlMessage{
		Type:  binary.NativeEndian.Uint16(raw[4:]),
		Flags: binary.NativeEndian.Uint16(raw[6:]),
		Seq:   binary.NativeEndian.Uint32(raw[8:]),
		PID:   binary.NativeEndian.Uint32(raw[12:]),
		Body:  raw[nlHeaderLen:n],
	}
	return m, raw[min(nlAlign(int(n)), len(raw)):], true
}

// nextAttr cuts the first attribute (struct nlattr) from the attributes of a
// message. It allocates nothing. ok is false at the end and where the lengths lie.
func nextAttr(b []byte) (typ uint16, val, rest []byte, ok bool) {
	if len(b) < nlAttrLen {
		return 0, nil, nil, false
	}
	n := int(binary.NativeEndian.Uint16(b))
	if n < nlAttrLen || n > len(b) {
		return 0, nil, nil, false
	}
	typ = binary.NativeEndian.Uint16(b[2:]) & nlAttrTypeMask
	return typ, b[nlAttrLen:n], b[min(nlAlign(n), len(b)):], true
}

// nlAlign rounds up to NLMSG_ALIGNTO (and NLA_ALIGNTO), which is 4.
func nlAlign(n int) int { return (n + 3) &^ 3 }

// appendMessage appends one request with its header to dst.
func appendMessage(dst []byte, typ, flags uint16, seq uint32, body []byte) []byte {
	dst = binary.NativeEndian.AppendUint32(dst, uint32(nlHeaderLen+len(body)))
	dst = binary.NativeEndian.AppendUint16(dst, typ)
	dst = binary.NativeEndian.AppendUint16(dst, flags)
	dst = binary.NativeEndian.AppendUint32(dst, seq)
	dst = binary.NativeEndian.AppendUint32(dst, 0)
	dst = append(dst, body...)
	for len(dst)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// nlAttr appends one attribute with its padding.
// Not inlined, for the size of the program.
//
//go:noinline
func nlAttr(dst []byte, typ uint16, v []byte) []byte {
	dst = binary.NativeEndian.AppendUint16(dst, uint16(nlAttrLen+len(v)))
	dst = binary.NativeEndian.AppendUint16(dst, typ)
	dst = append(dst, v...)
	return append(dst, make([]byte, nlAlign(len(v))-len(v))...)
}

// answerEnds looks through one datagram for what ends an answer to a request:
// NLMSG_DONE, an acknowledgement or an error, whose errno it gives.
func answerEnds(b []byte, seq uint32) (done, interrupted bool, errno uint32) {
	for {
		m, rest, ok := nextMessage(b)
		if !ok {
			return false, interrupted, 0
		}
		b = rest
		if m.Seq != seq {
			continue
		}
		interrupted = interrupted || m.Flags&nlfDumpInterrupt != 0
		if m.Type == nlmsgError || m.Type == nlmsgDone {
			return true, interrupted, uint32(max(0, -int64(int32(u32at(m.Body, 0)))))
		}
	}
}

// u16at, u32at and u64at read a number in the machine's order; 0 where the
// bytes end before it.
func u16at(b []byte, at int) uint16 {
	if at < 0 || at+2 > len(b) {
		return 0
	}
	return binary.NativeEndian.Uint16(b[at:])
}

//go:noinline
func u32at(b []byte, at int) uint32 {
	if at < 0 || at+4 > len(b) {
		return 0
	}
	return binary.NativeEndian.Uint32(b[at:])
}

func u64at(b []byte, at int) uint64 {
	if at < 0 || at+8 > len(b) {
		return 0
	}
	return binary.NativeEndian.Uint64(b[at:])
}
