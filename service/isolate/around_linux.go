package isolate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Around implements Firewall.
func (k kernel) Around(ctx context.Context, hubs []netip.AddrPort) (Around, error) {
	var a Around
	links, err := listLinks()
	if err != nil {
		return a, fmt.Errorf("interfaces: %w", err)
	}
	for _, l := range links {
		if !l.loopback {
			a.Links = append(a.Links, l.name)
		}
		if l.xdp {
			a.Outside = append(a.Outside, fmt.Sprintf("an XDP program on %s sees and may send packets before any rule", plain(l.name)))
		}
	}
	a.ways(hubs, links)
	a.leases()
	a.besides()
	a.namespaces(ctx)
	return a, nil
}

// listLinks lists the interfaces of the network namespace that this thread is in. What
// changes while it is read is read again.
func listLinks() (links []link, err error) {
	for range 20 {
		var raw []byte
		raw, err = netlinkAsk(unix.NETLINK_ROUTE, unix.RTM_GETLINK, unix.NLM_F_DUMP, make([]byte, 16))
		if err == nil {
			return parseLinks(raw)
		}
		if !errors.Is(err, errChanged) {
			break
		}
	}
	return nil, err
}

// ways looks where the hubs are.
func (a *Around) ways(hubs []netip.AddrPort, links []link) {
	for _, h := range hubs {
		family, addr := byte(unix.AF_INET), h.Addr().AsSlice()
		if h.Addr().Is6() {
			family = unix.AF_INET6
		}
		body := make([]byte, 12)
		body[0], body[1] = family, byte(len(addr)*8)
		raw, err := netlinkAsk(unix.NETLINK_ROUTE, unix.RTM_GETROUTE, 0, appendAttr(body, unix.RTA_DST, addr))
		var w way
		if err == nil {
			w, err = parseWay(raw)
		}
		if err != nil {
			a.Warnings = append(a.Warnings, fmt.Sprintf("no way to hub %s: %v", h, err))
			continue
		}
		if w.next.IsValid() {
			a.Next = append(a.Next, w.next)
		}
		for _, l := range links {
			if l.index == w.index && carried(l.kind) {
				a.Warnings = append(a.Warnings, fmt.Sprintf("hub %s is behind %s (%s): what carries that is cut, unless its other end is a hub, too", h, plain(l.name), l.kind))
			}
		}
	}
}

// leases warns of addresses that nobody can renew: DHCP is cut.
func (a *Around) leases() {
	raw, err := netlinkAsk(unix.NETLINK_ROUTE, unix.RTM_GETADDR, unix.NLM_F_DUMP, make([]byte, 8))
	if err != nil {
		return
	}
	leases, err := parseLeases(raw)
	if err != nil {
		return
	}
	for _, l := range leases {
		if l.addr.Is4() {
			a.Warnings = append(a.Warnings, l.warning())
		}
	}
}

// besides names what this machine can speak through without any packet filter.
func (a *Around) besides() {
	for _, b := range []struct{ pattern, form string }{
		{"/sys/class/misc/vsock", "sockets to the hypervisor (vsock) pass no packet filter (%s)"},
		{"/sys/class/bluetooth/*", "Bluetooth passes no packet filter (%s)"},
		{"/sys/class/infiniband/*", "RDMA passes no packet filter (%s)"},
	} {
		if found, _ := filepath.Glob(b.pattern); len(found) > 0 {
			a.Outside = append(a.Outside, fmt.Sprintf(b.form, plain(found[0])))
		}
	}
}

// Bounds of the look at other network namespaces.
const (
	maxProcesses  = 1 << 16
	maxNamespaces = 256
)

// namespaces names devices in other network namespaces that reach a network without
// passing an interface of ours.
func (a *Around) namespaces(ctx context.Context) {
	seen := map[string]bool{}
	if own, err := os.Readlink("/proc/thread-self/ns/net"); err == nil {
		seen[own] = true
	}
	n := 0
	look := func(path, id, who string) {
		if seen[id] || n >= maxNamespaces || ctx.Err() != nil {
			return
		}
		seen[id] = true
		n++
		links, err := linksIn(path)
		if err != nil {
			a.Outside = append(a.Outside, fmt.Sprintf("network namespace %s (%s) cannot be looked into: %v", id, who, err))
			return
		}
		for _, l := range links {
			if !l.loopback && !virtual(l.kind) {
				a.Outside = append(a.Outside, fmt.Sprintf("interface %s is in network namespace %s (%s), where none of these rules are", plain(l.name), id, who))
			}
		}
	}
	pids, err := os.ReadDir("/proc")
	if err != nil {
		a.Outside = append(a.Outside, fmt.Sprintf("other network namespaces are not known: %v", err))
	}
	for _, p := range pids[:min(len(pids), maxProcesses)] {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		path := "/proc/" + p.Name() + "/ns/net"
		if id, err := os.Readlink(path); err == nil {
			look(path, id, "process "+p.Name())
		}
	}
	named, _ := filepath.Glob("/run/netns/*") // of ip-netns(8), also those without a process
	for _, path := range named[:min(len(named), maxNamespaces)] {
		var st unix.Stat_t
		var fs unix.Statfs_t
		if unix.Stat(path, &st) == nil && unix.Statfs(path, &fs) == nil && fs.Type == unix.NSFS_MAGIC {
			look(path, fmt.Sprintf("net:[%d]", st.Ino), plain(strings.TrimPrefix(path, "/run/netns/")))
		}
	}
	if n >= maxNamespaces {
		a.Outside = append(a.Outside, fmt.Sprintf("only %d other network namespaces were looked into", maxNamespaces))
	}
}

// carried are kinds of interfaces whose frames travel inside other packets, which are cut.
func carried(kind string) bool {
	return slices.Contains([]string{"tun", "wireguard", "ppp", "ipip", "sit", "ip6tnl", "gre", "gretap", "ip6gre",
		"ip6gretap", "vti", "vti6", "xfrm", "vxlan", "geneve", "macsec", "l2tp", "erspan"}, kind)
}

// virtual are kinds that reach no network but through another interface of some namespace,
// where our rules see them: so do those that hang on an interface that is filtered.
func virtual(kind string) bool {
	return slices.Contains([]string{"veth", "bridge", "dummy", "ifb", "macvlan", "macvtap", "ipvlan", "ipvtap", "vlan", "bond", "vrf", "nlmon", "netkit"}, kind) ||
		carried(kind)
}
