package packet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/bpf"

	"hozen/collector"
	"hozen/collector/packet/filter"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// wires are the interfaces of a machine.
type wires interface {
	links() ([]link, error)
	addresses() []netip.Addr
	// open begins to listen to an interface, through a ring of about size bytes.
	open(l *link, f form, program []bpf.RawInstruction, size int) (tap, error)
}

// A way is how packets are taken on a system.
type way struct {
	source string   // "packet sockets of every interface"
	limits []string // what of the traffic it cannot give
}

// A tap is an interface that is listened to. wait, read and close are for one
// goroutine, stop, counts and size for any.
type tap interface {
	// wait waits until there is something to read. Its error says that there will
	// be no more: io.EOF after stop, else what became of the interface.
	wait() error
	// read appends what is there, as packet blocks, as far as b has room.
	read(b []byte) []byte
	stop()
	counts() counts
	size() int
	close()
}

// counts are of one tap since it was opened.
type counts struct {
	packets, bytes, wire uint64 // read by us: bytes taken, bytes that the frames had on the wire
	accepted             uint64 // passed the filter, lost ones included
	dropped, freezes     uint64 // lost by the kernel because the ring was full; how often it was full
	strange              uint64 // frames whose place in the ring made no sense
}

// A line is an interface and its tap, from its opening to its end; an interface
// that goes down and comes up is two lines, one after the other.
type line struct {
	link
	id         uint32 // in every section
	typ        uint16
	tap        tap
	began      time.Time
	missedThen int64         // when it began
	done       chan struct{} // closed when it has ended
	// Set before done is closed.
	ended time.Time
	err   error
	last  counts
}

// A batch is what was read from one line at one time.
type batch struct {
	line *line
	buf  []byte
}

const (
	batchSize  = 1 << 20
	maxBatches = 32 // in memory at one time; when all are full, the rings wait
	ringBudget = 128 << 20
	maxRing    = 32 << 20
	maxLines   = 256 // that are opened, all in all
	maxOpen    = 62  // at one time: 2 MiB for each in the budget, and a bit for those that come
	rescan     = 500 * time.Millisecond
)

// A capture is one run of the collector.
type capture struct {
	h       *collector.Host
	o       Options
	filter  *filter.Filter
	wires   wires
	way     way
	owners  *owners
	segment *segmenter
	free    chan []byte
	full    chan batch
	began   time.Time
	why     string // why it ended
	cut     error  // the same, if more was planned

	mu      sync.Mutex
	lines   []*line
	refused []refusal
}

// A refusal is an interface that could not be listened to.
type refusal struct {
	link link
	at   time.Time
	err  error
}

func newCapture(h *collector.Host, to evidence.Sink, o Options, f *filter.Filter, w wires, by way) *capture {
	c := &capture{h: h, o: o, filter: f, wires: w, way: by, free: make(chan []byte, maxBatches), full: make(chan batch, maxBatches)}
	for range maxBatches {
		c.free <- nil
	}
	c.owners = newOwners(h)
	c.segment = newSegmenter(c, to)
	return c
}

// begin opens every interface that is wanted. It fails where none could be.
func (c *capture) begin() error {
	links, err := c.wanted()
	if err != nil {
		return fmt.Errorf("list of interfaces: %w", err)
	}
	c.began = c.h.Time()
	c.nameLocal()
	size := min(maxRing, ringBudget/max(1, min(len(links), maxOpen)))
	for i := range links {
		c.open(&links[i], size)
	}
	if len(c.lines) == 0 && len(c.refused) > 0 {
		return c.refused[0].err
	}
	return nil
}

// wanted lists the interfaces that are up and asked for, loopback first: where
// there are too many, those with a low number are taken.
func (c *capture) wanted() ([]link, error) {
	all, err := c.wires.links()
	all = slices.DeleteFunc(all, func(l link) bool {
		return !l.up() || len(c.o.Interfaces) > 0 && !slices.Contains(c.o.Interfaces, l.name)
	})
	sorting.By(all, func(a, b link) int { return a.index - b.index })
	return all, err
}

