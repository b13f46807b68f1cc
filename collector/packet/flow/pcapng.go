package flow

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"time"
)

// The blocks of pcapng that are read (draft-ietf-opsawg-pcapng); all others are passed over.
const (
	ngSection   = 0x0a0d0d0a
	ngOrder     = 0x1a2b3c4d
	ngInterface = 1
	ngPacket    = 2 // obsolete
	ngSimple    = 3
	ngEnhanced  = 6
)

// Bounds of pcapng.
const (
	maxBlock      = 16 << 20 // of a block that is read
	maxInterfaces = 10_000   // of a section
)

// An ngIface is an interface of a section.
type ngIface struct {
	number  int // in the tables
	link    uint16
	snap    uint32
	perSec  uint64 // units of time in a second
	seconds int64  // to be added
}

// An ngReader reads one section after another.
type ngReader struct {
	*captureReader
	ifaces []ngIface // of the section
	named  int       // interfaces in all
	first  *FileError
}

// pcapng reads the new format. A block that makes no sense is passed over, and the first
// of them is the error in the end; where blocks no longer follow one another, it ends.
func (c *captureReader) pcapng() error {
	n := &ngReader{captureReader: c}
	for !c.ended() {
		if c.count&1023 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		c.record = c.at
		if err := n.block(); err != nil {
			return err
		}
	}
	if n.first != nil {
		return n.first
	}
	return nil
}

// block reads one block; its error is one after which nothing can be read.
func (n *ngReader) block() error {
	head, err := n.take(8)
	if err != nil {
		return fmt.Errorf("a block's header: %w", err)
	}
	if binary.LittleEndian.Uint32(head) == ngSection {
		order, err := n.in.Peek(4)
		if err != nil {
			return fmt.Errorf("a section's header: %w", io.ErrUnexpectedEOF)
		}
		switch {
		case be32(order) == ngOrder:
			n.order = binary.BigEndian
		case binary.LittleEndian.Uint32(order) == ngOrder:
			n.order = binary.LittleEndian
		default:
			return fmt.Errorf("a section without byte order: %x", order)
		}
	}
	kind, size := n.order.Uint32(head), n.order.Uint32(head[4:])
	if size < 12 || size&3 != 0 {
		return fmt.Errorf("block type %#x of %d bytes", kind, size)
	}
	switch kind {
	case ngSection, ngInterface, ngPacket, ngSimple, ngEnhanced:
	default:
		if err := n.skip(int64(size) - 12); err != nil {
			return fmt.Errorf("block type %#x of %d bytes: %w", kind, size, err)
		}
		return n.trailer(size)
	}
	if size > maxBlock {
		return fmt.Errorf("block type %#x of %d bytes, more than the %d that are read", kind, size, maxBlock)
	}
	body, err := n.take(int(size) - 12)
	if err == nil {
		if wrong := n.read(kind, body); wrong != nil && n.first == nil {
			n.first = &FileError{n.record, n.count, wrong}
		}
		return n.trailer(size)
	}
	return fmt.Errorf("block type %#x of %d bytes, of which %d are there: %w", kind, size, len(body)+8, err)
}

// trailer checks the length that stands once more at the end of a block.
func (n *ngReader) trailer(size uint32) error {
	b, err := n.take(4)
	if err != nil {
		return fmt.Errorf("the end of a block of %d bytes: %w", size, err)
	}
	if again := n.order.Uint32(b); again != size {
		return fmt.Errorf("a block of %d bytes that says %d at its end", size, again)
	}
	return nil
}

// read takes the body of a block.
func (n *ngReader) read(kind uint32, b []byte) error {
	switch kind {
	case ngSection:
		if n.ifaces = nil; len(b) < 16 {
			return fmt.Errorf("a section's header of %d bytes", len(b))
		}
		if major := n.order.Uint16(b[4:]); major != 1 {
			return fmt.Errorf("version %d of pcapng", major)
		}
	case ngInterface:
		return n.iface(b)
	case ngPacket, ngEnhanced:
		if len(b) < 20 {
			return fmt.Errorf("a packet's block of %d bytes", len(b))
		}
		index := n.order.Uint32(b)
		if kind == ngPacket {
			index = uint32(n.order.Uint16(b))
		}
		units := uint64(n.order.Uint32(b[4:]))<<32 | uint64(n.order.Uint32(b[8:]))
		captured, length := n.order.Uint32(b[12:]), n.order.Uint32(b[16:])
		if int64(index) >= int64(len(n.ifaces)) {
			return fmt.Errorf("a packet of interface %d of %d", index, len(n.ifaces))
		}
		if int64(captured) > int64(len(b)-20) || captured > maxCaptured {
			return fmt.Errorf("a packet of %d bytes in %d", captured, len(b)-20)
		}
		f := &n.ifaces[index]
		n.packet(&filePacket{iface: f.number, link: f.link, at: f.time(units), data: b[20 : 20+captured], length: int(min(length, 1<<30))})
	case ngSimple:
		if len(b) < 4 || len(n.ifaces) == 0 {
			return fmt.Errorf("a simple packet's block of %d bytes and %d interfaces", len(b), len(n.ifaces))
		}
		f, length := &n.ifaces[0], n.order.Uint32(b)
		captured := min(uint32(len(b)-4), length)
		if f.snap > 0 {
			captured = min(captured, f.snap)
		}
		n.packet(&filePacket{iface: f.number, link: f.link, noTime: true, data: b[4 : 4+min(captured, maxCaptured)], length: int(min(length, 1<<30))})
	}
	return nil
}

// iface reads an interface description.
func (n *ngReader) iface(b []byte) error {
	if len(b) < 8 {
		return fmt.Errorf("an interface's block of %d bytes", len(b))
	}
	if len(n.ifaces) >= maxInterfaces {
		return fmt.Errorf("more than %d interfaces", maxInterfaces)
	}
	f := ngIface{number: n.named, link: n.order.Uint16(b), snap: n.order.Uint32(b[4:]), perSec: 1e6}
	n.named++
	var wrong error
	for o := b[8:]; len(o) >= 4; {
		kind, size := n.order.Uint16(o), int(n.order.Uint16(o[2:]))
		if kind == 0 || 4+size > len(o) {
			break
		}
		value := o[4 : 4+size]
		switch {
		case kind == 2: // if_name
			n.captureReader.named(f.number, string(value))
		case kind == 9 && size == 1: // if_tsresol
			if f.perSec = resolution(value[0]); f.perSec == 0 {
				f.perSec, wrong = 1e6, fmt.Errorf("interface %d: time resolution %#x", f.number, value[0])
			}
		case kind == 14 && size == 8: // if_tsoffset
			f.seconds = int64(n.order.Uint64(value))
		}
		o = o[min(4+(size+3)&^3, len(o)):]
	}
	n.ifaces = append(n.ifaces, f)
	return wrong
}

// resolution gives the units in a second; 0 if they are more than a number holds.
func resolution(v byte) uint64 {
	if v&0x80 != 0 {
		if v &= 0x7f; v > 63 {
			return 0
		}
		return 1 << v
	}
	if v > 19 {
		return 0
	}
	n := uint64(1)
	for range v {
		n *= 10
	}
	return n
}

func (f *ngIface) time(units uint64) time.Time {
	seconds, rest := units/f.perSec, units%f.perSec
	hi, lo := bits.Mul64(rest, 1e9)
	ns, _ := bits.Div64(hi, lo, f.perSec)
	return time.Unix(int64(min(seconds, 1<<62))+f.seconds, int64(ns))
}
