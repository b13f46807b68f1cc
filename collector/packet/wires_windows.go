package packet

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/windows"

	"hozen/collector"
)

// newWires takes Npcap where it is installed, else raw sockets.
func newWires(*collector.Host) (wires, way, error) {
	n, err := loadNpcap()
	if err == nil {
		return n, way{source: n.source}, nil
	}
	return rawWires{}, way{source: "raw sockets of every IPv4 address (SIO_RCVALL)", limits: []string{
		"Npcap is not used: " + err.Error(),
		"no link layer: no ARP, no addresses of cards, and frames of no other protocol",
		"no IPv6: Windows gives its packets to raw sockets without their headers",
		"nothing between two programs of this PC that goes over loopback",
		"what Windows' firewall drops on its way in is not seen; some versions pass no incoming TCP to raw sockets",
	}}, nil
}

// systemWords name the system, for the head of each file.
func systemWords(*collector.Host) string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}

// adapters are the interfaces of the system, by their friendly names ("Ethernet 2");
// hardware is what is said of their frames.
func adapters(hardware uint16) ([]link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []link
	for _, i := range all {
		l := link{name: i.Name, index: i.Index, mac: i.HardwareAddr, hardware: hardware, missed: -1}
		if i.Flags&net.FlagUp != 0 {
			l.flags |= iffUp
		}
		out = append(out, l)
	}
	return out, nil
}

func localAddresses() (out []netip.Addr) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				out = append(out, addr.Unmap())
			}
		}
	}
	return out
}

// rawWires are interfaces by their IPv4 addresses.
type rawWires struct{}

func (rawWires) links() ([]link, error) { return adapters(arphrdRawIP) }

func (rawWires) addresses() []netip.Addr { return localAddresses() }

func (rawWires) open(l *link, f form, program []bpf.RawInstruction, size int) (tap, error) {
	return openRawIP(l, f, program, size)
}
