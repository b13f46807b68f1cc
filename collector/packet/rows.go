package packet

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"time"

	"hozen/collector/jsonl"
	"hozen/collector/packet/pcapng"
	"hozen/packager/evidence"
)

// A CaptureRow is the first row of network/capture.jsonl: the capture as a whole.
type CaptureRow struct {
	Kind string `json:"kind"` // capture
	// Source is what packets were taken from, Limits what of the traffic it cannot give.
	Source  jsonl.Text `json:"source"`
	Limits  []string   `json:"limits,omitempty"`
	Began   string     `json:"began"`
	Ended   string     `json:"ended"`
	Why     jsonl.Text `json:"ended_because"`
	Filter  jsonl.Text `json:"filter,omitempty"`
	Snaplen int        `json:"snaplen"` // bytes of each frame that are taken at most
	Files   int        `json:"files"`   // capture-000001.pcapng to this number
	Size    int64      `json:"size"`    // bytes of them all
	Packets uint64     `json:"packets"` // in them
	Lost    uint64     `json:"lost"`    // passed the filter and are not in them
	// FlowsCommented counts flows whose process is named in a comment, once for each interface.
	FlowsCommented int `json:"flows_commented"`
	// SocketReads and SocketReadMS say how often the tables of sockets were read for that, and how long it took.
	SocketReads  int   `json:"socket_reads"`
	SocketReadMS int64 `json:"socket_read_ms"`
}

// An InterfaceRow is one interface that was listened to, or could not be. One
// that went down and came up again has a row for each time.
type InterfaceRow struct {
	Kind      string     `json:"kind"` // interface
	Interface jsonl.Text `json:"interface"`
	// ID is its number in every section of the pcapng files; left out where it was not listened to.
	ID       *uint32    `json:"id,omitempty"`
	Index    int        `json:"ifindex,omitzero"`
	LinkType string     `json:"link_type,omitempty"` // ethernet, raw, linux_sll2: how frames are written
	Hardware uint16     `json:"arphrd,omitzero"`     // the kernel's type, include/uapi/linux/if_arp.h
	MAC      string     `json:"mac,omitempty"`
	Began    string     `json:"began,omitempty"`
	Ended    string     `json:"ended,omitempty"`
	Why      jsonl.Text `json:"ended_because,omitempty"`
	Error    jsonl.Text `json:"error,omitempty"` // why it was not listened to
	Packets  uint64     `json:"packets"`         // taken
	Bytes    uint64     `json:"bytes"`           // taken of them
	Wire     uint64     `json:"wire_bytes"`      // their length on the wire
	Accepted uint64     `json:"accepted"`        // passed the filter, as the kernel counted, lost ones included
	// LostKernel were lost because our ring was full, RingFull says how often it was,
	// LostHozen were read after the capture had reached its limit, LostCard is how much
	// the card's own counter of frames without room (rx_missed_errors) grew.
	LostKernel uint64 `json:"lost_kernel"`
	RingFull   uint64 `json:"ring_full"`
	LostHozen  uint64 `json:"lost_hozen"`
	LostCard   int64  `json:"lost_card,omitzero"`
	Strange    uint64 `json:"strange,omitzero"` // frames whose place in the ring made no sense
	RingSize   int    `json:"ring_size"`        // bytes
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// section describes this machine, for the head of each file.
func (c *capture) section() pcapng.Section {
	return pcapng.Section{Hardware: runtime.GOARCH, OS: systemWords(c.h), Application: strings.TrimSpace("hozen " + c.o.Version)}
}

// counts are of the line now, or of its end.
func (n *line) counts() counts {
	select {
	case <-n.done:
		return n.last
	default:
		return n.tap.counts()
	}
}

func (c *capture) counters(n *line, now time.Time) pcapng.Counters {
	sum := n.counts()
	out := pcapng.Counters{
		Start: n.began, End: now, Received: int64(sum.accepted), IfDropped: c.missed(n),
		Accepted: int64(sum.accepted), OSDropped: int64(sum.dropped), Delivered: int64(sum.packets),
	}
	if c.o.Filter != "" {
		out.Received = -1 // what the filter did not let through is not counted by anybody
	}
	return out
}

// missed is what the card lost since the line began; -1 if it does not say.
func (c *capture) missed(n *line) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.missedThen < 0 || n.missed < n.missedThen {
		return -1
	}
	return n.missed - n.missedThen
}

