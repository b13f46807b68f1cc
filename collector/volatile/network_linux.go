package volatile

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/section"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

const maxNSIDs = 64 // namespaces whose numbering of each other is asked: it is a square

// A netReader fetches what the kernel says of namespaces.
type netReader struct {
	h      *collector.Host
	spaces []netNS
	kernel *kernelParts
	open   []*os.File // the namespaces, kept open, in the order of spaces; nil where there are too many
	filter bool       // the kernel has nfnetlink: opening such a socket loads nothing
}

func newNetReader(h *collector.Host, spaces []netNS) *netReader {
	r := &netReader{h: h, spaces: spaces, kernel: newKernelParts(h)}
	if !h.Live {
		return r
	}
	text, _ := h.ReadFile("/proc/self/net/netlink", maxProcNet)
	r.filter = netlinkFamilyHere(text, unix.NETLINK_NETFILTER)
	if len(spaces) <= maxNSIDs {
		for _, ns := range spaces {
			f, _ := openNetNS(h, ns) // one that cannot be opened has a record from its own parts
			r.open = append(r.open, f)
		}
	}
	return r
}

// Close closes the namespaces.
func (r *netReader) Close() {
	for _, f := range r.open {
		f.Close() // a nil file says so and nothing else
	}
}

func (r *netReader) parts(ns netNS) []netPart {
	text := netPart{"proc_net.txt", "/proc/net of network namespace " + nsName(ns), func(context.Context) ([]byte, error) { return r.procNet(ns) },
		(*netDecoder).procNet}
	if !r.h.Live {
		netlink := netPart{"netlink", "rtnetlink and nfnetlink", func(context.Context) ([]byte, error) { return nil, collector.ErrNotLive }, nil}
		return []netPart{netlink, text, conntrackTextPart(r.h, "/proc/net/nf_conntrack")}
	}
	route := func(file string, asks ...nlAsk) netPart {
		return netPart{file, "rtnetlink of network namespace " + nsName(ns), func(ctx context.Context) ([]byte, error) {
			return r.dump(ctx, ns, unix.NETLINK_ROUTE, asks)
		}, (*netDecoder).rtnetlink}
	}
	neigh := func(family, flags byte) nlAsk {
		return nlAsk{unix.RTM_GETNEIGH, append(make([]byte, 10), flags, 0), family}
	}
	inet, inet6 := byte(unix.AF_INET), byte(unix.AF_INET6)
	extended := nlAttr(make([]byte, 16), unix.IFLA_EXT_MASK, binary.NativeEndian.AppendUint32(nil, 1)) // RTEXT_FILTER_VF: the virtual functions, too
	parts := []netPart{
		{"nsid.txt", "RTM_GETNSID of network namespace " + nsName(ns), func(ctx context.Context) ([]byte, error) { return r.nsids(ctx, ns) }, (*netDecoder).nsids},
		route("link.nl", nlAsk{unix.RTM_GETLINK, extended, unix.AF_UNSPEC}),
		route("address.nl", nlAsk{unix.RTM_GETADDR, make([]byte, 8), unix.AF_UNSPEC}),
		route("neighbour.nl", neigh(inet, 0), neigh(inet6, 0), neigh(inet, unix.NTF_PROXY), neigh(inet6, unix.NTF_PROXY)),
		route("fdb.nl", neigh(unix.AF_BRIDGE, 0)),
		route("route.nl", nlAsk{unix.RTM_GETROUTE, make([]byte, 12), inet}, nlAsk{unix.RTM_GETROUTE, make([]byte, 12), inet6}),
		route("rule.nl", nlAsk{unix.RTM_GETRULE, make([]byte, 12), inet}, nlAsk{unix.RTM_GETRULE, make([]byte, 12), inet6}),
		route("nexthop.nl", nlAsk{unix.RTM_GETNEXTHOP, make([]byte, 8), unix.AF_UNSPEC}),
		route("qdisc.nl", qdiscAsk()),
		{"filter.nl", "rtnetlink of network namespace " + nsName(ns), func(ctx context.Context) ([]byte, error) { return r.filters(ctx, ns) }, (*netDecoder).rtnetlink},
		r.netfilter(ns, "nft.nl", "nf_tables", r.nftables),
		{"iptables.bin", "IPT_SO_GET_ENTRIES of network namespace " + nsName(ns), func(context.Context) ([]byte, error) { return r.iptables(ns) }, (*netDecoder).xtablesSections},
		r.netfilter(ns, "ipset.nl", "ip_set", func(ctx context.Context, s *nlSocket) ([]byte, error) {
			return s.ask(ctx, 6<<8|7, nlfDump, nlAttr(make([]byte, 4), 1, []byte{6})) // IPSET_CMD_LIST; IPSET_ATTR_PROTOCOL: 6, the oldest in use
		}),
		r.netfilter(ns, "conntrack.nl", "nf_conntrack_netlink", func(ctx context.Context, s *nlSocket) ([]byte, error) {
			return s.ask(ctx, 1<<8|1, nlfDump, make([]byte, 4)) // IPCTNL_MSG_CT_GET of every family
		}),
		text,
	}
	if has, _ := r.kernel.has("nf_conntrack_netlink"); !has && ns.procNet(r.h) != "" {
		parts = append(parts, conntrackTextPart(r.h, ns.procNet(r.h)+"/nf_conntrack"))
	}
	if ns.Own {
		parts = append(parts, netPart{"ebtables", "EBT_SO_GET_ENTRIES", func(context.Context) ([]byte, error) { return nil, r.ebtables() }, nil})
	}
	return parts
}

