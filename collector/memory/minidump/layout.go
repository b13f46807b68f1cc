package minidump

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// From minidumpapiset.h, which packs its structures by 4.
const (
	signature  = 0x504d444d // "MDMP"
	version    = 0xa793     // MINIDUMP_VERSION
	headerSize = 32
	dirSize    = 12

	streamThreads    = 3
	streamModules    = 4
	streamSystem     = 7
	streamMemory64   = 9
	streamHandles    = 12
	streamMisc       = 15
	streamAreas      = 16
	streamThreadInfo = 17

	flagFullMemory     = 0x2    // MiniDumpWithFullMemory
	flagHandleData     = 0x4    // MiniDumpWithHandleData
	flagFullMemoryInfo = 0x800  // MiniDumpWithFullMemoryInfo
	flagThreadInfo     = 0x1000 // MiniDumpWithThreadInfo
)

// Bounds of what a dump may hold; all but memory must be below 4 GiB, for places
// are 32 bits wide.
const (
	maxThreads = 1 << 17
	maxModules = 1 << 16
	maxAreas   = 1 << 22
	maxHandles = 1 << 20
	maxText    = 1 << 16 // bytes of one string
	maxContext = 1 << 16
)

var errTooMany = errors.New("more than a minidump can hold")

// A plan is a dump without its memory.
type plan struct {
	head   []byte
	memory uint64
}

func (p *plan) size() int64 { return int64(len(p.head)) + int64(p.memory) }

// A stream is one entry of the directory, and what writes it.
type stream struct {
	kind  uint32
	write func(l *layout)
}

// A layout is the head of a dump while it is made: b holds the bytes from the
// first on. What is pointed to lies before what points to it, but for the directory.
type layout struct {
	b []byte
}

func (l *layout) u8(v uint8)   { l.b = append(l.b, v) }
func (l *layout) u16(v uint16) { l.b = binary.LittleEndian.AppendUint16(l.b, v) }
func (l *layout) u32(v uint32) { l.b = binary.LittleEndian.AppendUint32(l.b, v) }
func (l *layout) u64(v uint64) { l.b = binary.LittleEndian.AppendUint64(l.b, v) }
func (l *layout) at() uint32   { return uint32(len(l.b)) }
func (l *layout) zeros(n int)  { l.b = append(l.b, make([]byte, n)...) }

func (l *layout) align(n int) {
	for len(l.b)%n != 0 {
		l.b = append(l.b, 0)
	}
}

// text writes a MINIDUMP_STRING and gives its place; 0 for an empty one.
func (l *layout) text(s []uint16) uint32 {
	if len(s) == 0 {
		return 0
	}
	return l.place(s)
}

// place is text for what must be there even if it is empty.
func (l *layout) place(s []uint16) uint32 {
	s = s[:min(len(s), maxText/2)]
	l.align(4)
	at := l.at()
	l.u32(uint32(2 * len(s)))
	for _, c := range s {
		l.u16(c)
	}
	l.u16(0)
	return at
}

// blob writes bytes and gives where they lie.
func (l *layout) blob(b []byte) (size, at uint32) {
	if len(b) == 0 {
		return 0, 0
	}
	l.align(16)
	at = l.at()
	l.b = append(l.b, b...)
	return uint32(len(b)), at
}

// plan writes everything but the memory.
func (d *Dump) plan() (*plan, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &plan{}
	for i, r := range d.Ranges {
		if r.Start+r.Size < r.Start || p.memory+r.Size < p.memory || p.memory+r.Size > math.MaxInt64/2 {
			return nil, fmt.Errorf("range at %#x of %d bytes: %w", r.Start, r.Size, errTooMany)
		}
		if i > 0 && d.Ranges[i-1].Start+d.Ranges[i-1].Size > r.Start {
			return nil, fmt.Errorf("range at %#x: not in ascending order", r.Start)
		}
		p.memory += r.Size
	}
	streams := d.streams()
	l := &layout{}
	d.header(l, len(streams))
	dir := len(l.b)
	l.zeros(dirSize * len(streams))
	for i, s := range streams {
		l.align(8)
		start := len(l.b)
		s.write(l)
		from := l.streamStart(s.kind, start, d)
		e := l.b[dir+i*dirSize:]
		binary.LittleEndian.PutUint32(e, s.kind)
		binary.LittleEndian.PutUint32(e[4:], uint32(len(l.b)-from))
		binary.LittleEndian.PutUint32(e[8:], uint32(from))
	}
	if len(l.b) > math.MaxUint32/2 {
		return nil, fmt.Errorf("%d bytes before the memory: %w", len(l.b), errTooMany)
	}
	// The list of memory is the last stream; the memory begins where the head ends.
	base := len(l.b) - 16*len(d.Ranges) - 8
	binary.LittleEndian.PutUint64(l.b[base:], uint64(len(l.b)))
	p.head = l.b
	return p, nil
}

func (d *Dump) check() error {
	for _, c := range []struct {
		what      string
		have, max int
	}{{"threads", len(d.Threads), maxThreads}, {"modules", len(d.Modules), maxModules}, {"areas", len(d.Areas), maxAreas}, {"handles", len(d.Handles), maxHandles}, {"ranges", len(d.Ranges), maxAreas}} {
		if c.have > c.max {
			return fmt.Errorf("%d %s: %w", c.have, c.what, errTooMany)
		}
	}
	for _, t := range d.Threads {
		if len(t.Context) > maxContext {
			return fmt.Errorf("thread %d: a context of %d bytes: %w", t.ID, len(t.Context), errTooMany)
		}
	}
	return nil
}

// header writes MINIDUMP_HEADER.
func (d *Dump) header(l *layout, streams int) {
	flags := uint64(flagFullMemory | flagFullMemoryInfo | flagThreadInfo)
	if len(d.Handles) > 0 {
		flags |= flagHandleData
	}
	l.u32(signature)
	l.u32(version)
	l.u32(uint32(streams))
	l.u32(headerSize)
	l.u32(0) // CheckSum
	l.u32(seconds(d.Time.Unix()))
	l.u64(flags)
}

// seconds bounds a time_t to 32 bits.
func seconds(s int64) uint32 { return uint32(min(max(s, 0), math.MaxUint32)) }
