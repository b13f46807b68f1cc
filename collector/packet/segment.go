package packet

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"hozen/collector/packet/flow"
	"hozen/collector/packet/pcapng"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// A segmenter gathers packets for a few seconds, puts them as one pcapng file of
// its own, and goes on with the next: what is behind a checkpoint is safe.
type segmenter struct {
	c    *capture
	to   evidence.Sink
	over chan struct{} // closed when no more can be kept, for the reason why
	why  error
	done chan struct{}
	err  error // of the sink

	entries []entry
	buf     []byte // their blocks
	began   time.Time
	number  int   // of files
	total   int64 // bytes in them
	late    map[*line]uint64

	flows    map[lineKey]*flowState
	comments int
	tables   *flow.Tables
	named    int // lines whose names the tables know
}

// An entry is a packet of the segment.
type entry struct {
	at   uint64
	from uint32
	size uint32
	flow *flowState // nil: none that we know of
}

// A lineKey is a flow on one interface.
type lineKey struct {
	line uint32
	key  key
}

// A flowState says whether a packet of the flow has got its comment.
type flowState struct {
	key       key // of its first packet
	commented bool
	asked     int // number of the segment at which its owner was asked for
	times     int
}

const (
	maxSegment  = 7 << 20 // bytes of packets; with all that stands around them one member of the archive
	maxComments = 512 << 10
	segmentAge  = 5 * time.Second
	maxFlows    = 1 << 17 // that are remembered; then all are forgotten, and get a comment again
	maxAsked    = 4       // segments in which the owner of a flow is asked for
)

func newSegmenter(c *capture, to evidence.Sink) *segmenter {
	return &segmenter{
		c: c, to: to, over: make(chan struct{}), done: make(chan struct{}), late: map[*line]uint64{}, flows: map[lineKey]*flowState{},
		tables: flow.New(flow.Options{Owner: c.owners.ofFlow}),
	}
}

// run takes batches until there are no more. When nothing can be kept any longer
// it goes on taking them, so that nobody waits.
func (s *segmenter) run() {
	defer close(s.done)
	tick := time.NewTicker(segmentAge / 10)
	defer tick.Stop()
	for {
		select {
		case b, ok := <-s.c.full:
			if !ok {
				s.flush()
				return
			}
			s.add(b)
			s.c.free <- b.buf
		case <-tick.C:
		}
		if len(s.entries) > 0 && time.Since(s.began) >= segmentAge {
			s.flush()
		}
	}
}

// end says that no more is kept.
func (s *segmenter) end(why error) {
	if s.why == nil {
		s.why = why
		close(s.over)
	}
}

func (s *segmenter) add(b batch) {
	for rest := b.buf; ; {
		var p pcapng.Packet
		var ok bool
		if p, rest, ok = pcapng.NextPacket(rest); !ok {
			return
		}
		if s.why == nil && s.total+int64(len(s.buf)+len(p.Block)) > s.c.o.Size {
			s.end(evidence.Cut("the limit of the capture (%d bytes) is reached", s.c.o.Size))
		}
		if s.why != nil {
			s.late[b.line]++
			continue
		}
		if len(s.buf)+len(p.Block) > maxSegment {
			s.flush()
		}
		if len(s.entries) == 0 {
			s.began = time.Now()
		}
		s.entries = append(s.entries, entry{p.At, uint32(len(s.buf)), uint32(len(p.Block)), s.flow(b.line, p.Data)})
		s.buf = append(s.buf, p.Block...)
	}
}

// flow finds the flow of a packet. A new one makes the owners look at the sockets
// soon.
func (s *segmenter) flow(n *line, data []byte) *flowState {
	k, ok := keyOf(n.typ, data)
	if !ok {
		return nil
	}
	at := lineKey{n.id, k.canonical()}
	f := s.flows[at]
	if f == nil {
		if len(s.flows) >= maxFlows {
			clear(s.flows)
		}
		f = &flowState{key: k}
		s.flows[at] = f
		s.c.owners.wake()
	}
	return f
}

// flush puts what was gathered. The first file is put even if it has no packet.
func (s *segmenter) flush() {
	if s.err != nil || len(s.entries) == 0 && s.number > 0 {
		s.entries, s.buf = s.entries[:0], s.buf[:0]
		return
	}
	s.number++
	s.c.owners.freshen()
	lines := s.c.all()
	if byTime := func(a, b entry) int { return cmp.Compare(a.at, b.at) }; !slices.IsSortedFunc(s.entries, byTime) {
		sorting.By(s.entries, byTime)
	}
	item := evidence.Item{Path: fmt.Sprintf("network/capture-%06d.pcapng", s.number), Source: s.c.way.source}
	var size int64
	err := s.to.Put(context.Background(), item, func(w io.Writer) error {
		counted := &countingWriter{w: w}
		buffered := bufio.NewWriterSize(counted, 256<<10)
		s.write(buffered, lines)
		err := buffered.Flush()
		size = counted.n
		return err
	})
	s.total += size
	if err != nil {
		s.err = err
		s.end(err)
	}
	s.tabulate(lines)
	s.entries, s.buf = s.entries[:0], s.buf[:0]
}

// write writes the segment as a section of its own. Its errors are kept by w.
func (s *segmenter) write(w *bufio.Writer, lines []*line) {
	var room [8 << 10]byte
	b := pcapng.AppendSection(room[:0], s.c.section())
	for _, n := range lines {
		b = pcapng.AppendInterface(b, pcapng.Interface{
			LinkType: n.typ, Snaplen: uint32(s.c.o.Snaplen), Name: n.name, Filter: s.c.o.Filter, MAC: n.mac,
		})
	}
	w.Write(b)
	left := maxComments
	for _, e := range s.entries {
		block := s.buf[e.from : e.from+e.size]
		if comments := s.comment(e, left); comments != nil {
			b = pcapng.AppendCommented(b[:0], block, comments...)
			left -= len(b) - len(block)
			w.Write(b)
			continue
		}
		w.Write(block)
	}
	b = b[:0]
	now := s.c.h.Time()
	for _, n := range lines {
		b = pcapng.AppendCounters(b, n.id, s.c.counters(n, now))
	}
	w.Write(b)
}

// comment gives what is said of the packet's flow, once for each flow.
func (s *segmenter) comment(e entry, left int) []string {
	f := e.flow
	if f == nil || f.commented || f.asked == s.number || f.times >= maxAsked || left <= 0 {
		return nil
	}
	f.asked, f.times = s.number, f.times+1
	comments := s.c.owners.comments(f.key)
	if len(comments) == 0 {
		return nil
	}
	f.commented = true
	s.comments++
	return comments
}

// tabulate gives the packets to the tables.
func (s *segmenter) tabulate(lines []*line) {
	for ; s.named < len(lines); s.named++ {
		s.tables.Interface(s.named, lines[s.named].name)
	}
	for _, e := range s.entries {
		if p, _, ok := pcapng.NextPacket(s.buf[e.from : e.from+e.size]); ok && int(p.Interface) < len(lines) {
			s.tables.Packet(int(p.Interface), lines[p.Interface].typ, time.Unix(0, int64(p.At)), p.Data, int(p.Length))
		}
	}
}

type countingWriter struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