// open begins to listen to an interface, or notes why it cannot be.
func (c *capture) open(l *link, size int) {
	now := c.h.Time()
	refuse := func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refused = append(c.refused, refusal{*l, now, err})
	}
	switch open := c.opened(); {
	case len(c.lines) >= maxLines:
		refuse(evidence.Cut("%s: more than %d interfaces came and went", l.name, maxLines))
		return
	case len(open) >= maxOpen:
		refuse(evidence.Cut("%s: more than %d interfaces at one time", l.name, maxOpen))
		return
	}
	typ, kind := l.linkType()
	program, err := c.filter.Program(kind, uint32(c.o.Snaplen))
	var raw []bpf.RawInstruction
	if err == nil {
		raw, err = bpf.Assemble(program)
	}
	if err != nil {
		refuse(fmt.Errorf("%s: %w", l.name, err))
		return
	}
	n := &line{link: *l, id: uint32(len(c.lines)), typ: typ, began: now, missedThen: l.missed, done: make(chan struct{})}
	n.tap, err = c.wires.open(l, form{
		id: n.id, ifindex: uint32(l.index), cooked: kind == filter.Cooked, ethernet: kind == filter.Ethernet, incoming: l.loopback(),
	}, raw, size)
	if errors.Is(err, syscall.ENETDOWN) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENXIO) {
		return // gone again; if it comes up, look sees it
	}
	if err != nil {
		refuse(err)
		return
	}
	c.mu.Lock()
	c.lines = append(c.lines, n)
	c.mu.Unlock()
	go c.drain(n)
}

// opened gives the lines that have not ended.
func (c *capture) opened() (out []*line) {
	for _, n := range c.all() {
		select {
		case <-n.done:
		default:
			out = append(out, n)
		}
	}
	return out
}

// all gives the lines that were ever opened; their place is their id.
func (c *capture) all() []*line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines
}

// drain reads a line until it ends. It waits for nobody but for a free buffer:
// meanwhile the ring fills, and what it has no room for the kernel counts.
func (c *capture) drain(n *line) {
	defer close(n.done)
	for {
		if n.err = n.tap.wait(); n.err != nil {
			break
		}
		buf := <-c.free
		if buf == nil {
			buf = make([]byte, 0, batchSize)
		}
		c.full <- batch{n, n.tap.read(buf[:0])}
	}
	if n.err == io.EOF {
		n.err = nil
	}
	n.ended = c.h.Time()
	n.tap.close()
	n.last = n.tap.counts()
}

// run listens until the time or the room is over, or ctx ends. It opens what
// comes up meanwhile.
func (c *capture) run(ctx context.Context) {
	stop := c.owners.watch()
	defer stop()
	go c.segment.run()
	timer, tick := time.NewTimer(c.o.For), time.NewTicker(rescan)
	defer timer.Stop()
	defer tick.Stop()
	for c.why == "" {
		select {
		case <-timer.C:
			c.why = fmt.Sprintf("its time (%v) was over", c.o.For)
		case <-ctx.Done():
			c.why, c.cut = context.Cause(ctx).Error(), context.Cause(ctx)
		case <-c.segment.over:
			c.why, c.cut = c.segment.why.Error(), c.segment.why
		case <-tick.C:
			c.look()
		}
	}
	for _, n := range c.opened() {
		n.tap.stop()
	}
	for _, n := range c.all() {
		<-n.done
	}
	close(c.full)
	<-c.segment.done
}

// nameLocal says to all who ask which addresses are ours.
func (c *capture) nameLocal() {
	all := c.wires.addresses()
	c.owners.setLocal(all)
	c.segment.tables.AddLocal(all)
}

// look opens what came up since.
func (c *capture) look() {
	links, err := c.wanted()
	if err != nil {
		return // what is open goes on
	}
	c.nameLocal()
	open := c.opened()
	for i := range links {
		known := func(n *line) bool { return n.index == links[i].index && n.name == links[i].name }
		tried := func(r refusal) bool { return r.link.index == links[i].index && r.link.name == links[i].name }
		if !slices.ContainsFunc(open, known) && !slices.ContainsFunc(c.refused, tried) {
			c.open(&links[i], ringBudget/(maxOpen+2))
		}
	}
	for _, n := range open { // the counters of the cards
		for _, l := range links {
			if n.index == l.index {
				c.mu.Lock()
				n.missed = l.missed
				c.mu.Unlock()
			}
		}
	}
}
