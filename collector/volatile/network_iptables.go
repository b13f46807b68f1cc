package volatile

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"hozen/collector/jsonl"
)

// IptablesTableRow is a table of legacy iptables, ip6tables or arptables that
// is loaded: kind "iptables_table".
type IptablesTableRow struct {
	netHead
	Family  string     `json:"family"` // ip, ip6 or arp
	Table   jsonl.Text `json:"table"`
	Entries uint32     `json:"entries"`
	Size    uint32     `json:"size"` // of the kernel's blob, in bytes
	Hooks   []string   `json:"hooks"`
}

// IptablesRuleRow is a rule: kind "iptables_rule". The last rule of a built-in
// chain is its policy.
type IptablesRuleRow struct {
	netHead
	Family  string       `json:"family"`
	Table   jsonl.Text   `json:"table"`
	Chain   jsonl.Text   `json:"chain"`
	Number  int          `json:"number"` // in its chain, from 1
	Policy  bool         `json:"policy,omitempty"`
	Source  string       `json:"source,omitempty"` // "! " before what is inverted
	Dest    string       `json:"dest,omitempty"`
	InLink  jsonl.Text   `json:"in_link,omitempty"`
	OutLink jsonl.Text   `json:"out_link,omitempty"`
	Proto   string       `json:"proto,omitempty"`
	Matches []XtablesExt `json:"matches,omitempty"`
	Target  XtablesExt   `json:"target"`
	Packets uint64       `json:"packets"`
	Bytes   uint64       `json:"bytes"`
}

// XtablesExt is a match or a target. Text is there where the data was
// understood, else Data has it in hex.
type XtablesExt struct {
	Name     jsonl.Text `json:"name"`
	Revision uint8      `json:"revision,omitempty"`
	Text     jsonl.Text `json:"text,omitempty"`
	Data     string     `json:"data,omitempty"`
}

// An xtLayout is where the fields of an entry lie: struct ipt_entry, ip6t_entry
// and arpt_entry of include/uapi/linux/netfilter_{ipv4,ipv6,arp}/.
type xtLayout struct {
	family                                string
	addr                                  int // length of an address; source, dest, and the two masks follow one another
	in, proto, invert, target, count, len int
	inv                                   [5]uint16
	hooks                                 []string
}

func xtLayoutOf(family string) (xtLayout, bool) {
	all := []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}
	switch family {
	case "ip": // IPT_INV_VIA_IN 1, VIA_OUT 2, SRCIP 8, DSTIP 0x10, PROTO 0x40
		return xtLayout{family: family, addr: 4, in: 16, proto: 80, invert: 83, target: 88, count: 96, len: 112, inv: [5]uint16{1, 2, 8, 0x10, 0x40}, hooks: all}, true
	case "ip6":
		return xtLayout{family: family, addr: 16, in: 64, proto: 128, invert: 132, target: 140, count: 152, len: 168, inv: [5]uint16{1, 2, 8, 0x10, 0x40}, hooks: all}, true
	case "arp": // ARPT_INV_VIA_IN 1, VIA_OUT 2, SRCIP 4, TGTIP 8
		return xtLayout{family: family, addr: 4, in: 94, proto: -1, invert: 160, target: 164, count: 176, len: 192, inv: [5]uint16{1, 2, 4, 8, 0}, hooks: []string{"INPUT", "OUTPUT", "FORWARD"}}, true
	}
	return xtLayout{}, false
}

var errXtables = errors.New("iptables table: lengths lie")

// An xtTable is the answer to IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES.
type xtTable struct {
	xtLayout
	name                 jsonl.Text
	validHooks           uint32
	hookEntry, underflow []uint32
	entries, size        uint32
	blob                 []byte
	chains               map[int]jsonl.Text // by the offset of a chain's first rule
}

// parseXtables reads struct ipt_getinfo and struct ipt_get_entries.
func parseXtables(family string, info, entries []byte) (*xtTable, error) {
	l, ok := xtLayoutOf(family)
	if !ok {
		return nil, fmt.Errorf("iptables family %q: unknown", family)
	}
	n := 5 // NF_INET_NUMHOOKS
	if family == "arp" {
		n = 3 // NF_ARP_NUMHOOKS
	}
	if len(info) < 36+8*n+8 || len(entries) < 40 {
		return nil, errXtables
	}
	t := &xtTable{xtLayout: l, name: cText(info[:32]), validHooks: u32at(info, 32), chains: map[int]jsonl.Text{},
		entries: u32at(info, 36+8*n), size: u32at(info, 40+8*n), blob: entries[40:]} // entries are aligned to 8
	for i := range n {
		t.hookEntry = append(t.hookEntry, u32at(info, 36+4*i))
		t.underflow = append(t.underflow, u32at(info, 36+4*n+4*i))
	}
	return t, t.nameChains()
}

// each calls f for each entry with its offset; it stops where lengths lie.
func (t *xtTable) each(f func(at int, e []byte, target int)) error {
	for at := 0; at < len(t.blob); {
		e := t.blob[at:]
		if len(e) < t.len {
			return errXtables
		}
		target, next := int(u16at(e, t.target)), int(u16at(e, t.target+2))
		if target < t.len || next < target+32 || next > len(e) {
			return errXtables
		}
		f(at, e[:next], target)
		at += next
	}
	return nil
}

