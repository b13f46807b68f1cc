package indicators

import (
	"fmt"
	"slices"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/volatile"
)

// part is the member of the archive that has the raw answer of a namespace.
func (v *netView) part(netns uint64, file string) []string {
	return []string{fmt.Sprintf("%s/%d/%s", v.folder, netns, file)}
}

// promiscuous reports links that take every frame. What a packet socket wants is
// counted without showing the flag.
func (v *netView) promiscuous() (out []finding) {
	for i := range v.links.Links {
		l := &v.links.Links[i]
		if !l.Promisc && l.Promiscuity == 0 {
			continue
		}
		f := finding{id: "net-promiscuous", object: fmt.Sprintf("link %s of network namespace %d", l.Name, l.NetNS), evidence: v.part(l.NetNS, "link.nl"),
			seen: fmt.Sprintf("link %s takes frames that are not for it: promiscuity %d, flag PROMISC %v", l.Name, l.Promiscuity, l.Promisc)}
		if l.Promiscuity > 0 && !l.Promisc {
			f.views = []memory.View{{Source: "flags, as ip and ifconfig show them", Says: "not PROMISC"}, {Source: "IFLA_PROMISCUITY", Says: jsonl.Text(fmt.Sprint(l.Promiscuity))}}
		}
		f.explained = v.whyPromiscuous(l)
		out = append(out, f)
	}
	return out
}

// whyPromiscuous names what needs it: the master of a port, or a link on top.
func (v *netView) whyPromiscuous(l *volatile.LinkRow) string {
	if slices.Contains([]string{"bridge", "bond", "team", "openvswitch", "ovs-datapath"}, string(l.SlaveKind)) {
		return "it is a port of a " + string(l.SlaveKind)
	}
	for i := range v.links.Links {
		m := &v.links.Links[i]
		if m.NetNS == l.NetNS && l.Master != 0 && m.Index == int32(l.Master) && m.InfoKind != "vrf" {
			return fmt.Sprintf("it is a port of %s (%s)", m.Name, m.InfoKind)
		}
		if slices.Contains([]string{"macvlan", "macvtap", "ipvlan"}, string(m.InfoKind)) && m.Link == uint32(l.Index) && (m.LinkNetNSID == nil && m.NetNS == l.NetNS || m.LinkNetNS == l.NetNS) {
			return fmt.Sprintf("%s (%s) lies on it", m.Name, m.InfoKind)
		}
	}
	if l.InfoKind == "openvswitch" || l.Name == "ovs-system" {
		return "it is of a virtual switch"
	}
	return ""
}

// programs are what was found of eBPF programs, by id.
type programs map[uint32]finding

// xdp reports the programs at the doors of links.
func (v *netView) xdp(known programs) (out []finding) {
	for i := range v.links.Links {
		l := &v.links.Links[i]
		for _, x := range l.XDP {
			f := finding{id: "net-xdp", object: fmt.Sprintf("link %s of network namespace %d, program %d", l.Name, l.NetNS, x.ProgramID), evidence: v.part(l.NetNS, "link.nl"),
				seen: fmt.Sprintf("eBPF program %d sees the packets of link %s first (XDP, %s)", x.ProgramID, l.Name, x.Mode)}
			known.explain(&f, x.ProgramID)
			out = append(out, f)
		}
	}
	return out
}

// tc reports filters of traffic control that run programs.
func (v *netView) tc(known programs) (out []finding) {
	for i := range v.links.Filters {
		t := &v.links.Filters[i]
		if t.ProgramID == 0 && t.Instructs == 0 {
			continue
		}
		f := finding{id: "net-tc", object: fmt.Sprintf("link %s of network namespace %d, %s, program %d", t.Link, t.NetNS, t.Parent, t.ProgramID), evidence: v.part(t.NetNS, "filter.nl"),
			seen: fmt.Sprintf("a filter at %s of link %s runs program %d %q", t.Parent, t.Link, t.ProgramID, t.ProgramName)}
		if t.Direct {
			f.seen += ", which decides by itself what becomes of a packet"
		}
		if t.ProgramID != 0 {
			known.explain(&f, t.ProgramID)
		}
		out = append(out, f)
	}
	return out
}

// explain takes over what is known of the program.
func (p programs) explain(f *finding, id uint32) {
	if p == nil {
		return // eBPF could not be asked
	}
	of, ok := p[id]
	if !ok {
		f.level = memory.High
		f.seen += "; the kernel's list of programs does not have it"
		f.views = []memory.View{{Source: "netlink", Says: jsonl.Text(fmt.Sprintf("program %d", id))}, {Source: "BPF_PROG_GET_NEXT_ID", Says: "no such program"}}
		return
	}
	f.explained = of.explained
	f.seen += "; " + of.seen
	if of.level == memory.High {
		f.level = memory.High
	}
}
