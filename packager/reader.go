package packager

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A piece is one frame on its way to the checker: in order, decompressed, with
// the hash of the archive before it (stored frames) or up to its end (markers).
type piece struct {
	*frame
	before, after Prefix
	hashed        []byte // state of the hash after a stored frame
	err           error  // why the frame, or what follows, cannot be read
	ready         chan struct{}
	pool          *sync.Pool // of *[]byte: where the memory of a data frame comes from
}

// release gives the memory of a data frame back, when nobody looks at it any more.
func (p *piece) release() {
	if p.frame == nil || p.kind != frameData {
		return
	}
	bytes, plain := p.bytes, p.plain
	p.pool.Put(&bytes)
	p.pool.Put(&plain)
	p.frame = nil
}

// readPieces reads frames from r and decompresses them side by side. The channel
// ends with a piece that has an error (io.EOF at the clean end), or when ctx ends.
func readPieces(ctx context.Context, r io.Reader) (<-chan *piece, error) {
	workers := min(runtime.GOMAXPROCS(0), 4)
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(workers),
		zstd.WithDecoderMaxMemory(BlockSize), zstd.WithDecoderMaxWindow(BlockSize), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	out, jobs := make(chan *piece, workers+1), make(chan *piece, workers+1)
	for range workers {
		go func() {
			buf := zstd.Header{}
			for p := range jobs {
				p.unpack(unzip, &buf)
			}
		}()
	}
	go func() {
		defer close(out)
		defer close(jobs)
		readInto(ctx, bufio.NewReaderSize(r, 64<<10), out, jobs)
	}()
	return out, nil
}

