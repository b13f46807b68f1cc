// Package pcapng writes the blocks of pcapng files: packets with the interface,
// the direction and the nanosecond, and the counters of what was lost
// (draft-ietf-opsawg-pcapng). All is little endian.
//
// A file is one section or several, one after another: AppendSection, then
// AppendInterface for each interface (they are numbered from 0 within the
// section), then packets and counters. Packets are appended where they stand in
// memory, without allocation: begin with AppendPacket. A comment can be put on a
// packet later, with AppendCommented.
package pcapng

import (
	"encoding/binary"
	"math"
	"time"
)

// Block types.
const (
	blockSection    = 0x0A0D0D0A
	blockInterface  = 1
	blockStatistics = 5
	blockPacket     = 6
)

// Codes of options.
const (
	optEnd     = 0
	optComment = 1

	shbHardware, shbOS, shbUserAppl = 2, 3, 4

	ifName, ifDescription, ifMAC, ifTSResol, ifFilter, ifHardware = 2, 3, 6, 9, 11, 15

	epbFlags = 2

	isbStart, isbEnd, isbReceived, isbIfDrop, isbAccepted, isbOSDrop, isbDelivered = 2, 3, 4, 5, 6, 7, 8
)

// LinkType numbers of https://www.tcpdump.org/linktypes.html.
const (
	LinkEthernet uint16 = 1
	LinkRaw      uint16 = 101
	LinkSLL2     uint16 = 276
)

// Flags of a packet (epb_flags): a direction, or-ed with how it was addressed.
const (
	Inbound     uint32 = 1
	Outbound    uint32 = 2
	Unicast     uint32 = 1 << 2
	Multicast   uint32 = 2 << 2
	Broadcast   uint32 = 3 << 2
	Promiscuous uint32 = 4 << 2 // it was for another machine
)

// A Section describes where a section comes from; empty fields are left out.
type Section struct{ Hardware, OS, Application, Comment string }

// An Interface describes one interface of a section; empty fields are left out.
type Interface struct {
	LinkType                            uint16
	Snaplen                             uint32
	Name, Description, Filter, Hardware string
	MAC                                 []byte // six bytes, or none
}

// Counters say what became of the packets of one interface since its capture
// began. A negative number is not known and left out.
type Counters struct {
	Start, End time.Time
	Received   int64 // isb_ifrecv: the interface received
	IfDropped  int64 // isb_ifdrop: the interface lost for want of room
	Accepted   int64 // isb_filteraccept: passed the filter
	OSDropped  int64 // isb_osdrop: of those, the system lost
	Delivered  int64 // isb_usrdeliv: reached us
}

// begin appends the head of a block; finish completes it.
func begin(b []byte, typ uint32) ([]byte, int) {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, typ)
	return binary.LittleEndian.AppendUint32(b, 0), at
}

func finish(b []byte, at int) []byte {
	n := uint32(len(b) - at + 4)
	binary.LittleEndian.PutUint32(b[at+4:], n)
	return binary.LittleEndian.AppendUint32(b, n)
}

// maxOption is the longest value of an option; a longer one is cut. It is the
// longest that is padded to less than 65536 bytes, at which readers stumble.
const maxOption = math.MaxUint16 - 3

// Not inlined, for the size of the program.
//
//go:noinline
func option[T string | []byte](b []byte, code uint16, value T) []byte {
	if len(value) == 0 {
		return b
	}
	value = value[:min(len(value), maxOption)]
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...), len(value))
}

func pad(b []byte, n int) []byte { return append(b, make([]byte, -n&3)...) }

func endOptions(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, optEnd) }

// AppendSection appends a section header block. Its section length is not given,
// so that files can be joined with cat.
func AppendSection(b []byte, s Section) []byte {
	b, at := begin(b, blockSection)
	b = binary.LittleEndian.AppendUint32(b, 0x1A2B3C4D)
	b = binary.LittleEndian.AppendUint32(b, 1) // version 1.0
	b = binary.LittleEndian.AppendUint64(b, math.MaxUint64)
	b = option(b, optComment, s.Comment)
	b = option(b, shbHardware, s.Hardware)
	b = option(b, shbOS, s.OS)
	b = option(b, shbUserAppl, s.Application)
	return finish(endOptions(b), at)
}

