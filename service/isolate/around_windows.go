package isolate

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

// lookAround gives interfaces, routers and leases (GetAdaptersAddresses), and says which hubs
// are reached through a tunnel (GetBestInterfaceEx).
func lookAround(hubs []netip.AddrPort) (Around, error) {
	a := Around{Outside: []string{
		"drivers below the filtering platform (Npcap, virtual switches) see frames, and may send them, before any filter",
		"virtual machines and WSL behind a Hyper-V switch pass filters of that switch only",
	}}
	if !serviceRuns() {
		a.Warnings = append(a.Warnings, "the service hozen does not run: when the time is over this machine is not released before it does, or somebody runs \"hozen isolate restore\" or \"off\"")
	}
	const flags = windows.GAA_FLAG_INCLUDE_GATEWAYS | windows.GAA_FLAG_SKIP_ANYCAST | windows.GAA_FLAG_SKIP_MULTICAST | windows.GAA_FLAG_SKIP_DNS_SERVER
	size := uint32(32 << 10)
	for range 5 {
		b := make([]byte, size)
		first := (*windows.IpAdapterAddresses)(unsafe.Pointer(unsafe.SliceData(b)))
		err := windows.GetAdaptersAddresses(windows.AF_UNSPEC, flags, 0, first, &size)
		if err == windows.ERROR_BUFFER_OVERFLOW {
			continue
		}
		if err == windows.ERROR_NO_DATA {
			return a, nil
		}
		if err != nil {
			return a, fmt.Errorf("interfaces: %w", err)
		}
		for i := first; i != nil; i = i.Next {
			a.adapter(i)
		}
		for _, h := range hubs {
			a.tunnel(h, first)
		}
		return a, nil
	}
	return a, fmt.Errorf("interfaces: over %d bytes", size)
}

// serviceRuns asks the SCM whether somebody goes by the deadline: Windows itself does not.
func serviceRuns() bool {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return false
	}
	defer windows.CloseServiceHandle(manager)
	name, err := windows.UTF16PtrFromString("hozen")
	if err != nil {
		return false
	}
	h, err := windows.OpenService(manager, name, windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return false
	}
	defer windows.CloseServiceHandle(h)
	var status windows.SERVICE_STATUS
	return windows.QueryServiceStatus(h, &status) == nil && status.CurrentState == windows.SERVICE_RUNNING
}

func (a *Around) adapter(i *windows.IpAdapterAddresses) {
	if i.IfType == windows.IF_TYPE_SOFTWARE_LOOPBACK {
		return
	}
	a.Links = append(a.Links, windows.UTF16PtrToString(i.FriendlyName))
	if i.OperStatus != windows.IfOperStatusUp {
		return
	}
	for g := i.FirstGatewayAddress; g != nil; g = g.Next {
		if addr, ok := netip.AddrFromSlice(g.Address.IP()); ok {
			a.Next = append(a.Next, addr.Unmap())
		}
	}
	const dhcp = 3 // IpSuffixOriginDhcp (nldef.h)
	for u := i.FirstUnicastAddress; u != nil; u = u.Next {
		addr, ok := netip.AddrFromSlice(u.Address.IP())
		if ok && u.SuffixOrigin == dhcp {
			a.Warnings = append(a.Warnings, lease{addr.Unmap(), u.LeaseLifetime}.warning())
		}
	}
}

// tunnel warns where the way to a hub leads through an interface whose own packets are cut.
func (a *Around) tunnel(hub netip.AddrPort, first *windows.IpAdapterAddresses) {
	var to windows.Sockaddr = &windows.SockaddrInet6{Port: int(hub.Port()), Addr: hub.Addr().As16()}
	if hub.Addr().Is4() {
		to = &windows.SockaddrInet4{Port: int(hub.Port()), Addr: hub.Addr().As4()}
	}
	var index uint32
	if windows.GetBestInterfaceEx(to, &index) != nil || index == 0 {
		return
	}
	const propVirtual = 53 // IF_TYPE_PROP_VIRTUAL (ipifcons.h)
	for i := first; i != nil; i = i.Next {
		if i.IfIndex != index && i.Ipv6IfIndex != index {
			continue
		}
		switch i.IfType {
		case windows.IF_TYPE_PPP, windows.IF_TYPE_TUNNEL, propVirtual:
			a.Warnings = append(a.Warnings, fmt.Sprintf("the way to the hub %s leads through %q, a tunnel: its own packets are cut", hub, windows.UTF16PtrToString(i.FriendlyName)))
		}
	}
}
