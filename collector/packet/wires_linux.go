package packet

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

// kernelWires are the interfaces of the network namespace of the thread that asks.
type kernelWires struct{ h *collector.Host }

func newWires(h *collector.Host) (wires, way, error) {
	// To open a packet socket where the kernel has none would start a module loader.
	if _, err := h.Lstat("/proc/thread-self/net/packet"); errors.Is(err, fs.ErrNotExist) {
		return nil, way{}, evidence.NotHere("the kernel has no packet sockets now, and asking for one would start a module loader")
	}
	return kernelWires{h}, way{source: "packet sockets of every interface"}, nil
}

func (kernelWires) links() ([]link, error) {
	raw, err := syscall.NetlinkRIB(unix.RTM_GETLINK, unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return nil, err
	}
	var out []link
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWLINK {
			continue
		}
		if l, ok := parseLink(m.Data); ok {
			out = append(out, l)
		}
	}
	return out, nil
}

func (kernelWires) addresses() (out []netip.Addr) {
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

func (kernelWires) open(l *link, f form, program []bpf.RawInstruction, size int) (tap, error) {
	return openRing(l, f, program, size)
}
