package volatile

import "encoding/binary"

// Numbers of address families (include/linux/socket.h) and protocols (IANA;
// IPPROTO_MPTCP of include/uapi/linux/in.h).
const (
	afUnix, afInet, afInet6, afNetlink, afPacket = 1, 2, 10, 16, 17
	afTIPC, afVsock, afSMC, afXDP                = 30, 40, 43, 44

	protoTCP, protoUDP, protoDCCP, protoSCTP = 6, 17, 33, 132
	protoUDPLite, protoRaw, protoMPTCP       = 136, 255, 262

	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	netlinkSockDiag  = 4  // NETLINK_SOCK_DIAG
)

// A diagFamily is one dump that sock_diag(7) can make.
type diagFamily struct {
	name     string // of the dump's file
	family   uint8
	protocol uint16
	modules  []string // the parts of the kernel that answer it
	listed   string   // its name in /proc/net/protocols; "" if it may have none there
	parse    func(m nlMessage, f *diagFamily) (SocketRow, bool)
}

// diagFamilies are the dumps, in the order in which they are made: what changes
// fastest first. Those with a parser become rows; tipc is kept raw only.
func diagFamilies() []diagFamily {
	out := make([]diagFamily, 0, 20)
	inet := func(name string, proto uint16, module, listed string) {
		out = append(out, inetFamilies(name, proto, []string{"inet_diag", module}, listed)...)
	}
	inet("tcp", protoTCP, "tcp_diag", "TCP")
	inet("udp", protoUDP, "udp_diag", "UDP")
	out = append(out,
		diagFamily{"unix", afUnix, 0, []string{"unix_diag"}, "", parseUnixDiag},
		diagFamily{"packet", afPacket, 0, []string{"af_packet_diag"}, "PACKET", parsePacketDiag},
		diagFamily{"netlink", afNetlink, 0xff, []string{"netlink_diag"}, "", parseNetlinkDiag},
	)
	inet("raw", protoRaw, "raw_diag", "RAW")
	inet("mptcp", protoMPTCP, "mptcp_diag", "MPTCP")
	inet("udplite", protoUDPLite, "udp_diag", "UDP-Lite")
	inet("sctp", protoSCTP, "sctp_diag", "SCTP")
	inet("dccp", protoDCCP, "dccp_diag", "DCCP")
	return append(out,
		diagFamily{"vsock", afVsock, 0, []string{"vsock_diag"}, "AF_VSOCK", parseVsockDiag},
		diagFamily{"xdp", afXDP, 0, []string{"xsk_diag"}, "XDP", parseXDPDiag},
		diagFamily{"smc", afSMC, 0, []string{"smc_diag"}, "SMC", parseSMCDiag},
		diagFamily{"tipc", afTIPC, 0, []string{"diag"}, "TIPC", nil},
	)
}

// inetFamilies are the two dumps of a protocol.
// Not inlined, for the size of the program.
//
//go:noinline
func inetFamilies(name string, proto uint16, mods []string, listed string) []diagFamily {
	return []diagFamily{{name, afInet, proto, mods, listed, parseInetDiag}, {name + "6", afInet6, proto, mods, listed, parseInetDiag}}
}

// request gives the body of the dump's request: struct inet_diag_req_v2,
// unix_diag_req and so on (include/uapi/linux/*_diag.h), with all states and all
// that the family shows but BPF storage.
func (f *diagFamily) request() []byte {
	const all = 0xffffffff
	put := binary.NativeEndian.PutUint32
	switch f.family {
	case afInet, afInet6:
		b := make([]byte, 56, 64)
		b[0], b[1], b[2] = f.family, uint8(f.protocol), 0xff
		put(b[4:], all)
		if f.protocol > 0xff { // INET_DIAG_REQ_PROTOCOL
			b[1] = 0
			b = binary.NativeEndian.AppendUint16(b, 8)
			b = binary.NativeEndian.AppendUint16(b, 3)
			b = binary.NativeEndian.AppendUint32(b, uint32(f.protocol))
		}
		return b
	case afUnix:
		b := make([]byte, 24)
		b[0] = f.family
		put(b[4:], all)
		put(b[12:], 0x7f) // UDIAG_SHOW_NAME … UDIAG_SHOW_UID
		return b
	case afPacket:
		b := make([]byte, 20)
		b[0] = f.family
		put(b[8:], 0x3f) // PACKET_SHOW_INFO … PACKET_SHOW_FILTER
		return b
	case afNetlink:
		b := make([]byte, 20)
		b[0], b[1] = f.family, uint8(f.protocol)
		put(b[8:], 0x0f) // NDIAG_SHOW_MEMINFO … NDIAG_SHOW_FLAGS
		return b
	case afXDP:
		b := make([]byte, 20)
		b[0] = f.family
		put(b[8:], 0x1f) // XDP_SHOW_INFO … XDP_SHOW_STATS
		return b
	case afVsock:
		b := make([]byte, 24)
		b[0] = f.family
		put(b[4:], all)
		return b
	case afSMC:
		b := make([]byte, 52)
		b[0], b[3] = f.family, 0xff
		return b
	}
	b := make([]byte, 8)
	b[0] = f.family
	put(b[4:], all)
	return b
}

// parseDiag gives the rows of a raw dump, and how many messages were not understood.
func parseDiag(raw []byte, f *diagFamily, netns uint64) (rows []SocketRow, strange int) {
	rows = make([]SocketRow, 0, countMessages(raw))
	for {
		m, rest, ok := nextMessage(raw)
		if !ok {
			return rows, strange + min(len(raw), 1)
		}
		raw = rest
		if m.Type != sockDiagByFamily {
			continue
		}
		row, ok := f.parse(m, f)
		if !ok {
			strange++
			continue
		}
		row.NetNS, row.Views = netns, SeenByDiag
		rows = append(rows, row)
	}
}

func countMessages(raw []byte) (n int) {
	for {
		m, rest, ok := nextMessage(raw)
		if !ok {
			return n
		}
		if m.Type == sockDiagByFamily {
			n++
		}
		raw = rest
	}
}

func uidOf(n uint32) *uint32 { return &n }

// cookieAt reads the two halves of a socket cookie, low one first.
func cookieAt(b []byte, at int) uint64 { return uint64(u32at(b, at)) | uint64(u32at(b, at+4))<<32 }

func memInfo(b []byte) *SocketMemory {
	return &SocketMemory{
		RmemAlloc: u32at(b, 0), RcvBuf: u32at(b, 4), WmemAlloc: u32at(b, 8), SndBuf: u32at(b, 12), FwdAlloc: u32at(b, 16),
		WmemQueued: u32at(b, 20), OptMem: u32at(b, 24), Backlog: u32at(b, 28), Drops: u32at(b, 32),
	}
}