// ebtables says why the legacy tables of bridges are not taken.
func (r *netReader) ebtables() error {
	if has, why := r.kernel.has("ebtables"); !has {
		return evidence.NotHere("%s", why)
	}
	return evidence.Skip("the kernel has no list of the ebtables tables that are loaded, and asking for one that is not would create it")
}

func (r *netReader) procNet(ns netNS) (raw []byte, err error) {
	if !r.h.Live {
		return readProcNet(r.h, "/proc/net")
	}
	enter := r.inside(ns, func() error {
		raw, err = readProcNet(r.h, "/proc/thread-self/net")
		return nil
	})
	if dir := ns.procNet(r.h); enter != nil && dir != "" { // /proc/PID/net shows a namespace to those who may not enter it
		return readProcNet(r.h, dir)
	}
	return raw, fault.Join(enter, err)
}

// inside runs f inside a namespace; our own needs no privilege to be in.
func (r *netReader) inside(ns netNS, f func() error) error {
	if ns.Own {
		return f()
	}
	return inNetNS(r.h, ns, f)
}

// A nlAsk is one dump request: its body begins with the address family.
type nlAsk struct {
	typ    uint16
	body   []byte
	family byte
}

// dump joins the answers to several requests. Where the kernel has no IPv6 it
// answers an IPv6 request with everything, so it is not asked then.
func (r *netReader) dump(ctx context.Context, ns netNS, family int, asks []nlAsk) ([]byte, error) {
	s, err := dialNetlink(r.h, ns, family)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var raw []byte
	var errs []error
	for _, a := range asks {
		if _, gone := r.h.Lstat("/proc/self/net/if_inet6"); gone != nil && a.family == unix.AF_INET6 {
			continue
		}
		body := append([]byte{a.family}, a.body[1:]...)
		part, err := s.ask(ctx, a.typ, nlfDump, body)
		raw = append(raw, part...)
		errs = append(errs, err)
	}
	return raw, fault.Join(errs...)
}

func qdiscAsk() nlAsk {
	return nlAsk{unix.RTM_GETQDISC, nlAttr(make([]byte, 20), 10, nil), unix.AF_UNSPEC} // TCA_DUMP_INVISIBLE
}

