package volatile

import (
	"encoding/json"
	"net/netip"

	"hozen/collector/jsonl"
)

// A SocketRow is one socket, a line of volatile/sockets.jsonl. Fields that a
// family does not have, or that no view told, are left out; a number that is left
// out is 0 or unknown, except where a pointer tells the two apart.
type SocketRow struct {
	// NetNS is the inode of the network namespace; 0 for a socket that only a
	// file descriptor shows: which namespace it is in is not known.
	NetNS uint64 `json:"netns"`
	// Family is inet, inet6, unix, packet, netlink, vsock, xdp, smc, bluetooth or unknown.
	Family string `json:"family"`
	// Protocol is tcp, udp, udplite, raw, icmp, mptcp, sctp, dccp; of netlink its
	// family (route, audit, …); of a socket that only a file descriptor shows the
	// name that the kernel gives (UNIX, TCP, ALG, …).
	Protocol string `json:"protocol,omitempty"`
	Type     string `json:"type,omitempty"`  // stream, dgram, raw, seqpacket
	State    string `json:"state,omitempty"` // after include/net/tcp_states.h
	// IPProtocol is the protocol number of a raw socket.
	IPProtocol uint32     `json:"ip_protocol,omitzero"`
	LocalAddr  netip.Addr `json:"local_addr,omitzero"`
	LocalPort  uint32     `json:"local_port,omitzero"` // of netlink the port id
	RemoteAddr netip.Addr `json:"remote_addr,omitzero"`
	RemotePort uint32     `json:"remote_port,omitzero"`
	LocalCID   *uint32    `json:"local_cid,omitempty"` // of vsock(7)
	RemoteCID  *uint32    `json:"remote_cid,omitempty"`
	IfIndex    uint32     `json:"ifindex,omitzero"` // the interface that it is bound to
	// Path is the name of a unix socket, without the NUL of an abstract one.
	Path     jsonl.Text `json:"path,omitempty"`
	Abstract bool       `json:"abstract,omitzero"`
	PeerIno  uint64     `json:"peer_inode,omitzero"`
	VFSInode uint64     `json:"vfs_inode,omitzero"` // of the file that Path was when it was bound
	VFSDev   uint64     `json:"vfs_dev,omitzero"`
	Pending  []uint32   `json:"pending_inodes,omitempty"` // sockets that wait to be accepted
	Inode    uint64     `json:"inode"`                    // 0: no process has it (TIME_WAIT, a connection not accepted yet)
	Cookie   uint64     `json:"cookie,omitzero"`          // the kernel's own number of the socket, never used twice
	UID      *uint32    `json:"uid,omitempty"`            // of who made it
	RecvQ    uint32     `json:"recv_q"`                   // of a listener: connections that wait
	SendQ    uint32     `json:"send_q"`                   // of a listener: how many may wait (sock_diag only)
	Timer    string     `json:"timer,omitempty"`          // on, keepalive, timewait, persist
	TimerMS  uint64     `json:"timer_ms,omitzero"`        // until it fires
	Retrans  uint32     `json:"retransmits,omitzero"`
	Drops    uint64     `json:"drops,omitzero"`
	Shutdown string     `json:"shutdown,omitempty"` // receive, send, both
	Cong     jsonl.Text `json:"congestion,omitempty"`
	Mark     uint32     `json:"mark,omitzero"` // SO_MARK; told to CAP_NET_ADMIN only
	ClassID  uint32     `json:"class_id,omitzero"`
	CgroupID uint64     `json:"cgroup_id,omitzero"` // inode of its control group (v2)
	TOS      uint8      `json:"tos,omitzero"`
	TClass   uint8      `json:"tclass,omitzero"`
	V6Only   bool       `json:"v6only,omitzero"`

	TCP     *SocketTCP     `json:"tcp_info,omitempty"`
	Mem     *SocketMemory  `json:"mem,omitempty"`
	Packet  *SocketPacket  `json:"packet,omitempty"`
	Netlink *SocketNetlink `json:"netlink,omitempty"`
	XDP     *SocketXDP     `json:"xdp,omitempty"`

	// Views are where it was seen: sock_diag, proc (a table of /proc/net), fd (a
	// file descriptor of a process).
	Views SocketViews `json:"views"`
	// UnseenBy are views that list sockets of this kind and were read, but do not
	// show it. One was read some milliseconds after the other: a socket that was
	// opened or closed in between looks the same as one that is hidden.
	UnseenBy SocketViews `json:"unseen_by,omitzero"`
	// Holders are the file descriptors that hold it, sorted. None: the kernel's
	// own, not accepted yet, closed while we looked, on its way in a message
	// (SCM_RIGHTS), held by a process whose descriptors we may not read, or hidden.
	Holders   []SocketHolder `json:"holders,omitempty"`
	Runtime   string         `json:"runtime,omitempty"` // of the container of a holder, else of the namespace
	Container string         `json:"container,omitempty"`
}

// A SocketHolder is one file descriptor that holds a socket. PID and StartTicks
// together name the process.
type SocketHolder struct {
	PID        int        `json:"pid"`
	FD         int        `json:"fd"`
	StartTicks uint64     `json:"start_ticks,omitzero"` // field 22 of /proc/PID/stat
	Comm       jsonl.Text `json:"comm,omitempty"`
}

