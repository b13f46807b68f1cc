package volatile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/section"
)

// MulticastRow is a multicast group that the host listens to: kind "multicast".
type MulticastRow struct {
	netHead
	Index   uint32     `json:"index"`
	Link    jsonl.Text `json:"link"`
	Family  string     `json:"family"` // inet, inet6 or link
	Address string     `json:"address"`
	Users   int        `json:"users"`
}

// procNet makes rows of the texts of /proc/net. Where netlink has told links,
// addresses and routes already, and better, only multicast rows.
func (d *netDecoder) procNet(raw []byte) {
	sections, err := section.Parse(string(raw))
	if err != nil {
		d.bad("sections of /proc/net", len(raw))
	}
	told := len(d.links) > 0
	for _, s := range sections {
		text := s.Data
		switch s.Name {
		case "/proc/net/igmp":
			d.eachLine(text, 1, parseIGMP(d))
		case "/proc/net/igmp6":
			d.eachLine(text, 0, d.igmp6Line)
		case "/proc/net/dev_mcast":
			d.eachLine(text, 0, d.devMcastLine)
		}
		if told {
			continue
		}
		switch s.Name {
		case "/proc/net/dev":
			d.eachLine(text, 2, d.devLine)
		case "/proc/net/arp":
			d.eachLine(text, 1, d.arpLine)
		case "/proc/net/route":
			d.eachLine(text, 1, d.routeLine)
		case "/proc/net/if_inet6":
			d.eachLine(text, 0, d.inet6Line)
		case "/proc/net/ipv6_route":
			d.eachLine(text, 0, d.route6Line)
		}
	}
}

// eachLine calls f with the fields of each line behind the header; f says
// whether it understood.
func (d *netDecoder) eachLine(text string, header int, f func(fields []string) bool) {
	for line := range strings.Lines(text) {
		if header--; header >= 0 {
			continue
		}
		if fields := strings.Fields(line); len(fields) > 0 && !f(fields) {
			d.tally.Add("/proc/net", fmt.Errorf("line %q: not understood", proc.Clip(line)))
		}
	}
}

// parseIGMP reads /proc/net/igmp: a line for a link, "2 eth0 : 1 V3", then one
// for each group, its address as the kernel's number in hex.
func parseIGMP(d *netDecoder) func([]string) bool {
	r := MulticastRow{netHead: d.head("multicast"), Family: "inet"}
	return func(f []string) bool {
		if slices.Contains(f, ":") || strings.HasSuffix(f[min(1, len(f)-1)], ":") {
			n, err := strconv.ParseUint(f[0], 10, 32)
			if err != nil || len(f) < 2 {
				return false
			}
			r.Index, r.Link = uint32(n), jsonl.Text(strings.TrimSuffix(f[1], ":"))
			return true
		}
		if len(f) < 2 {
			return false
		}
		a, ok := kernelIPv4(f[0])
		if !ok {
			return false
		}
		row := r
		row.Address = a
		row.Users, _ = strconv.Atoi(f[1])
		d.row(&row)
		return true
	}
}

// igmp6Line reads "1 lo ff02… 1 0000000C 0".
func (d *netDecoder) igmp6Line(f []string) bool {
	if len(f) < 4 {
		return false
	}
	return d.multicastLine(f[0], f[1], f[3], "inet6", hexIP(f[2]))
}

// devMcastLine reads "2 eth0 1 0 333300000001".
func (d *netDecoder) devMcastLine(f []string) bool {
	if len(f) < 5 {
		return false
	}
	b, err := hex.DecodeString(f[4])
	return err == nil && d.multicastLine(f[0], f[1], f[2], "link", hardwareAddress(b))
}

func (d *netDecoder) multicastLine(index, link, users, family, address string) bool {
	n, err := strconv.ParseUint(index, 10, 32)
	if err != nil || address == "" {
		return false
	}
	r := MulticastRow{netHead: d.head("multicast"), Index: uint32(n), Link: jsonl.Text(link), Family: family, Address: address}
	r.Users, _ = strconv.Atoi(users)
	d.row(&r)
	return true
}

