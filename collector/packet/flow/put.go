package flow

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// A FlowRow is one flow. What is orig and what resp is decided as Zeek does: who sent
// first began it, unless ports say that the first packet seen was an answer.
type FlowRow struct {
	ID          uint64      `json:"id"`                  // what other tables call it
	Start       string      `json:"start"`               // the first packet
	End         string      `json:"end"`                 // the last packet; of TCP the last before both sides had closed
	Duration    jsonSeconds `json:"duration"`            // seconds
	Proto       string      `json:"proto"`               // tcp, udp, icmp, icmp6, sctp, …; "ip" for what has no name here
	IPProto     uint8       `json:"ip_proto"`            // its number
	Orig        string      `json:"orig"`                // address
	OrigPort    uint16      `json:"orig_port"`           // of ICMP the type
	Resp        string      `json:"resp"`                // address
	RespPort    uint16      `json:"resp_port"`           // of ICMP the type of the answer, or the code where there is none
	VLANs       []uint16    `json:"vlans,omitempty"`     // 802.1Q identifiers of the first packet, the outer first
	Interface   string      `json:"interface,omitempty"` // of the first packet
	Service     string      `json:"service,omitempty"`   // several are joined by commas
	ServiceBy   string      `json:"service_by,omitempty"`
	OrigBytes   uint64      `json:"orig_bytes"` // payload; of TCP by sequence numbers
	RespBytes   uint64      `json:"resp_bytes"`
	OrigPackets uint64      `json:"orig_packets"`
	RespPackets uint64      `json:"resp_packets"`
	OrigIPBytes uint64      `json:"orig_ip_bytes"` // with IP headers, without what is below them
	RespIPBytes uint64      `json:"resp_ip_bytes"`
	MissedBytes uint64      `json:"missed_bytes"`      // payload of TCP that was acknowledged but is not in the capture
	State       string      `json:"conn_state"`        // Zeek's conn_state
	History     string      `json:"history,omitempty"` // Zeek's history
	Via         []string    `json:"via,omitempty"`     // the tunnels it came in: kind and ends, the outermost first
	PID         int         `json:"pid,omitempty"`     // the process of this host that it belongs to
	Exe         jsonl.Text  `json:"exe,omitempty"`
	Container   string      `json:"container,omitempty"`
	Evicted     bool        `json:"evicted,omitempty"` // there were too many flows at a time: what came after is another row
}

func appendInt(out []byte, n int64) []byte { return strconv.AppendInt(out, n, 10) }

func (t *Tables) flowRow(s *summary) FlowRow {
	last := max(s.last, s.start) // the times of packets may go back
	row := FlowRow{ID: s.id, Start: timeText(s.start), End: timeText(last), Duration: jsonSeconds(last - s.start),
		Proto: protoName(s.proto), IPProto: s.proto, Orig: s.orig.String(), OrigPort: s.origPort, Resp: s.resp.String(), RespPort: s.respPort,
		Interface: t.names[int(s.iface)], OrigBytes: s.bytes[0], RespBytes: s.bytes[1], OrigPackets: s.packets[0], RespPackets: s.packets[1],
		OrigIPBytes: s.ipBytes[0], RespIPBytes: s.ipBytes[1], MissedBytes: s.missed[0] + s.missed[1],
		State: string(s.state), History: s.history, Evicted: s.evicted}
	for _, v := range s.vlans {
		if v != 0 {
			row.VLANs = append(row.VLANs, v)
		}
	}
	row.Service, row.ServiceBy = s.service()
	for _, v := range s.via {
		row.Via = append(row.Via, v.text())
	}
	if s.owner != nil {
		row.PID, row.Exe, row.Container = s.owner.pid, jsonl.Text(s.owner.exe), s.owner.container
	}
	return row
}

// service names what the flow spoke, and how that is known.
func (s *summary) service() (name, by string) {
	if s.byContent {
		return s.services.text(), "content"
	}
	if name = portService(s.proto, s.respPort); name == "" {
		name = portService(s.proto, s.origPort)
	}
	if name != "" {
		by = "port"
	}
	return name, by
}

// Put ends all flows and puts the tables into the sink, below prefix ("network/").
// It returns only an error that to.Put returned.
func (t *Tables) Put(ctx context.Context, to evidence.Sink, prefix string) error {
	t.end()
	for _, table := range []struct {
		name string
		fill func(io.Writer) error
	}{
		{"flows", t.writeFlows},
		{"dns", t.dns.write},
		{"tls", t.tls.write},
		{"http", t.http.write},
		{"remotes", t.writeRemotes},
	} {
		item := evidence.Item{Path: prefix + table.name + ".jsonl", Source: t.opt.Source}
		if err := to.Put(ctx, item, table.fill); err != nil {
			return err
		}
	}
	return nil
}

// end ends all flows; packets that come later are not taken.
func (t *Tables) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for t.oldest != nil {
		t.finish(t.oldest)
	}
}

// writeFlows writes the flows by their beginning.
func (t *Tables) writeFlows(w io.Writer) error {
	all := make([]*summary, 0, t.kept)
	for _, chunk := range t.done {
		for i := range chunk {
			all = append(all, &chunk[i])
		}
	}
	sorting.By(all, func(a, b *summary) int {
		if a.start != b.start {
			return cmpInt(a.start, b.start)
		}
		return cmpInt(int64(a.id), int64(b.id))
	})
	out := jsonl.NewWriter(w)
	for _, s := range all {
		row := t.flowRow(s)
		if err := out.Row(&row); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return t.shortfall()
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// shortfall says what is not in the table of flows.
func (t *Tables) shortfall() error {
	var cut, part []string
	if t.cutFlows > 0 {
		cut = append(cut, fmt.Sprintf("%d flows more than there is room for", t.cutFlows))
	}
	if t.cutReads > 0 {
		cut = append(cut, fmt.Sprintf("what %d flows said in all, since they held too much", t.cutReads))
	}
	if t.faults > 0 {
		cut = append(cut, fmt.Sprintf("%d packets that could not be decoded", t.faults))
	}
	if t.undecoded > 0 {
		part = append(part, fmt.Sprintf("%d packets of a link type that is not known", t.undecoded))
	}
	if n := t.fragments.lost + uint64(len(t.fragments.waiting)); n > 0 {
		part = append(part, fmt.Sprintf("%d datagrams of which fragments are missing", n))
	}
	switch {
	case len(cut) > 0:
		return evidence.Cut("without %s", strings.Join(append(cut, part...), ", "))
	case len(part) > 0:
		return evidence.Part("without %s", strings.Join(part, ", "))
	}
	return nil
}

// Counts say how much went into the tables, for whoever shows progress.
type Counts struct {
	Packets   uint64 // given to Packet
	Flows     int    // begun so far
	Following int    // of these, not over yet
	Evicted   uint64 // ended for want of room
	Cut       uint64 // flows whose row there was no room for
	Faults    uint64 // packets on which a decoder broke
}

// Counts may be asked at any time.
func (t *Tables) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{t.packets, int(t.lastID), len(t.flows), t.evicted, t.cutFlows, t.faults}
}