// A SocketTCP has what struct tcp_info (include/uapi/linux/tcp.h) says of traffic
// and time; the raw dump has all of it.
type SocketTCP struct {
	RTTMicros      uint32 `json:"rtt_us"`
	LastDataSentMS uint32 `json:"last_data_sent_ms"` // before the dump
	LastDataRecvMS uint32 `json:"last_data_recv_ms"`
	LastAckRecvMS  uint32 `json:"last_ack_recv_ms"`
	Unacked        uint32 `json:"unacked"`
	TotalRetrans   uint32 `json:"total_retrans"`
	BytesSent      uint64 `json:"bytes_sent"` // 0 before Linux 4.19
	BytesAcked     uint64 `json:"bytes_acked"`
	BytesReceived  uint64 `json:"bytes_received"`
	SegsOut        uint32 `json:"segs_out"`
	SegsIn         uint32 `json:"segs_in"`
}

// A SocketMemory is the array SK_MEMINFO_* (include/uapi/linux/sock_diag.h), in bytes.
type SocketMemory struct {
	RmemAlloc  uint32 `json:"rmem_alloc"`
	RcvBuf     uint32 `json:"rcvbuf"`
	WmemAlloc  uint32 `json:"wmem_alloc"`
	SndBuf     uint32 `json:"sndbuf"`
	FwdAlloc   uint32 `json:"fwd_alloc"`
	WmemQueued uint32 `json:"wmem_queued"`
	OptMem     uint32 `json:"optmem"`
	Backlog    uint32 `json:"backlog"`
	Drops      uint32 `json:"drops"`
}

// A SocketPacket is what packet(7) sockets have: a program that listens to the wire.
type SocketPacket struct {
	EtherType   uint16             `json:"ethertype"` // in host order; 3 is ETH_P_ALL
	Version     uint32             `json:"version,omitzero"`
	Flags       uint32             `json:"flags,omitzero"` // PDI_* of packet_diag.h
	RxRing      *SocketRing        `json:"rx_ring,omitempty"`
	TxRing      *SocketRing        `json:"tx_ring,omitempty"`
	Fanout      uint32             `json:"fanout,omitzero"`
	Memberships []SocketMembership `json:"memberships,omitempty"`
	// Filter is the classic BPF program in hex, struct sock_filter after struct
	// sock_filter, in the machine's byte order.
	Filter string `json:"filter,omitempty"`
}

// A SocketRing is a ring of a packet or netlink socket that a program has mapped
// (struct tpacket_req and its kin, packet(7)).
type SocketRing struct {
	BlockSize uint32 `json:"block_size"`
	BlockNr   uint32 `json:"block_nr"`
	FrameSize uint32 `json:"frame_size"`
	FrameNr   uint32 `json:"frame_nr"`
}

// A SocketMembership is a membership of a packet socket. Type 1 is promiscuous mode
// (PACKET_MR_PROMISC, packet(7)).
type SocketMembership struct {
	IfIndex uint32 `json:"ifindex"`
	Count   uint32 `json:"count"`
	Type    uint16 `json:"type"`
	Addr    string `json:"addr,omitempty"` // hex
}

// A SocketNetlink is what netlink(7) sockets have.
type SocketNetlink struct {
	Number   uint8       `json:"number"`           // of the netlink family
	Groups   string      `json:"groups,omitempty"` // bit mask in hex, lowest group last
	DstPort  uint32      `json:"dst_port,omitzero"`
	DstGroup uint32      `json:"dst_group,omitzero"`
	Flags    uint32      `json:"flags,omitzero"` // NDIAG_FLAG_*
	RxRing   *SocketRing `json:"rx_ring,omitempty"`
	TxRing   *SocketRing `json:"tx_ring,omitempty"`
}

// A SocketXDP is what AF_XDP sockets have.
type SocketXDP struct {
	QueueID  uint32 `json:"queue_id"`
	UmemSize uint64 `json:"umem_size,omitzero"`
	UmemID   uint32 `json:"umem_id,omitzero"`
}

// SocketViews is a set of ways in which a socket is seen.
type SocketViews uint8

// The views of a socket.
const (
	SeenByDiag    SocketViews = 1 << iota // an answer of sock_diag(7)
	SeenByProcNet                         // a table of /proc/net
	SeenByFD                              // a file descriptor of a process
)

var viewNames = [...]string{"sock_diag", "proc", "fd"}

// Names gives the words used in rows: "sock_diag", "proc", "fd".
func (v SocketViews) Names() []string {
	var out []string
	for i, name := range viewNames {
		if v&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// MarshalJSON gives the names.
func (v SocketViews) MarshalJSON() ([]byte, error) { return json.Marshal(v.Names()) }

// UnmarshalJSON reads the names.
func (v *SocketViews) UnmarshalJSON(b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	*v = 0
	for _, n := range names {
		for i, name := range viewNames {
			if n == name {
				*v |= 1 << i
			}
		}
	}
	return nil
}
