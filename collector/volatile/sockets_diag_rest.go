package volatile

import (
	"encoding/binary"
	"encoding/hex"

	"hozen/collector/jsonl"
)

// eachAttr calls f with every attribute.
func eachAttr(b []byte, f func(typ uint16, val []byte)) {
	for {
		typ, val, rest, ok := nextAttr(b)
		if !ok {
			return
		}
		f(typ, val)
		b = rest
	}
}

// parseUnixDiag reads struct unix_diag_msg (16 bytes) and UNIX_DIAG_* (include/uapi/linux/unix_diag.h).
func parseUnixDiag(m nlMessage, _ *diagFamily) (r SocketRow, ok bool) {
	b := m.Body
	if len(b) < 16 || b[0] != afUnix {
		return r, false
	}
	r.Family, r.Type, r.State = "unix", socketType(b[1]), tcpState(b[2])
	r.Inode, r.Cookie = uint64(u32at(b, 4)), cookieAt(b, 8)
	eachAttr(b[16:], func(typ uint16, val []byte) {
		switch typ {
		case 0:
			if len(val) > 0 && val[0] == 0 {
				r.Abstract, r.Path = true, jsonl.Text(val[1:])
			} else {
				r.Path = cText(val)
			}
		case 1:
			r.VFSInode, r.VFSDev = uint64(u32at(val, 0)), uint64(u32at(val, 4))
		case 2:
			r.PeerIno = uint64(u32at(val, 0))
		case 3:
			for at := 0; at+4 <= len(val); at += 4 {
				r.Pending = append(r.Pending, u32at(val, at))
			}
		case 4:
			r.RecvQ, r.SendQ = u32at(val, 0), u32at(val, 4)
		case 5:
			r.Mem = memInfo(val)
		case 6:
			if len(val) > 0 {
				r.Shutdown = shutdownName(val[0])
			}
		case 7:
			r.UID = uidOf(u32at(val, 0))
		}
	})
	return r, true
}

// parsePacketDiag reads struct packet_diag_msg (16 bytes) and PACKET_DIAG_* (include/uapi/linux/packet_diag.h).
func parsePacketDiag(m nlMessage, _ *diagFamily) (r SocketRow, ok bool) {
	b := m.Body
	if len(b) < 16 || b[0] != afPacket {
		return r, false
	}
	p := &SocketPacket{EtherType: u16at(b, 2)}
	r.Family, r.Type, r.Packet = "packet", socketType(b[1]), p
	r.Inode, r.Cookie = uint64(u32at(b, 4)), cookieAt(b, 8)
	eachAttr(b[16:], func(typ uint16, val []byte) {
		switch typ {
		case 0:
			r.IfIndex, p.Version, p.Flags = u32at(val, 0), u32at(val, 4), u32at(val, 20)
		case 1:
			p.Memberships = memberships(val)
		case 2:
			p.RxRing = ring(val)
		case 3:
			p.TxRing = ring(val)
		case 4:
			p.Fanout = u32at(val, 0)
		case 5:
			r.UID = uidOf(u32at(val, 0))
		case 6:
			r.Mem = memInfo(val)
			r.RecvQ = r.Mem.RmemAlloc
		case 7:
			p.Filter = hex.EncodeToString(val)
		}
	})
	return r, true
}

// memberships reads an array of struct packet_diag_mclist, 44 bytes each.
func memberships(b []byte) (out []SocketMembership) {
	for ; len(b) >= 44; b = b[44:] {
		alen := min(int(u16at(b, 10)), 32)
		out = append(out, SocketMembership{u32at(b, 0), u32at(b, 4), u16at(b, 8), hex.EncodeToString(b[12 : 12+alen])})
	}
	return out
}

// ring reads the four fields with which struct packet_diag_ring and netlink_diag_ring begin.
func ring(b []byte) *SocketRing {
	r := SocketRing{u32at(b, 0), u32at(b, 4), u32at(b, 8), u32at(b, 12)}
	if r == (SocketRing{}) {
		return nil
	}
	return &r
}

