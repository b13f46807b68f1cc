package volatile

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// conntrackTextPart takes the text of connection tracking.
func conntrackTextPart(h *collector.Host, name string) netPart {
	return netPart{"nf_conntrack.txt", name, func(context.Context) ([]byte, error) {
		b, err := h.ReadFile(name, maxProcNet)
		if errors.Is(err, collector.ErrTooLong) {
			err = evidence.Cut("%v", err)
		}
		return b, err
	}, (*netDecoder).conntrackText}
}

// nsidOf reads the answer to RTM_GETNSID (include/uapi/linux/net_namespace.h): a
// message RTM_NEWNSID, 88, whose attribute NETNSA_NSID, 1, is -1 where the
// namespace has no number.
func nsidOf(raw []byte) (id int32, ok bool) {
	m, _, found := nextMessage(raw)
	if !found || m.Type != 88 || len(m.Body) <= 4 {
		return 0, false
	}
	eachAttr(m.Body[4:], func(t uint16, v []byte) {
		if n := int32(u32at(v, 0)); t == 1 && len(v) >= 4 && n >= 0 {
			id, ok = n, true
		}
	})
	return id, ok
}

// nsids reads lines "NSID INODE": how this namespace numbers the others.
func (d *netDecoder) nsids(raw []byte) {
	for line := range strings.Lines(string(raw)) {
		id, inode, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		i, err1 := strconv.ParseInt(id, 10, 32)
		n, err2 := strconv.ParseUint(inode, 10, 64)
		if err1 == nil && err2 == nil {
			d.peers[int32(i)] = n
		}
	}
}

// xtablesSections decodes sections "FAMILY/TABLE/info", "FAMILY/TABLE/entries".
func (d *netDecoder) xtablesSections(raw []byte) {
	var info []byte
	sections, err := section.Parse(string(raw))
	if err != nil {
		d.bad("sections of iptables", len(raw))
	}
	for _, s := range sections {
		family, _, _ := strings.Cut(s.Name, "/")
		switch {
		case strings.HasSuffix(s.Name, "/info"):
			info = []byte(s.Data)
		case strings.HasSuffix(s.Name, "/entries"):
			d.xtables(family, info, []byte(s.Data))
		}
	}
}

// A filterParent is a place where traffic control filters can hang.
type filterParent struct{ index, parent uint32 }

// filterParents finds them in a dump of queueing disciplines: both sides of
// clsact and ingress, and every discipline that has a handle of its own.
func filterParents(qdiscs []byte) (out []filterParent) {
	for len(qdiscs) > 0 {
		m, rest, ok := nextMessage(qdiscs)
		if !ok {
			return out
		}
		qdiscs = rest
		if m.Type != 36 || len(m.Body) < 20 { // RTM_NEWQDISC
			continue
		}
		index, handle := u32at(m.Body, 4), u32at(m.Body, 8)
		switch {
		case handle == 0xffff0000: // ingress and clsact: TC_H_MIN_INGRESS, TC_H_MIN_EGRESS
			out = append(out, filterParent{index, 0xfffffff2}, filterParent{index, 0xfffffff3})
		case handle != 0:
			out = append(out, filterParent{index, handle})
		}
	}
	return out
}

// A nftSetName is what NFT_MSG_GETSETELEM has to be told.
type nftSetName struct {
	family      byte
	table, name string
}

// nftSets lists the sets in a dump of them.
func nftSets(raw []byte) (out []nftSetName) {
	for len(raw) > 0 {
		m, rest, ok := nextMessage(raw)
		if !ok {
			return out
		}
		raw = rest
		if m.Type != 10<<8|9 || len(m.Body) < 4 { // NFT_MSG_NEWSET
			continue
		}
		s := nftSetName{family: m.Body[0]}
		eachAttr(m.Body[4:], func(t uint16, v []byte) {
			switch t {
			case 1:
				s.table = string(cText(v))
			case 2:
				s.name = string(cText(v))
			}
		})
		out = append(out, s)
	}
	return out
}