// finish puts what is left to put when all lines have ended: first what says how
// it went, for there may be little time.
func (c *capture) finish(ctx context.Context) error {
	s := c.segment
	if s.err != nil {
		return s.err
	}
	err := s.to.Put(context.WithoutCancel(ctx), evidence.Item{Path: captureTable, Source: c.way.source}, c.writeRows)
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // who waits for us waits no longer than a moment
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
	}
	return s.tables.Put(ctx, s.to, "network/")
}

func (c *capture) writeRows(w io.Writer) error {
	s := c.segment
	whole := CaptureRow{
		Kind: "capture", Source: jsonl.Text(c.way.source), Limits: c.way.limits, Began: stamp(c.began), Ended: stamp(c.h.Time()), Why: jsonl.Text(c.why), Filter: jsonl.Text(c.o.Filter), Snaplen: c.o.Snaplen,
		Files: s.number, Size: s.total, FlowsCommented: s.comments,
	}
	whole.SocketReads, whole.SocketReadMS = c.owners.cost()
	var tally evidence.Tally
	var rows []InterfaceRow
	for _, n := range c.all() {
		r := c.row(n)
		whole.Packets += r.Packets - r.LostHozen
		whole.Lost += r.LostKernel + r.LostHozen
		rows = append(rows, r)
	}
	if whole.Lost > 0 {
		tally.Add("packets", evidence.Cut("%d of %d packets were lost", whole.Lost, whole.Lost+whole.Packets))
	}
	for _, r := range c.missing() {
		tally.Add("listen", r.err)
		rows = append(rows, InterfaceRow{
			Kind: "interface", Interface: jsonl.Text(r.link.name), Index: r.link.index, Hardware: r.link.hardware,
			MAC: net.HardwareAddr(r.link.mac).String(), Began: stamp(r.at), Error: jsonl.Text(r.err.Error()),
		})
	}
	t := jsonl.NewWriter(w)
	err := t.Row(whole)
	for i := 0; i < len(rows) && err == nil; i++ {
		err = t.Row(rows[i])
	}
	if err == nil {
		err = t.Flush()
	}
	if err != nil {
		return err
	}
	tally.Add("capture", c.cut)
	return tally.Err()
}

func (c *capture) row(n *line) InterfaceRow {
	sum := n.counts()
	typ := linkTypeName(n.typ)
	r := InterfaceRow{
		Kind: "interface", Interface: jsonl.Text(n.name), ID: &n.id, Index: n.index, LinkType: typ, Hardware: n.hardware,
		MAC: net.HardwareAddr(n.mac).String(), Began: stamp(n.began), Ended: stamp(n.ended), Why: jsonl.Text(c.why),
		Packets: sum.packets, Bytes: sum.bytes, Wire: sum.wire, Accepted: sum.accepted,
		LostKernel: sum.dropped, RingFull: sum.freezes, LostHozen: c.segment.late[n], LostCard: max(0, c.missed(n)), Strange: sum.strange, RingSize: n.tap.size(),
	}
	if n.err != nil {
		r.Why = jsonl.Text(n.err.Error())
	}
	return r
}

// missing are the interfaces that were not listened to, and those that were asked
// for and never there.
func (c *capture) missing() []refusal {
	out := slices.Clone(c.refused)
	for _, name := range c.o.Interfaces {
		named := func(n *line) bool { return n.name == name }
		refused := func(r refusal) bool { return r.link.name == name }
		if !slices.ContainsFunc(c.all(), named) && !slices.ContainsFunc(out, refused) {
			out = append(out, refusal{link{name: name}, c.began, fmt.Errorf("interface %q: asked for, but never there and up", name)})
		}
	}
	return out
}