// parseNetlinkDiag reads struct netlink_diag_msg (28 bytes) and NETLINK_DIAG_* (include/uapi/linux/netlink_diag.h).
func parseNetlinkDiag(m nlMessage, _ *diagFamily) (r SocketRow, ok bool) {
	b := m.Body
	if len(b) < 28 || b[0] != afNetlink {
		return r, false
	}
	n := &SocketNetlink{Number: b[2], DstPort: u32at(b, 8), DstGroup: u32at(b, 12)}
	r.Family, r.Type, r.Protocol, r.Netlink = "netlink", socketType(b[1]), netlinkName(b[2]), n
	switch b[3] { // NETLINK_UNCONNECTED and NETLINK_CONNECTED; until the first connect(2) it is TCP_CLOSE
	case 0:
		r.State = "unconnected"
	case 1:
		r.State = "connected"
	default:
		r.State = tcpState(b[3])
	}
	r.LocalPort, r.Inode, r.Cookie = u32at(b, 4), uint64(u32at(b, 16)), cookieAt(b, 20)
	eachAttr(b[28:], func(typ uint16, val []byte) {
		switch typ {
		case 0:
			r.Mem = memInfo(val)
			r.RecvQ, r.Drops = r.Mem.RmemAlloc, uint64(r.Mem.Drops)
		case 1:
			n.Groups = groupMask(val)
		case 2:
			n.RxRing = ring(val)
		case 3:
			n.TxRing = ring(val)
		case 4:
			n.Flags = u32at(val, 0)
		}
	})
	return r, true
}

// groupMask writes an array of unsigned long in hex as one number, without leading zeros.
func groupMask(b []byte) string {
	be := make([]byte, 0, len(b))
	for at := len(b) - 4; at >= 0; at -= 4 {
		be = binary.BigEndian.AppendUint32(be, u32at(b, at))
	}
	for len(be) > 0 && be[0] == 0 {
		be = be[1:]
	}
	return hex.EncodeToString(be)
}

// parseVsockDiag reads struct vsock_diag_msg (32 bytes; include/uapi/linux/vm_sockets_diag.h).
func parseVsockDiag(m nlMessage, _ *diagFamily) (r SocketRow, ok bool) {
	b := m.Body
	if len(b) < 32 || b[0] != afVsock {
		return r, false
	}
	r.Family, r.Type, r.State, r.Shutdown = "vsock", socketType(b[1]), tcpState(b[2]), shutdownName(b[3])
	r.LocalCID, r.LocalPort = uidOf(u32at(b, 4)), u32at(b, 8)
	r.RemoteCID, r.RemotePort = uidOf(u32at(b, 12)), u32at(b, 16)
	r.Inode, r.Cookie = uint64(u32at(b, 20)), cookieAt(b, 24)
	return r, true
}

// parseXDPDiag reads struct xdp_diag_msg (16 bytes) and XDP_DIAG_* (include/uapi/linux/xdp_diag.h).
func parseXDPDiag(m nlMessage, _ *diagFamily) (r SocketRow, ok bool) {
	b := m.Body
	if len(b) < 16 || b[0] != afXDP {
		return r, false
	}
	x := &SocketXDP{}
	r.Family, r.Type, r.XDP = "xdp", socketType(b[1]), x
	r.Inode, r.Cookie = uint64(u32at(b, 4)), cookieAt(b, 8)
	eachAttr(b[16:], func(typ uint16, val []byte) {
		switch typ {
		case 1:
			r.IfIndex, x.QueueID = u32at(val, 0), u32at(val, 4)
		case 2:
			r.UID = uidOf(u32at(val, 0))
		case 5:
			x.UmemSize, x.UmemID = u64at(val, 0), u32at(val, 8)
		case 8:
			r.Mem = memInfo(val)
		}
	})
	return r, true
}
