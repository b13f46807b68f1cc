package volatile

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/section"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Network is the collector "network": what every network namespace is connected
// to, by which way, and through which filter; and the files from which names,
// addresses and wireless networks are configured.
//
// For each namespace N (its inode) there are raw items
// "volatile/network/N/WHAT.nl", netlink messages exactly as the kernel sent
// them, "volatile/network/N/iptables.bin" and "volatile/network/N/proc_net.txt",
// texts in sections ("nf_conntrack.txt" only where netlink cannot tell). Files lie
// below "volatile/network/files". The one table "volatile/network.jsonl" has rows
// of many forms, told apart by their kind:
//
//	link address neighbour fdb route rule nexthop qdisc filter multicast
//	nft_table nft_chain nft_rule nft_set nft_element
//	iptables_table iptables_rule ipset ipset_entry conntrack
//	resolver host_entry wireless connection lease proxy
//
// Files with passphrases are taken as they are; rows say that there is a secret,
// never which.
//
// Namespaces that the lookout knows from moments ago are not searched for again;
// nil always searches.
func Network(l *Lookout) collector.Collector {
	return collector.Collector{
		Name: "network", Doc: "links, addresses, neighbours, routes, firewall, conntrack, resolver, saved wireless networks",
		Volatility: collector.Live,
		Limit:      collector.Limit{Time: 60 * time.Second},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectNetwork(ctx, h, to, l)
		},
	}
}

// A netPart is one raw item of a namespace, and the way to its rows.
type netPart struct {
	file   string // in the folder of the namespace
	source string
	read   func(ctx context.Context) ([]byte, error)
	decode func(d *netDecoder, raw []byte)
}

// A netRaw is what was read of one part.
type netRaw struct {
	part netPart
	raw  []byte
}

func collectNetwork(ctx context.Context, h *collector.Host, to evidence.Sink, l *Lookout) error {
	spaces, tally := l.namespaces(ctx, h)
	reader := newNetReader(h, spaces)
	defer reader.Close()
	taken := make([][]netRaw, len(spaces))
	for i, ns := range spaces {
		if ctx.Err() != nil {
			tally.Add("network namespace "+nsName(ns), context.Cause(ctx))
			continue
		}
		for _, p := range reader.parts(ns) {
			raw, err := putNetPart(ctx, to, ns, p)
			if err != nil {
				return err
			}
			taken[i] = append(taken[i], netRaw{p, raw})
		}
	}
	files, err := putNetFiles(ctx, h, to, tally)
	if err != nil {
		return err
	}
	item := evidence.Item{Path: "volatile/network.jsonl", Source: "the raw items below volatile/network"}
	return to.Put(ctx, item, asked(h, func(w io.Writer) error {
		return writeNetTable(ctx, w, spaces, taken, files, tally)
	}))
}

// nsName is the folder of a namespace.
func nsName(ns netNS) string {
	if ns.Inode == 0 {
		return "own"
	}
	return strconv.FormatUint(ns.Inode, 10)
}

// putNetPart puts one raw item and gives its bytes. They come through a channel,
// for a fill that hangs is left behind and may go on.
func putNetPart(ctx context.Context, to evidence.Sink, ns netNS, p netPart) ([]byte, error) {
	kept := make(chan []byte, 1)
	item := evidence.Item{Path: "volatile/network/" + nsName(ns) + "/" + p.file, Source: p.source}
	err := to.Put(ctx, item, func(w io.Writer) error {
		raw, err := p.read(ctx)
		kept <- raw
		if len(raw) == 0 {
			return err
		}
		_, werr := w.Write(raw)
		return fault.Join(werr, err)
	})
	select {
	case raw := <-kept:
		return raw, err
	default:
		return nil, err
	}
}

func writeNetTable(ctx context.Context, w io.Writer, spaces []netNS, taken [][]netRaw, files []netFile, tally *evidence.Tally) error {
	out := jsonl.NewWriter(w)
	var bad error
	row := func(r any) {
		if bad == nil {
			bad = out.Row(r)
		}
	}
	for i, ns := range spaces {
		d := newNetDecoder(ns.Inode, tally, row)
		for _, t := range taken[i] {
			if ctx.Err() != nil {
				tally.Add("rows of "+t.part.source, context.Cause(ctx))
				continue
			}
			if t.part.decode != nil {
				t.part.decode(d, t.raw)
			}
		}
	}
	for _, f := range files {
		f.rows(row, tally)
	}
	return fault.Join(bad, out.Flush(), tally.Err())
}

// procNetNames are the texts of /proc/net that are kept, where they are there:
// the second view of what netlink says (proc_pid_net(5)).
func procNetNames() []string {
	return []string{"dev", "arp", "route", "ipv6_route", "if_inet6", "fib_trie", "rt_cache", "wireless",
		"igmp", "igmp6", "dev_mcast", "mcfilter", "mcfilter6", "ip_mr_vif", "ip6_mr_vif", "ip_mr_cache", "ip6_mr_cache",
		"ip_tables_names", "ip6_tables_names", "arp_tables_names", "nf_conntrack_expect"}
}

// readProcNet reads the texts of one namespace into sections. Absent ones are
// left out; if none is there, the error says so.
func readProcNet(h *collector.Host, dir string) ([]byte, error) {
	var tally evidence.Tally
	var out []byte
	var absent error
	for _, name := range procNetNames() {
		body, err := h.ReadFile(dir+"/"+name, maxProcNet)
		if errors.Is(err, collector.ErrTooLong) {
			err = evidence.Cut("%v", err)
		}
		tally.Add(name, err)
		if err != nil && len(body) == 0 {
			absent = err
			continue
		}
		out = section.Append(out, "/proc/net/"+name, false, body, err)
	}
	if len(out) == 0 {
		return nil, absent
	}
	return out, tally.Err()
}