// devLine reads a line of /proc/net/dev: eight counters received, eight sent.
func (d *netDecoder) devLine(f []string) bool {
	line := strings.Join(f, " ")
	at := strings.LastIndexByte(line, ':') // counters may stick to the colon
	if at < 0 {
		return false
	}
	var n [16]uint64
	counters := strings.Fields(line[at+1:])
	if len(counters) != len(n) {
		return false
	}
	for i, c := range counters {
		var err error
		if n[i], err = strconv.ParseUint(c, 10, 64); err != nil {
			return false
		}
	}
	d.row(&LinkRow{netHead: d.head("link"), Name: jsonl.Text(line[:at]), Flags: []string{}, OperState: "unknown", Type: "unknown",
		Stats: &LinkStats{RxBytes: n[0], RxPackets: n[1], RxErrors: n[2], RxDropped: n[3], Multicast: n[7],
			TxBytes: n[8], TxPackets: n[9], TxErrors: n[10], TxDropped: n[11], Collisions: n[13]}})
	return true
}

// arpLine reads "192.0.2.7 0x1 0x6 02:00:00:00:00:07 * eth0"; flags are ATF_COM
// 2, ATF_PERM 4 and ATF_PUBL 8 (arp(7)).
func (d *netDecoder) arpLine(f []string) bool {
	if len(f) != 6 {
		return false
	}
	flags, err := strconv.ParseUint(f[2], 0, 16)
	if err != nil {
		return false
	}
	d.row(&NeighbourRow{netHead: d.head("neighbour"), Link: jsonl.Text(f[5]), Family: "inet", Address: f[0], MAC: f[3],
		State: bitNames(flags, "", "complete", "permanent", "published")})
	return true
}

// routeLine reads a line of /proc/net/route: link, destination, gateway, flags,
// reference count, use, metric, mask, … with addresses as the kernel's numbers in hex.
func (d *netDecoder) routeLine(f []string) bool {
	if len(f) < 8 {
		return false
	}
	dst, ok1 := kernelIPv4(f[1])
	gateway, ok2 := kernelIPv4(f[2])
	mask, ok3 := kernelIPv4(f[7])
	metric, err := strconv.ParseUint(f[6], 10, 32)
	if !ok1 || !ok2 || !ok3 || err != nil {
		return false
	}
	to := maskedAddress(netip.MustParseAddr(dst).AsSlice(), netip.MustParseAddr(mask).AsSlice())
	r := RouteRow{netHead: d.head("route"), Family: "inet", Table: 254, Type: "unicast", To: to,
		Link: jsonl.Text(f[0]), Metric: uint32(metric)}
	if gateway != "0.0.0.0" {
		r.Gateway = gateway
	}
	d.row(&r)
	return true
}

// kernelIPv4 reads an address that the kernel printed with %08X as it lies in
// memory: in the byte order of the machine, which was little-endian.
func kernelIPv4(s string) (string, bool) {
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 8 {
		return "", false
	}
	return ipText(binary.LittleEndian.AppendUint32(nil, uint32(n))), true
}

func hexIP(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 16 {
		return ""
	}
	return ipText(b)
}

// inet6Line reads "fe80… 02 40 20 80 eth0": address, index, prefix, scope, flags, link.
func (d *netDecoder) inet6Line(f []string) bool {
	if len(f) != 6 || hexIP(f[0]) == "" {
		return false
	}
	var n [4]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(f[i+1], 16, 16); err != nil {
			return false
		}
	}
	scope := map[uint64]string{0: "global", 0x10: "host", 0x20: "link", 0x40: "site"}[n[2]] // IPV6_ADDR_… of net/ipv6.h
	d.row(&AddressRow{netHead: d.head("address"), Index: uint32(n[0]), Link: jsonl.Text(f[5]), Family: "inet6",
		Address: hexIP(f[0]), PrefixLen: uint8(n[1]), Scope: scope, Flags: bitNames(n[3], "temporary", "nodad", "optimistic",
			"dadfailed", "homeaddress", "deprecated", "tentative", "permanent")})
	return true
}

// route6Line reads a line of /proc/net/ipv6_route: destination and prefix,
// source and prefix, gateway, metric, reference count, use, flags, link; all in hex.
func (d *netDecoder) route6Line(f []string) bool {
	if len(f) != 10 {
		return false
	}
	bits, err1 := strconv.ParseUint(f[1], 16, 8)
	metric, err2 := strconv.ParseUint(f[5], 16, 32)
	dst, gateway := hexIP(f[0]), hexIP(f[4])
	if err1 != nil || err2 != nil || dst == "" || gateway == "" {
		return false
	}
	r := RouteRow{netHead: d.head("route"), Family: "inet6", Type: "unicast", To: dst + "/" + strconv.FormatUint(bits, 10),
		Link: jsonl.Text(f[9]), Metric: uint32(metric)}
	if gateway != "::" {
		r.Gateway = gateway
	}
	d.row(&r)
	return true
}
