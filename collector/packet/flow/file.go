package flow

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxCaptured bounds one packet of a file, as Wireshark does.
const maxCaptured = 262_144

// A FileError says where a capture file is cut or corrupt, and why. All packets before
// it were read.
type FileError struct {
	Offset int64 // of the record or block in the file, in bytes
	Packet int   // the packets read before it
	Err    error // why; io.ErrUnexpectedEOF if the file ends in the middle
}

// Error says where and why.
func (e *FileError) Error() string {
	return fmt.Sprintf("byte %d, after %d packets: %v", e.Offset, e.Packet, e.Err)
}

// Unwrap gives the reason.
func (e *FileError) Unwrap() error { return e.Err }

// ErrNoCapture says that a file is neither pcap nor pcapng.
var ErrNoCapture = errors.New("neither pcap nor pcapng")

// ReadFile reads a capture file into tables: pcap (microseconds or nanoseconds, either
// byte order, Kuznetzov's variant) or pcapng. A file that is cut or corrupt gives its
// good part, and a *FileError that says where and why. It returns ctx's error when ctx
// ends, and ErrNoCapture, in a *FileError, if the file is something else.
func ReadFile(ctx context.Context, r io.Reader, t *Tables) error {
	return readCapture(ctx, r, func(p *filePacket) { t.Packet(p.iface, p.link, p.at, p.data, p.length) }, t.Interface)
}

// A filePacket is one packet of a file. Data is only good until the next.
type filePacket struct {
	iface  int
	link   uint16
	at     time.Time
	noTime bool // the file has none: at is that of the packet before
	data   []byte
	length int // on the wire
}

// A captureReader reads a file and knows where it is.
type captureReader struct {
	ctx    context.Context
	in     *bufio.Reader
	at     int64 // bytes read so far
	record int64 // where the record in hand began
	count  int   // packets so far
	buf    []byte
	order  binary.ByteOrder
	each   func(*filePacket)
	named  func(iface int, name string)
	last   time.Time
}

func readCapture(ctx context.Context, r io.Reader, each func(*filePacket), named func(int, string)) error {
	c := &captureReader{ctx: ctx, in: bufio.NewReaderSize(r, 1<<18), each: each, named: named, order: binary.LittleEndian}
	head, err := c.in.Peek(12)
	var format func() error
	switch {
	case len(head) < 12:
		if err == nil || err == io.EOF {
			err = ErrNoCapture
		}
	case be32(head) == ngSection:
		format = c.pcapng
	default:
		if v, ok := pcapMagic(head); ok {
			format = func() error { return c.pcap(v) }
		} else {
			err = ErrNoCapture
		}
	}
	if format != nil {
		err = format()
	}
	if err == nil || err == ctx.Err() {
		return err
	}
	var placed *FileError
	if errors.As(err, &placed) {
		return err
	}
	return &FileError{Offset: c.record, Packet: c.count, Err: err}
}

// take reads n bytes; they are good until the next take.
func (c *captureReader) take(n int) ([]byte, error) {
	if n > cap(c.buf) {
		// Grow with what is really there: a length may lie.
		var b bytes.Buffer
		got, err := io.CopyN(&b, c.in, int64(n))
		c.at += got
		if c.buf = b.Bytes(); err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return c.buf, err
	}
	c.buf = c.buf[:n]
	got, err := io.ReadFull(c.in, c.buf)
	c.at += int64(got)
	if err == io.EOF && n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return c.buf[:got], err
}

// ended says whether the file ends here, where a record may end.
func (c *captureReader) ended() bool {
	_, err := c.in.Peek(1)
	return err == io.EOF
}

// skip passes over n bytes.
func (c *captureReader) skip(n int64) error {
	got, err := io.CopyN(io.Discard, c.in, n)
	c.at += got
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// packet hands on one packet.
func (c *captureReader) packet(p *filePacket) {
	if p.noTime {
		p.at = c.last
	}
	c.last = p.at
	c.count++
	c.each(p)
}

// A pcapVariant is a form of pcap.
type pcapVariant struct {
	order binary.ByteOrder
	unit  time.Duration // of the fraction of a second
	extra int           // bytes of a record's header beyond the usual 16
}

// pcapMagic knows the variants by their first four bytes.
func pcapMagic(head []byte) (v pcapVariant, ok bool) {
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		switch order.Uint32(head) {
		case 0xa1b2c3d4:
			return pcapVariant{order, time.Microsecond, 0}, true
		case 0xa1b23c4d:
			return pcapVariant{order, time.Nanosecond, 0}, true
		case 0xa1b2cd34: // Kuznetzov's: interface, protocol and direction
			return pcapVariant{order, time.Microsecond, 8}, true
		}
	}
	return v, false
}

// pcap reads the old format (draft-ietf-opsawg-pcap).
func (c *captureReader) pcap(v pcapVariant) error {
	head, err := c.take(24)
	if err != nil {
		return fmt.Errorf("the file's header: %w", err)
	}
	major, minor, link := v.order.Uint16(head[4:]), v.order.Uint16(head[6:]), uint16(v.order.Uint32(head[20:]))
	if major != 2 && major != 543 { // 543.0: written by old AIX, as Wireshark knows
		return fmt.Errorf("version %d.%d of pcap", major, minor)
	}
	for !c.ended() {
		if c.count&1023 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		c.record = c.at
		head, err := c.take(16 + v.extra)
		if err != nil {
			return fmt.Errorf("a record's header: %w", err)
		}
		seconds, fraction := v.order.Uint32(head), v.order.Uint32(head[4:])
		captured, length := v.order.Uint32(head[8:]), v.order.Uint32(head[12:])
		if major == 2 && (minor < 3 || minor == 3 && captured > length) {
			captured, length = length, captured
		}
		if captured > maxCaptured {
			return fmt.Errorf("a packet of %d bytes, more than the %d that are read", captured, maxCaptured)
		}
		data, err := c.take(int(captured))
		if err != nil {
			return fmt.Errorf("a packet of %d bytes, of which %d are there: %w", captured, len(data), err)
		}
		at := time.Unix(int64(seconds), 0).Add(time.Duration(fraction) * v.unit)
		c.packet(&filePacket{link: link, at: at, data: data, length: int(min(length, 1<<30))})
	}
	return nil
}