// AppendInterface appends an interface description block; its times are in nanoseconds.
func AppendInterface(b []byte, i Interface) []byte {
	b, at := begin(b, blockInterface)
	b = binary.LittleEndian.AppendUint16(b, i.LinkType)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, i.Snaplen)
	b = option(b, ifName, i.Name)
	b = option(b, ifDescription, i.Description)
	if len(i.MAC) == 6 {
		b = option(b, ifMAC, i.MAC)
	}
	b = option(b, ifTSResol, []byte{9})
	if i.Filter != "" {
		b = option(b, ifFilter, "\x00"+i.Filter) // 0: a text of libpcap's language
	}
	b = option(b, ifHardware, i.Hardware)
	return finish(endOptions(b), at)
}

// Overhead bounds what AppendPacket adds to a frame's bytes.
const Overhead = 28 + 3 + 8 + 4 + 4

// AppendPacket appends an enhanced packet block. The frame's bytes are those of
// both parts, head first; length is what the frame had on the wire. at is in
// nanoseconds since 1970. It allocates nothing where b has room for the bytes and
// Overhead.
func AppendPacket(b []byte, iface uint32, at uint64, flags uint32, length uint32, head, data []byte) []byte {
	n := len(head) + len(data)
	from := len(b)
	b = binary.LittleEndian.AppendUint32(b, blockPacket)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, iface)
	b = binary.LittleEndian.AppendUint32(b, uint32(at>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(at))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = binary.LittleEndian.AppendUint32(b, length)
	b = append(append(b, head...), data...)
	for range -n & 3 {
		b = append(b, 0)
	}
	b = binary.LittleEndian.AppendUint32(b, epbFlags|4<<16)
	b = binary.LittleEndian.AppendUint32(b, flags)
	return finish(endOptions(b), from)
}

// A Packet is what AppendPacket or AppendCommented wrote. Data is a part of the block.
type Packet struct {
	Interface uint32
	At        uint64 // nanoseconds since 1970
	Flags     uint32
	Length    uint32 // on the wire
	Data      []byte
	Block     []byte // the whole of it
}

// NextPacket cuts the first block from a run of blocks that AppendPacket wrote;
// ok is false at the end.
func NextPacket(b []byte) (p Packet, rest []byte, ok bool) {
	if len(b) < Overhead-3 {
		return p, nil, false
	}
	n := binary.LittleEndian.Uint32(b[4:])
	size := binary.LittleEndian.Uint32(b[20:])
	if n < Overhead-3 || uint64(n) > uint64(len(b)) || (uint64(size)+3)&^3+Overhead-3 > uint64(n) {
		return p, nil, false
	}
	p = Packet{
		Interface: binary.LittleEndian.Uint32(b[8:]),
		At:        uint64(binary.LittleEndian.Uint32(b[12:]))<<32 | uint64(binary.LittleEndian.Uint32(b[16:])),
		Flags:     binary.LittleEndian.Uint32(b[28+(size+3)&^3+4:]),
		Length:    binary.LittleEndian.Uint32(b[24:]),
		Data:      b[28 : 28+size : 28+size],
		Block:     b[:n:n],
	}
	return p, b[n:], true
}

// AppendCommented appends a block that AppendPacket wrote, with comments.
func AppendCommented(b, block []byte, comments ...string) []byte {
	if len(block) < Overhead-3 {
		return append(b, block...)
	}
	at := len(b)
	b = append(b, block[:len(block)-8]...)
	for _, c := range comments {
		b = option(b, optComment, c)
	}
	return finish(endOptions(b), at)
}

// AppendCounters appends an interface statistics block.
func AppendCounters(b []byte, iface uint32, c Counters) []byte {
	b, at := begin(b, blockStatistics)
	b = binary.LittleEndian.AppendUint32(b, iface)
	b = stamp(b, c.End)
	for _, t := range []struct {
		code uint16
		at   time.Time
	}{{isbStart, c.Start}, {isbEnd, c.End}} {
		b = binary.LittleEndian.AppendUint32(b, uint32(t.code)|8<<16)
		b = stamp(b, t.at)
	}
	for _, n := range []struct {
		code  uint16
		value int64
	}{{isbReceived, c.Received}, {isbIfDrop, c.IfDropped}, {isbAccepted, c.Accepted}, {isbOSDrop, c.OSDropped}, {isbDelivered, c.Delivered}} {
		if n.value >= 0 {
			b = binary.LittleEndian.AppendUint32(b, uint32(n.code)|8<<16)
			b = binary.LittleEndian.AppendUint64(b, uint64(n.value))
		}
	}
	return finish(endOptions(b), at)
}

// stamp appends a time as two words, the high one first.
func stamp(b []byte, t time.Time) []byte {
	n := uint64(t.UnixNano())
	b = binary.LittleEndian.AppendUint32(b, uint32(n>>32))
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}
