//go:build !linux

package volatile

import (
	"context"
	"net"
	"net/netip"
	"runtime"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// A netReader gives what the Go library tells of interfaces on systems that
// have no reader of their own; it starts no program.
type netReader struct{ h *collector.Host }

func newNetReader(h *collector.Host, _ []netNS) *netReader { return &netReader{h} }

// Close does nothing.
func (r *netReader) Close() {}

func (r *netReader) parts(ns netNS) []netPart {
	if !r.h.Live {
		return []netPart{
			{"netlink", "rtnetlink and nfnetlink", func(context.Context) ([]byte, error) { return nil, collector.ErrNotLive }, nil},
			{"proc_net.txt", "/proc/net", func(context.Context) ([]byte, error) { return readProcNet(r.h, "/proc/net") }, (*netDecoder).procNet},
			conntrackTextPart(r.h, "/proc/net/nf_conntrack"),
		}
	}
	return []netPart{{"raw", "the tables of the kernel", func(context.Context) ([]byte, error) {
		return nil, evidence.Skip("not on %s: only interfaces and addresses, without raw bytes", runtime.GOOS)
	}, func(d *netDecoder, _ []byte) { interfaceRows(d) }}}
}

// interfaceRows makes rows of net.Interfaces.
func interfaceRows(d *netDecoder) {
	links, err := net.Interfaces()
	d.tally.Add("interfaces", err)
	for _, l := range links {
		d.row(&LinkRow{netHead: d.head("link"), Index: int32(l.Index), Name: jsonl.Text(l.Name), Type: "unknown",
			MAC: l.HardwareAddr.String(), MTU: uint32(l.MTU), OperState: "unknown",
			Flags: bitNames(uint64(l.Flags), "UP", "BROADCAST", "LOOPBACK", "POINTOPOINT", "MULTICAST", "RUNNING")})
		addresses, err := l.Addrs()
		d.tally.Add("addresses of "+l.Name, err)
		for _, a := range addresses {
			p, err := netip.ParsePrefix(a.String())
			if d.tally.Add("address "+a.String(), err) != nil {
				continue
			}
			family := "inet6"
			if p.Addr().Is4() {
				family = "inet"
			}
			d.row(&AddressRow{netHead: d.head("address"), Index: uint32(l.Index), Link: jsonl.Text(l.Name), Family: family,
				Address: p.Addr().String(), PrefixLen: uint8(p.Bits()), Scope: "unknown"})
		}
	}
}