// filters asks for the filters of every queueing discipline that can have some.
func (r *netReader) filters(ctx context.Context, ns netNS) ([]byte, error) {
	s, err := dialNetlink(r.h, ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	q := qdiscAsk()
	qdiscs, err := s.ask(ctx, q.typ, nlfDump, q.body)
	if err != nil {
		return nil, err
	}
	var raw []byte
	var errs []error
	parents := filterParents(qdiscs)
	if len(parents) == 0 {
		return nil, evidence.NotHere("no queueing discipline that holds filters")
	}
	for _, p := range parents {
		body := make([]byte, 20)
		binary.NativeEndian.PutUint32(body[4:], p.index)
		binary.NativeEndian.PutUint32(body[12:], p.parent)
		part, err := s.ask(ctx, unix.RTM_GETTFILTER, nlfDump, body)
		raw = append(raw, part...)
		errs = append(errs, err)
	}
	return raw, fault.Join(errs...)
}

// nsids says how the namespace numbers the others: lines "NSID INODE".
func (r *netReader) nsids(ctx context.Context, ns netNS) ([]byte, error) {
	if r.open == nil {
		return nil, evidence.Skip("more than %d network namespaces", maxNSIDs)
	}
	s, err := dialNetlink(r.h, ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var out []byte
	for i, f := range r.open {
		if f == nil {
			continue
		}
		body := nlAttr(make([]byte, 4), unix.NETNSA_FD, binary.NativeEndian.AppendUint32(nil, uint32(f.Fd())))
		raw, err := s.ask(ctx, unix.RTM_GETNSID, 0, body)
		if err != nil {
			return out, err
		}
		if id, ok := nsidOf(raw); ok {
			out = fmt.Appendf(out, "%d %d\n", id, r.spaces[i].Inode)
		}
	}
	if len(out) == 0 {
		return nil, evidence.NotHere("no other namespace has a number in this one")
	}
	return out, nil
}

// netfilter is a part that nfnetlink gives, asked only where its subsystem is
// in the kernel already.
func (r *netReader) netfilter(ns netNS, file, module string, ask func(context.Context, *nlSocket) ([]byte, error)) netPart {
	return netPart{file, "nfnetlink (" + module + ") of network namespace " + nsName(ns), func(ctx context.Context) ([]byte, error) {
		has, why := r.kernel.has(module)
		if !r.filter || !has {
			if has {
				why = "the kernel has no nfnetlink"
			}
			return nil, evidence.NotHere("%s", why)
		}
		s, err := dialNetlink(r.h, ns, unix.NETLINK_NETFILTER)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		raw, err := ask(ctx, s)
		if errors.Is(err, unix.EINVAL) && len(raw) == 0 { // nfnetlink_rcv_msg: no such subsystem
			return nil, evidence.NotHere("%s: not in this kernel: %v", module, err)
		}
		return raw, err
	}, (*netDecoder).nfnetlink}
}

// nftables asks for tables, chains, rules and sets, then for each set's elements.
func (r *netReader) nftables(ctx context.Context, s *nlSocket) ([]byte, error) {
	var raw []byte
	var sets []byte
	for _, msg := range []uint16{unix.NFT_MSG_GETTABLE, unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_GETRULE, unix.NFT_MSG_GETSET, unix.NFT_MSG_GETOBJ, unix.NFT_MSG_GETFLOWTABLE} {
		part, err := s.ask(ctx, 10<<8|msg, nlfDump, make([]byte, 4))
		raw = append(raw, part...)
		if err != nil {
			return raw, fmt.Errorf("nf_tables message %d: %w", msg, err)
		}
		if msg == unix.NFT_MSG_GETSET {
			sets = part
		}
	}
	var errs []error
	for _, set := range nftSets(sets) {
		body := nlAttr([]byte{set.family, 0, 0, 0}, 1, append([]byte(set.table), 0))
		part, err := s.ask(ctx, 10<<8|unix.NFT_MSG_GETSETELEM, nlfDump, nlAttr(body, 2, append([]byte(set.name), 0)))
		raw = append(raw, part...)
		if errors.Is(err, unix.ENOENT) {
			err = evidence.Gone("set %q is gone", set.name)
		}
		errs = append(errs, err)
	}
	return raw, fault.Join(errs...)
}

// iptables takes the tables that are there: asking for one that is not would
// make the kernel create it (net/netfilter/x_tables.c, xt_find_table_lock), so
// only names that /proc/net/*_tables_names has are asked for.
func (r *netReader) iptables(ns netNS) (raw []byte, err error) {
	var out []byte
	var tables int
	enter := r.inside(ns, func() error {
		var errs []error
		for _, f := range []xtAsk{
			{"ip", "ip_tables_names", unix.AF_INET, unix.IPPROTO_IP, 64, 5},
			{"ip6", "ip6_tables_names", unix.AF_INET6, unix.IPPROTO_IPV6, 64, 5},
			{"arp", "arp_tables_names", unix.AF_INET, unix.IPPROTO_IP, 96, 3},
		} {
			names, err := r.h.ReadFile("/proc/thread-self/net/"+f.list, 1<<16)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
			for name := range strings.FieldsSeq(string(names)) {
				tables++
				info, entries, err := f.table(name)
				errs = append(errs, err)
				if err == nil {
					out = section.Append(out, f.family+"/"+name+"/info", false, info, nil)
					out = section.Append(out, f.family+"/"+name+"/entries", false, entries, nil)
				}
			}
		}
		err = fault.Join(errs...)
		return nil
	})
	if enter == nil && err == nil && tables == 0 {
		return nil, evidence.NotHere("no table of iptables, ip6tables or arptables is loaded")
	}
	return out, fault.Join(enter, err)
}

// An xtAsk says how the tables of one family are asked for: GET_INFO is the
// socket option base, GET_ENTRIES the next.
type xtAsk struct {
	family, list        string
	domain, level, base int
	hooks               int
}

func (f xtAsk) table(name string) (info, entries []byte, err error) {
	fd, err := unix.Socket(f.domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket for %s tables: %w", f.family, err)
	}
	defer unix.Close(fd)
	info = make([]byte, 32+4+8*f.hooks+8)
	copy(info[:31], name)
	if err := getsockopt(fd, f.level, f.base, info); err != nil {
		return nil, nil, fmt.Errorf("%s table %q: %w", f.family, name, err)
	}
	size := u32at(info, len(info)-4)
	if size > 256<<20 {
		return nil, nil, evidence.Cut("%s table %q has %d bytes", f.family, name, size)
	}
	entries = make([]byte, 40+size)
	copy(entries[:31], name)
	binary.NativeEndian.PutUint32(entries[32:], size)
	if err := getsockopt(fd, f.level, f.base+1, entries); err != nil {
		return nil, nil, fmt.Errorf("%s table %q: entries: %w", f.family, name, err)
	}
	return info, entries, nil
}

func getsockopt(fd, level, option int, b []byte) error {
	n := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return os.NewSyscallError("getsockopt "+strconv.Itoa(option), errno)
	}
	return nil
}
