package packet

import (
	"encoding/binary"

	"hozen/collector/packet/filter"
	"hozen/collector/packet/pcapng"
)

// A link is a network interface as the kernel describes it.
type link struct {
	name     string
	index    int
	mac      []byte
	hardware uint16 // ARPHRD_*, include/uapi/linux/if_arp.h
	flags    uint32 // IFF_*
	missed   int64  // rx_missed_errors: what the card had no room for; -1 unknown
}

const (
	iffUp       = 1
	iffLoopback = 8
)

func (l *link) up() bool       { return l.flags&iffUp != 0 }
func (l *link) loopback() bool { return l.flags&iffLoopback != 0 }

// ARPHRD_* of interfaces whose frames are taken as they are on the wire.
const (
	arphrdEther    = 1
	arphrdRawIP    = 519
	arphrdTunnel   = 768
	arphrdTunnel6  = 769
	arphrdLoopback = 772
	arphrdSIT      = 776
	arphrdNone     = 0xfffe
)

// linkType is how the frames of the interface are written (a LINKTYPE_ number),
// and what the filter finds there.
func (l *link) linkType() (uint16, filter.Link) {
	switch l.hardware {
	case arphrdEther, arphrdLoopback:
		return pcapng.LinkEthernet, filter.Ethernet
	case arphrdNone, arphrdRawIP, arphrdTunnel, arphrdTunnel6, arphrdSIT:
		return pcapng.LinkRaw, filter.Raw
	}
	return pcapng.LinkSLL2, filter.Cooked
}

func linkTypeName(t uint16) string {
	switch t {
	case pcapng.LinkEthernet:
		return "ethernet"
	case pcapng.LinkRaw:
		return "raw"
	}
	return "linux_sll2"
}

// Attributes of RTM_NEWLINK (include/uapi/linux/if_link.h).
const (
	iflaAddress = 1
	iflaName    = 3
	iflaStats64 = 23

	missedAt = 15 * 8 // of rx_missed_errors in struct rtnl_link_stats64
)

// parseLink reads the body of an RTM_NEWLINK message: struct ifinfomsg and attributes.
func parseLink(b []byte) (l link, ok bool) {
	if len(b) < 16 {
		return l, false
	}
	l = link{
		hardware: binary.NativeEndian.Uint16(b[2:]), index: int(int32(binary.NativeEndian.Uint32(b[4:]))),
		flags: binary.NativeEndian.Uint32(b[8:]), missed: -1,
	}
	for b = b[16:]; len(b) >= 4; {
		n, typ := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])&0x3fff
		if n < 4 || n > len(b) {
			break
		}
		value := b[4:n]
		switch typ {
		case iflaAddress:
			l.mac = append([]byte(nil), value[:min(len(value), 32)]...)
		case iflaName:
			for len(value) > 0 && value[len(value)-1] == 0 {
				value = value[:len(value)-1]
			}
			l.name = string(value)
		case iflaStats64:
			if len(value) >= missedAt+8 {
				l.missed = int64(binary.NativeEndian.Uint64(value[missedAt:]))
			}
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	return l, l.index > 0 && l.name != ""
}
