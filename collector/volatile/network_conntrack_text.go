package volatile

import (
	"net/netip"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
)

// conntrackText makes rows of /proc/net/nf_conntrack, for kernels that cannot
// tell it by netlink. A line is (net/netfilter/nf_conntrack_standalone.c):
//
//	ipv4     2 tcp      6 431999 ESTABLISHED src=… dst=… sport=… dport=… [packets=… bytes=…]
//	  [UNREPLIED] src=… dst=… sport=… dport=… [ASSURED] mark=0 zone=0 use=2
func (d *netDecoder) conntrackText(raw []byte) {
	d.eachLine(string(raw), 0, func(f []string) bool {
		r, ok := conntrackLine(f)
		if ok {
			r.netHead = d.head("conntrack")
			d.row(r)
		}
		return ok
	})
}

func conntrackLine(f []string) (*ConntrackRow, bool) {
	if len(f) < 6 || f[0] != "ipv4" && f[0] != "ipv6" {
		return nil, false
	}
	r := &ConntrackRow{Family: map[string]string{"ipv4": "inet", "ipv6": "inet6"}[f[0]]}
	proto, err := strconv.ParseUint(f[3], 10, 8)
	if err != nil {
		return nil, false
	}
	r.Original.Proto, r.Reply.Proto = uint8(proto), uint8(proto)
	side, sources := &r.Original, 0
	for _, w := range f[4:] {
		key, value, pair := strings.Cut(w, "=")
		switch {
		case pair && key == "src":
			if sources++; sources == 2 {
				side = &r.Reply
			}
			side.Src = plainAddress(value)
		case pair:
			r.pair(side, key, value)
		case strings.HasPrefix(w, "["):
			r.Status = append(r.Status, strings.ToLower(strings.Trim(w, "[]")))
		default:
			if n, err := strconv.ParseUint(w, 10, 32); err == nil {
				r.Timeout = uint32(n)
			} else {
				r.State = strings.ToLower(w)
			}
		}
	}
	return r, sources == 2
}

// plainAddress shortens an IPv6 address, which the kernel writes in full here.
func plainAddress(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	return s
}

func (r *ConntrackRow) pair(side *ConntrackTuple, key, value string) {
	n, _ := strconv.ParseUint(value, 10, 64)
	switch key {
	case "dst":
		side.Dst = plainAddress(value)
	case "sport":
		side.SrcPort = uint16(n)
	case "dport":
		side.DstPort = uint16(n)
	case "type":
		side.ICMP = value
	case "code", "id":
		side.ICMP += "/" + value
	case "packets":
		side.Packets = &n
	case "bytes":
		side.Bytes = &n
	case "mark":
		r.Mark = uint32(n)
	case "zone":
		r.Zone = uint16(n)
	case "secctx":
		r.SecContext = jsonl.Text(value)
	}
}