// nameChains finds the first rule of each chain: the built-in ones from the
// hooks, the user's own behind their ERROR entry, which holds the name.
func (t *xtTable) nameChains() error {
	for i, at := range t.hookEntry {
		if t.validHooks>>i&1 == 1 {
			t.chains[int(at)] = jsonl.Text(t.hooks[i])
		}
	}
	return t.each(func(at int, e []byte, target int) {
		if string(cText(e[target+2:target+31])) == "ERROR" && at+len(e) < len(t.blob) {
			t.chains[at+len(e)] = cText(e[target+32:])
		}
	})
}

// xtables decodes one table into rows.
func (d *netDecoder) xtables(family string, info, entries []byte) {
	t, err := parseXtables(family, info, entries)
	if t == nil {
		d.tally.Add("iptables", err)
		return
	}
	row := IptablesTableRow{netHead: d.head("iptables_table"), Family: family, Table: t.name, Entries: t.entries, Size: t.size}
	for i := range t.hookEntry {
		if t.validHooks>>i&1 == 1 {
			row.Hooks = append(row.Hooks, t.hooks[i])
		}
	}
	d.row(&row)
	var chain jsonl.Text
	number := 0
	err = t.each(func(at int, e []byte, target int) {
		if name, ok := t.chains[at]; ok {
			chain, number = name, 0
		}
		if string(cText(e[target+2:target+31])) == "ERROR" {
			return
		}
		number++
		r := t.rule(at, e, target)
		r.netHead, r.Chain, r.Number = d.head("iptables_rule"), chain, number
		d.row(&r)
	})
	d.tally.Add("iptables "+family+" "+string(t.name), err)
}

func (t *xtTable) rule(at int, e []byte, target int) IptablesRuleRow {
	inv := uint16(e[t.invert])
	if t.family == "arp" {
		inv = u16at(e, t.invert)
	}
	not := func(i int, s string) string {
		if s != "" && inv&t.inv[i] != 0 {
			return "! " + s
		}
		return s
	}
	a := t.addr
	r := IptablesRuleRow{Family: t.family, Table: t.name, Packets: u64at(e, t.count), Bytes: u64at(e, t.count+8),
		InLink:  jsonl.Text(not(0, xtLink(e[t.in:], e[t.in+32:]))),
		OutLink: jsonl.Text(not(1, xtLink(e[t.in+16:], e[t.in+48:]))),
		Source:  not(2, xtAddress(e[:a], e[2*a:3*a])), Dest: not(3, xtAddress(e[a:2*a], e[3*a:4*a]))}
	if t.proto >= 0 && u16at(e, t.proto) != 0 {
		r.Proto = not(4, nth(uint64(u16at(e, t.proto)), "", "icmp", "", "", "", "", "tcp", "", "", "", "", "", "", "", "", "", "", "udp"))
	}
	for i, u := range t.underflow {
		r.Policy = r.Policy || t.validHooks>>i&1 == 1 && int(u) == at
	}
	for b := e[t.len:target]; len(b) >= 32; {
		n := int(u16at(b, 0))
		if n < 32 || n > len(b) {
			break
		}
		r.Matches = append(r.Matches, xtMatch(b[:n]))
		b = b[n:]
	}
	r.Target = t.targetOf(at, e, target)
	return r
}

func xtAddress(addr, mask []byte) string {
	for _, m := range mask {
		if m != 0 {
			return maskedAddress(addr, mask)
		}
	}
	return ""
}

// xtLink gives an interface's name; a mask that does not cover the closing NUL
// means every name that begins so, which iptables(8) writes with a plus.
func xtLink(name, mask []byte) string {
	s := string(cText(name[:16]))
	if len(s) < 16 && mask[len(s)] == 0 && (s != "" || mask[0] != 0) {
		return s + "+"
	}
	return s
}

// xtMatch reads struct xt_entry_match: size, name, revision, data.
func xtMatch(b []byte) XtablesExt {
	x := XtablesExt{Name: cText(b[2:31]), Revision: b[31]}
	data := b[32:]
	switch name := string(x.Name); {
	case name == "comment":
		x.Text = cText(data)
	case (name == "tcp" || name == "udp") && len(data) >= 8:
		x.Text = jsonl.Text("sports=" + xtPorts(data) + " dports=" + xtPorts(data[4:]))
	default:
		x.Data = hex.EncodeToString(data)
	}
	return x
}

// xtPorts reads the first fields of struct xt_tcp and xt_udp: a range, in host order.
func xtPorts(b []byte) string {
	return strconv.Itoa(int(u16at(b, 0))) + "-" + strconv.Itoa(int(u16at(b, 2)))
}

// targetOf reads struct xt_entry_target. The standard target has no name: its
// number is a verdict (negative) or the offset of the chain to go to.
func (t *xtTable) targetOf(at int, e []byte, target int) XtablesExt {
	b := e[target:]
	x := XtablesExt{Name: cText(b[2:31]), Revision: b[31]}
	if x.Name != "" {
		x.Data = hex.EncodeToString(b[32:])
		return x
	}
	v := int32(u32at(b, 32))
	switch {
	case v == -1:
		x.Name = "DROP"
	case v == -2:
		x.Name = "ACCEPT"
	case v == -4:
		x.Name = "QUEUE"
	case v == -5:
		x.Name = "RETURN"
	case int(v) == at+len(e):
		x.Name = "continue"
	default:
		x.Name, x.Text = "jump", t.chains[int(v)]
	}
	return x
}
