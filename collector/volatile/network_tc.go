package volatile

import (
	"fmt"

	"hozen/collector/jsonl"
)

// QdiscRow is a queueing discipline: kind "qdisc". See tc(8), struct tcmsg in
// rtnetlink(7).
type QdiscRow struct {
	netHead
	Index      uint32     `json:"index"`
	Link       jsonl.Text `json:"link"`
	Discipline jsonl.Text `json:"discipline"`
	Handle     string     `json:"handle"` // major:minor in hex
	Parent     string     `json:"parent"` // root, ingress, or a handle
}

// FilterRow is a traffic control filter: kind "filter". A bpf filter is a place
// where a rootkit reads or answers packets.
type FilterRow struct {
	netHead
	Index       uint32     `json:"index"`
	Link        jsonl.Text `json:"link"`
	Parent      string     `json:"parent"`
	Chain       uint32     `json:"chain,omitempty"`
	Protocol    uint16     `json:"protocol"` // EtherType
	Preference  uint16     `json:"preference"`
	Handle      uint32     `json:"handle,omitempty"`
	Discipline  jsonl.Text `json:"discipline"`
	ProgramID   uint32     `json:"program_id,omitempty"`
	ProgramName jsonl.Text `json:"program_name,omitempty"`
	ProgramTag  string     `json:"program_tag,omitempty"`
	Direct      bool       `json:"direct_action,omitempty"`
	Instructs   int        `json:"instructions,omitempty"` // of a classic BPF filter
}

func (d *netDecoder) qdisc(b []byte) {
	if len(b) < 20 {
		d.bad("qdisc", len(b))
		return
	}
	r := QdiscRow{netHead: d.head("qdisc"), Index: u32at(b, 4), Handle: tcHandle(u32at(b, 8)), Parent: tcHandle(u32at(b, 12))}
	r.Link = d.links[r.Index]
	eachAttr(b[20:], func(t uint16, v []byte) {
		if t == 1 { // TCA_KIND
			r.Discipline = cText(v)
		}
	})
	d.row(&r)
}

// tcHandle names the special parents of include/uapi/linux/pkt_sched.h.
func tcHandle(n uint32) string {
	switch n {
	case 0:
		return "none"
	case 0xffffffff:
		return "root"
	case 0xfffffff1:
		return "clsact"
	case 0xfffffff2:
		return "ingress"
	case 0xfffffff3:
		return "egress"
	}
	return fmt.Sprintf("%x:%x", n>>16, n&0xffff)
}

func (d *netDecoder) filter(b []byte) {
	if len(b) < 20 {
		d.bad("filter", len(b))
		return
	}
	info := u32at(b, 16) // priority in the high half, EtherType in network order in the low
	r := FilterRow{netHead: d.head("filter"), Index: u32at(b, 4), Handle: u32at(b, 8), Parent: tcHandle(u32at(b, 12)),
		Preference: uint16(info >> 16), Protocol: uint16(info)<<8 | uint16(info)>>8}
	r.Link = d.links[r.Index]
	var options []byte
	eachAttr(b[20:], func(t uint16, v []byte) {
		switch t {
		case 1: // TCA_KIND
			r.Discipline = cText(v)
		case 2: // TCA_OPTIONS
			options = v
		case 11: // TCA_CHAIN
			r.Chain = u32at(v, 0)
		}
	})
	if r.Discipline == "bpf" {
		eachAttr(options, func(t uint16, v []byte) { r.bpf(t, v) })
	}
	d.row(&r)
}

// bpf takes the TCA_BPF_ attributes of pkt_cls.h.
func (r *FilterRow) bpf(t uint16, v []byte) {
	switch t {
	case 4: // TCA_BPF_OPS_LEN
		r.Instructs = int(u16at(v, 0))
	case 7: // TCA_BPF_NAME
		r.ProgramName = cText(v)
	case 8: // TCA_BPF_FLAGS; TCA_BPF_FLAG_ACT_DIRECT is bit 0
		r.Direct = u32at(v, 0)&1 != 0
	case 10: // TCA_BPF_TAG
		r.ProgramTag = fmt.Sprintf("%x", v)
	case 11: // TCA_BPF_ID
		r.ProgramID = u32at(v, 0)
	}
}