func readInto(ctx context.Context, r io.Reader, out, jobs chan<- *piece) {
	sum, off := sha256.New(), int64(0)
	pool := newBytePool()
	at := func() Prefix { return Prefix{off, hex.EncodeToString(sum.Sum(nil))} }
	for {
		f, err := nextFrame(r, off, *pool.Get().(*[]byte))
		p := &piece{frame: f, err: err, ready: make(chan struct{}), pool: pool}
		if err == nil {
			if f.kind == frameStored {
				p.before = at()
			}
			sum.Write(f.bytes)
			off += int64(len(f.bytes))
			if f.kind != frameData {
				p.after = at()
				p.hashed, _ = sum.(encoding.BinaryMarshaler).MarshalBinary()
			}
		}
		if err == nil && f.kind == frameData {
			select {
			case jobs <- p:
			case <-ctx.Done():
				return
			}
		} else {
			close(p.ready)
		}
		select {
		case out <- p:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func newBytePool() *sync.Pool { return &sync.Pool{New: func() any { return new([]byte) }} }

// unpack decompresses a data frame and checks what RFC 8878 leaves open.
func (p *piece) unpack(unzip *zstd.Decoder, h *zstd.Header) {
	defer close(p.ready)
	if err := h.Decode(p.bytes); err != nil {
		p.err = fmt.Errorf("%w: frame at offset %d: %v", errFrame, p.off, err)
		return
	}
	if !h.HasFCS || h.FrameContentSize == 0 || h.FrameContentSize > BlockSize || h.WindowSize > BlockSize {
		p.err = fmt.Errorf("%w: frame at offset %d: window or size over %d", errFrame, p.off, BlockSize)
		return
	}
	room := (*p.pool.Get().(*[]byte))[:0]
	plain, err := unzip.DecodeAll(p.bytes, slices.Grow(room, int(h.FrameContentSize)))
	if err != nil {
		p.err = fmt.Errorf("%w: frame at offset %d: %v", errFrame, p.off, err)
		return
	}
	p.plain = plain
}

// A tarParser takes tar bytes as they come and tells of the members in them.
type tarParser struct {
	epoch   int64 // -1 until the first header told it
	off     int64 // tar bytes so far
	start   int64 // where the member that is read began, its pax header included
	head    []byte
	pax     bool
	path    string // from a pax header
	paxName string // of that header itself
	left    int64  // contents still to come
	pad     int64  // padding still to come
	inside  bool   // a member is open
	paxBody []byte
	to      memberTaker
}

// A memberTaker is told of members.
type memberTaker interface {
	memberBegin(name string, size, tarOff int64) error
	memberBytes(b []byte) error
	memberEnd() error
}

// boundary says whether the parser stands between two members.
func (t *tarParser) boundary() bool {
	return !t.inside && !t.pax && t.path == "" && len(t.head) == 0 && t.left == 0 && t.pad == 0
}

func (t *tarParser) feed(b []byte) error {
	for len(b) > 0 {
		n, err := t.step(b)
		if err != nil {
			return err
		}
		t.off += int64(n)
		b = b[n:]
	}
	return nil
}

func (t *tarParser) step(b []byte) (int, error) {
	switch {
	case t.left > 0:
		n := int(min(t.left, int64(len(b))))
		t.left -= int64(n)
		if t.pax {
			t.paxBody = append(t.paxBody, b[:n]...)
			return n, t.endContents()
		}
		if err := t.to.memberBytes(b[:n]); err != nil {
			return 0, err
		}
		return n, t.endContents()
	case t.pad > 0:
		n := int(min(t.pad, int64(len(b))))
		for _, c := range b[:n] {
			if c != 0 {
				return 0, fmt.Errorf("%w: bytes hidden in the padding before tar offset %d", errTar, t.off+t.pad)
			}
		}
		t.pad -= int64(n)
		return n, nil
	}
	if len(t.head) == 0 && t.path == "" {
		t.start = t.off
	}
	n := min(tarBlock-len(t.head), len(b))
	t.head = append(t.head, b[:n]...)
	if len(t.head) < tarBlock {
		return n, nil
	}
	err := t.header()
	t.head = t.head[:0]
	return n, err
}

func (t *tarParser) header() error {
	if t.epoch < 0 {
		t.epoch = epochOf(t.head)
	}
	name, size, pax, err := parseHeader(t.head, t.epoch)
	if err != nil {
		return fmt.Errorf("tar offset %d: %w", t.start, err)
	}
	t.left, t.pad, t.pax, t.paxBody = size, padding(size), pax, nil
	if pax {
		if t.path != "" || size == 0 || size > 1024 {
			return fmt.Errorf("%w: pax header of %d bytes", errTar, size)
		}
		t.paxName = name
		return nil
	}
	if t.path != "" {
		// Tools that do not know pax headers go by these names.
		if id, _, _ := strings.Cut(t.path, "/"); t.paxName != id+"/pax" || name != id+"/long" {
			return fmt.Errorf("%w: %q has a pax header with the names %q and %q", errTar, t.path, t.paxName, name)
		}
		name, t.path = t.path, ""
	} else if len(name) > 5 && name[len(name)-5:] == "/long" && idPattern.MatchString(name[:len(name)-5]) {
		return fmt.Errorf("%w: a long name without its pax header", errTar)
	}
	t.inside = true
	if err := t.to.memberBegin(name, size, t.start); err != nil {
		return err
	}
	return t.endContents()
}

// endContents acts when the contents are whole; padding may still follow.
func (t *tarParser) endContents() (err error) {
	if t.left > 0 {
		return nil
	}
	if t.pax {
		t.pax = false
		t.path, err = parsePax(t.paxBody)
		return err
	}
	t.inside = false
	return t.to.memberEnd()
}

// epochOf reads the time of the first header, which all others must have.
func epochOf(h []byte) int64 {
	var n int64
	for _, c := range h[136:147] {
		if c < '0' || c > '7' {
			return 0
		}
		n = n<<3 | int64(c-'0')
	}
	return n
}

// storedMembers parses the contents of a stored frame: whole members, and for
// the seal the end of the tar stream after them.
func storedMembers(content []byte, epoch int64, id string) (list []member, rest []byte, err error) {
	for len(content) >= tarBlock && content[0] != 0 {
		name, size, pax, err := parseHeader(content[:tarBlock], epoch)
		if err != nil {
			return nil, nil, err
		}
		end := tarBlock + size + padding(size)
		if pax || size > maxStored || end > int64(len(content)) || len(name) <= len(id) || name[:len(id)+1] != id+"/" {
			return nil, nil, fmt.Errorf("%w: %q in a statement's frame", errTar, name)
		}
		m := member{name[len(id)+1:], content[tarBlock : tarBlock+size]}
		for _, c := range content[tarBlock+size : end] {
			if c != 0 {
				return nil, nil, fmt.Errorf("%w: bytes hidden in the padding after %q", errTar, name)
			}
		}
		list, content = append(list, m), content[end:]
	}
	return list, content, nil
}
