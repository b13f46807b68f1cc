package packet

import (
	"net/netip"

	"hozen/collector/packet/pcapng"
)

// ipDirection says by its addresses which way an IPv4 packet goes, for one of our own; p
// has a whole header.
func ipDirection(p []byte, own netip.Addr) uint32 {
	src, dst := netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
	switch {
	case src == own:
		return pcapng.Outbound
	case dst == own:
		return pcapng.Inbound | pcapng.Unicast
	case dst.IsMulticast():
		return pcapng.Inbound | pcapng.Multicast
	}
	return pcapng.Inbound
}
