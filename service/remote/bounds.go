package remote

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/nats-io/nats.go"
)

// What a hub may send, in bytes. nats.go believes what a server says: it makes room for
// any size and keeps a line without end.
const (
	longestLine    = 64 << 10 // with its end
	longestHeader  = 16 << 10
	longestMessage = 1 << 20 // header and payload; the default limit of a NATS server
)

// ErrWire is wrapped when the hub sends what is not NATS, or is larger than anything here.
var ErrWire = errors.New("not what a hub sends")

// bounded gives nats.go only what it can take: whole lines in the one form that a NATS
// server writes them in, and payloads of the size that was said. After anything else the
// connection is closed.
type bounded struct {
	net.Conn
	in   *bufio.Reader
	line []byte // checked, and not read yet; in the buffer of in
	left int    // of a payload
	tail bool   // behind it comes the end of a line
	err  error  // for ever
}

func newBounded(c net.Conn) *bounded {
	return &bounded{Conn: c, in: bufio.NewReaderSize(c, longestLine)}
}

// Read implements net.Conn. It is called by one goroutine at a time.
func (b *bounded) Read(p []byte) (int, error) {
	if len(p) == 0 || b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	if err != nil {
		b.err = err
		if errors.Is(err, ErrWire) {
			b.Conn.Close()
		}
	}
	return n, err
}

func (b *bounded) read(p []byte) (int, error) {
	if len(b.line) == 0 && b.left == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	if len(b.line) > 0 {
		n := copy(p, b.line)
		b.line = b.line[n:]
		return n, nil
	}
	n, err := b.in.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// next reads a line, or the end of one behind a payload.
func (b *bounded) next() error {
	line, err := b.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("%w: a line over %d bytes", ErrWire, longestLine)
	case err != nil:
		return err
	case b.tail && string(line) != "\r\n":
		return fmt.Errorf("%w: a message longer than it says", ErrWire)
	case b.tail:
		b.line, b.tail = line, false
		return nil
	}
	header, size, err := checkLine(line)
	if err != nil {
		return err
	}
	if header > 0 {
		line = bytes.Clone(line) // the buffer moves
		if err := b.checkHeader(header); err != nil {
			return err
		}
	}
	b.line, b.left, b.tail = line, max(size, 0), size >= 0
	return nil
}

// checkHeader looks at the header that follows, and leaves it there.
func (b *bounded) checkHeader(size int) error {
	h, err := b.in.Peek(size)
	if err != nil {
		return err
	}
	if _, err := nats.DecodeHeadersMsg(h); err != nil {
		return fmt.Errorf("%w: %w", ErrWire, err)
	}
	return nil
}

// checkLine takes a line with its end and gives the sizes of what follows it: header
// (0: none), and all of the message with it (-1: there is no message). Every form but
// the one that nats-server writes is refused, so that nobody after us reads it otherwise.
func checkLine(line []byte) (header, size int, err error) {
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.ContainsAny(text, "\r\n") {
		return 0, 0, fmt.Errorf("%w: the line %.80q", ErrWire, line)
	}
	verb, rest, _ := bytes.Cut(text, []byte(" "))
	switch string(verb) {
	case "PING", "PONG", "+OK":
		ok = len(text) == len(verb)
	case "INFO", "-ERR":
		ok = len(rest) > 0 && rest[0] > ' '
	case "MSG":
		size, ok = sizes(rest, nil)
		return 0, size, wrong(line, ok)
	case "HMSG":
		size, ok = sizes(rest, &header)
		return header, size, wrong(line, ok)
	default:
		ok = false
	}
	return 0, -1, wrong(line, ok)
}

func wrong(line []byte, ok bool) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: the line %.80q", ErrWire, line)
}

// sizes reads "subject sid [reply] [header] size", with header if it is wanted.
func sizes(rest []byte, header *int) (size int, ok bool) {
	f := bytes.Split(rest, []byte(" "))
	want := 3
	if header != nil {
		want++
	}
	if len(f) != want && len(f) != want+1 {
		return 0, false
	}
	for _, field := range f {
		if len(field) == 0 || bytes.ContainsFunc(field, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return 0, false
		}
	}
	if _, ok := decimal(f[1], 1<<31-1); !ok {
		return 0, false
	}
	if size, ok = decimal(f[len(f)-1], longestMessage); !ok {
		return 0, false
	}
	if header != nil {
		*header, ok = decimal(f[len(f)-2], min(size, longestHeader))
	}
	return size, ok
}

// decimal reads digits only.
func decimal(b []byte, most int) (int, bool) {
	n, err := strconv.ParseUint(string(b), 10, 63)
	return int(n), err == nil && n <= uint64(most)
}
