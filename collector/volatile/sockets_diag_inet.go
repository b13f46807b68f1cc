package volatile

import (
	"encoding/binary"
	"net/netip"
)

// Attributes of an inet_diag answer (include/uapi/linux/inet_diag.h).
const (
	inetDiagInfo      = 2
	inetDiagCong      = 4
	inetDiagTOS       = 5
	inetDiagTClass    = 6
	inetDiagSKMemInfo = 7
	inetDiagShutdown  = 8
	inetDiagV6Only    = 11
	inetDiagMark      = 15
	inetDiagClassID   = 17
	inetDiagCgroupID  = 21
)

// parseInetDiag reads struct inet_diag_msg (72 bytes) and its attributes.
func parseInetDiag(m nlMessage, f *diagFamily) (r SocketRow, ok bool) {
	b := m.Body
	if len(b) < 72 || b[0] != afInet && b[0] != afInet6 {
		return r, false
	}
	r.Protocol = f.name
	if f.family == afInet6 {
		r.Protocol = f.name[:len(f.name)-1]
	}
	r.State, r.Timer, r.Retrans = tcpState(b[1]), timerName(b[2]), uint32(b[3])
	diagSockID(&r, b[0], b[4:52])
	r.TimerMS = uint64(u32at(b, 52))
	r.RecvQ, r.SendQ = u32at(b, 56), u32at(b, 60)
	r.UID, r.Inode = uidOf(u32at(b, 64)), uint64(u32at(b, 68))
	if f.protocol == protoRaw {
		r.IPProtocol, r.LocalPort = r.LocalPort, 0
	}
	for at := b[72:]; ; {
		typ, val, rest, ok := nextAttr(at)
		if !ok {
			return r, true
		}
		inetAttr(&r, typ, val, f.protocol)
		at = rest
	}
}

func inetAttr(r *SocketRow, typ uint16, val []byte, proto uint16) {
	if len(val) == 0 {
		return
	}
	switch typ {
	case inetDiagInfo:
		if proto == protoTCP && len(val) >= 104 && r.State != "listen" { // there its fields mean other things
			r.TCP = tcpInfo(val)
		}
	case inetDiagCong:
		r.Cong = cText(val)
	case inetDiagTOS:
		r.TOS = val[0]
	case inetDiagTClass:
		r.TClass = val[0]
	case inetDiagSKMemInfo:
		r.Mem = memInfo(val)
		r.Drops = uint64(r.Mem.Drops)
	case inetDiagShutdown:
		r.Shutdown = shutdownName(val[0])
	case inetDiagV6Only:
		r.V6Only = val[0] != 0
	case inetDiagMark:
		r.Mark = u32at(val, 0)
	case inetDiagClassID:
		r.ClassID = u32at(val, 0)
	case inetDiagCgroupID:
		r.CgroupID = u64at(val, 0)
	}
}

// diagSockID reads struct inet_diag_sockid (48 bytes): ports and addresses in
// network order, then interface and cookie in the machine's.
func diagSockID(r *SocketRow, family uint8, id []byte) {
	r.LocalPort = uint32(binary.BigEndian.Uint16(id))
	r.RemotePort = uint32(binary.BigEndian.Uint16(id[2:]))
	if family == afInet {
		r.Family = "inet"
		r.LocalAddr, r.RemoteAddr = netip.AddrFrom4([4]byte(id[4:8])), netip.AddrFrom4([4]byte(id[20:24]))
	} else {
		r.Family = "inet6"
		r.LocalAddr, r.RemoteAddr = netip.AddrFrom16([16]byte(id[4:20])), netip.AddrFrom16([16]byte(id[20:36]))
	}
	r.IfIndex, r.Cookie = u32at(id, 36), cookieAt(id, 40)
}

// tcpInfo reads struct tcp_info; an older kernel's is shorter, and what it lacks is 0.
func tcpInfo(b []byte) *SocketTCP {
	return &SocketTCP{
		Unacked: u32at(b, 24), LastDataSentMS: u32at(b, 44), LastDataRecvMS: u32at(b, 52), LastAckRecvMS: u32at(b, 56),
		RTTMicros: u32at(b, 68), TotalRetrans: u32at(b, 100), BytesAcked: u64at(b, 120), BytesReceived: u64at(b, 128),
		SegsOut: u32at(b, 136), SegsIn: u32at(b, 140), BytesSent: u64at(b, 200),
	}
}

// parseSMCDiag reads struct smc_diag_msg (include/uapi/linux/smc_diag.h): the
// socket's identity is that of the TCP connection underneath.
func parseSMCDiag(m nlMessage, _ *diagFamily) (r SocketRow, ok bool) {
	b := m.Body
	if len(b) < 64 {
		return r, false
	}
	family := uint8(afInet)
	for _, c := range append(b[12:24:24], b[28:40]...) {
		if c != 0 {
			family = afInet6
		}
	}
	diagSockID(&r, family, b[4:52])
	r.Family, r.Protocol, r.State = "smc", "smc", tcpState(b[1])
	r.Shutdown = shutdownName(b[3])
	r.UID, r.Inode = uidOf(u32at(b, 52)), u64at(b, 56)
	return r, true
}
