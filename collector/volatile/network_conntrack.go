package volatile

import (
	"time"

	"hozen/collector/jsonl"
)

// ConntrackRow is a connection that netfilter follows: kind "conntrack". It
// outlives the socket, and tells of connections that only pass through. See
// include/uapi/linux/netfilter/nfnetlink_conntrack.h.
type ConntrackRow struct {
	netHead
	Family     string         `json:"family"`
	Original   ConntrackTuple `json:"original"`
	Reply      ConntrackTuple `json:"reply"` // differs from the mirrored original where addresses are translated
	State      string         `json:"state,omitempty"`
	Status     []string       `json:"status,omitempty"`
	Timeout    uint32         `json:"timeout_s"`
	Mark       uint32         `json:"mark,omitempty"`
	Zone       uint16         `json:"zone,omitempty"`
	Helper     jsonl.Text     `json:"helper,omitempty"`
	ID         uint32         `json:"id"`
	Started    string         `json:"started,omitempty"` // where nf_conntrack_timestamp is on
	SecContext jsonl.Text     `json:"security_context,omitempty"`
}

// ConntrackTuple is one direction; the counters are there where
// nf_conntrack_acct is on.
type ConntrackTuple struct {
	Src     string  `json:"src"`
	Dst     string  `json:"dst"`
	Proto   uint8   `json:"proto"`
	SrcPort uint16  `json:"src_port,omitempty"`
	DstPort uint16  `json:"dst_port,omitempty"`
	ICMP    string  `json:"icmp,omitempty"` // type/code/id
	Packets *uint64 `json:"packets,omitempty"`
	Bytes   *uint64 `json:"bytes,omitempty"`
}

func (d *netDecoder) conntrack(b []byte) {
	r := ConntrackRow{netHead: d.head("conntrack"), Family: familyName(b[0])}
	eachAttr(b[4:], func(t uint16, v []byte) {
		switch t {
		case 1: // CTA_TUPLE_ORIG
			r.Original.tuple(v)
		case 2: // CTA_TUPLE_REPLY
			r.Reply.tuple(v)
		case 9: // CTA_COUNTERS_ORIG
			r.Original.counters(v)
		case 10: // CTA_COUNTERS_REPLY
			r.Reply.counters(v)
		default:
			r.attr(t, v)
		}
	})
	d.row(&r)
}

func (r *ConntrackRow) attr(t uint16, v []byte) {
	switch t {
	case 3: // CTA_STATUS: enum ip_conntrack_status
		r.Status = bitNames(uint64(be32(v)), "expected", "seen_reply", "assured", "confirmed", "src_nat", "dst_nat",
			"seq_adjust", "src_nat_done", "dst_nat_done", "dying", "fixed_timeout", "template", "untracked", "helper", "offload", "hw_offload")
	case 4: // CTA_PROTOINFO
		r.State = conntrackState(v)
	case 5: // CTA_HELP
		eachAttr(v, func(t uint16, v []byte) {
			if t == 1 { // CTA_HELP_NAME
				r.Helper = cText(v)
			}
		})
	case 7: // CTA_TIMEOUT
		r.Timeout = be32(v)
	case 8: // CTA_MARK
		r.Mark = be32(v)
	case 12: // CTA_ID
		r.ID = be32(v)
	case 18: // CTA_ZONE
		r.Zone = be16(v)
	case 19: // CTA_SECCTX
		eachAttr(v, func(_ uint16, v []byte) { r.SecContext = cText(v) })
	case 20: // CTA_TIMESTAMP
		eachAttr(v, func(t uint16, v []byte) {
			if n := be64(v); t == 1 && n > 0 && n < 1<<63 {
				r.Started = stamp(time.Unix(0, int64(n)))
			}
		})
	}
}

// conntrackState reads the TCP state (enum tcp_conntrack) from CTA_PROTOINFO_TCP.
func conntrackState(v []byte) (state string) {
	eachAttr(v, func(t uint16, v []byte) {
		if t != 1 {
			return
		}
		eachAttr(v, func(t uint16, v []byte) {
			if t == 1 { // CTA_PROTOINFO_TCP_STATE
				state = nth(uint64(u8at(v, 0)), "none", "syn_sent", "syn_recv", "established", "fin_wait", "close_wait",
					"last_ack", "time_wait", "close", "syn_sent2")
			}
		})
	})
	return state
}

func (c *ConntrackTuple) counters(v []byte) {
	eachAttr(v, func(t uint16, v []byte) {
		n := be64(v)
		switch t {
		case 1: // CTA_COUNTERS_PACKETS
			c.Packets = &n
		case 2: // CTA_COUNTERS_BYTES
			c.Bytes = &n
		}
	})
}

func (c *ConntrackTuple) tuple(v []byte) {
	var icmp [3]uint64 // type, code, id
	isICMP := false
	eachAttr(v, func(t uint16, v []byte) {
		switch t {
		case 1: // CTA_TUPLE_IP
			eachAttr(v, func(t uint16, v []byte) {
				switch t {
				case 1, 3: // CTA_IP_V4_SRC, CTA_IP_V6_SRC
					c.Src = ipText(v)
				case 2, 4:
					c.Dst = ipText(v)
				}
			})
		case 2: // CTA_TUPLE_PROTO
			eachAttr(v, func(t uint16, v []byte) {
				switch t {
				case 1: // CTA_PROTO_NUM
					c.Proto = u8at(v, 0)
				case 2: // CTA_PROTO_SRC_PORT
					c.SrcPort = be16(v)
				case 3: // CTA_PROTO_DST_PORT
					c.DstPort = be16(v)
				case 4, 7: // CTA_PROTO_ICMP_ID, CTA_PROTO_ICMPV6_ID
					icmp[2], isICMP = be64(v), true
				case 5, 8:
					icmp[0] = be64(v)
				case 6, 9:
					icmp[1] = be64(v)
				}
			})
		}
	})
	if isICMP {
		c.ICMP = nth(icmp[0]) + "/" + nth(icmp[1]) + "/" + nth(icmp[2])
	}
}
