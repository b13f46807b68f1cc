package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

const (
	readChunk = 256 << 10
	block     = 4096 // the least that is read, and given up, of a damaged disk
	// maxUnreadable bounds the blocks of one file that are tried in vain: each may take
	// a failing disk seconds.
	maxUnreadable = 4096
	// maxPseudo bounds a file that the kernel makes while it is read.
	maxPseudo = 4 << 20
)

// A reading is what came of reading one file. The fill that makes it hands it over
// when it ends: one that was left behind hands over nothing.
type reading struct {
	began, ended time.Time
	taken        int64 // bytes that were written, zeros for what is unreadable too
	unreadable   []UnreadableRow
	extents      []sparse.Extent
	mayMove      bool // the access time
	way, other   string
	err          error
}

// opened is what the system says of an open file; zero where it says nothing.
type opened struct {
	size    int64
	id      collector.FileID
	mayMove bool
	known   bool
}

// A reader reads files of one host.
type reader struct {
	limits  Options
	buffers *sync.Pool
}

func newReader(o Options) *reader {
	return &reader{limits: o, buffers: &sync.Pool{New: func() any { return new([readChunk]byte) }}}
}

// read writes a file's contents to w; h has a pulse of its own.
func (r *reader) read(ctx context.Context, h *collector.Host, w io.Writer, f *file) *reading {
	c := &contents{reading: reading{began: h.Time()}, ctx: ctx, w: w, pulse: h.Pulse}
	buf := r.buffers.Get().(*[readChunk]byte)
	c.buf = buf[:]
	c.err = c.file(h, f, r.limits)
	c.ended = h.Time()
	r.buffers.Put(buf)
	return &c.reading
}

// contents is one file on its way.
type contents struct {
	reading
	ctx   context.Context
	w     io.Writer
	pulse *collector.Pulse
	buf   []byte
	name  string
	src   collector.Reader
	os    *os.File // src, if the kernel opened it; else nil
	kept  []byte   // what was read of a small file, for the other way to be held against
	keep  bool
}

func (c *contents) file(h *collector.Host, f *file, limits Options) error {
	if made, ok := pseudo(f.path); ok && h.Live && made {
		return evidence.Skip("reading it takes from the kernel what others wait for, or more than there is")
	}
	from := *h
	_, kernels := pseudo(f.path)
	from.Stored, from.NoLinks = !kernels || !h.Live, true
	src, err := from.Reader(f.path)
	if err != nil {
		return err
	}
	defer src.Close()
	c.src, c.name = src, f.path
	c.os, _ = src.(*os.File)
	meta := f.meta
	if h.Drives != nil {
		meta = c.chooseWay(meta)
	}
	var o opened
	if c.os != nil {
		o = look(c.os, h.View == nil)
		c.mayMove = o.mayMove
	}
	if o.known && f.meta.Inode != 0 && o.id != (collector.FileID{Dev: f.meta.Dev, Inode: f.meta.Inode}) {
		return evidence.Gone("replaced by another file since it was looked at")
	}
	if _, ok := pseudo(f.path); h.Live && ok || meta.Size == 0 {
		return c.toItsEnd(meta.Size)
	}
	if limits.sparse(meta) && c.knowsHoles() {
		return c.data(meta.Size, limits.MaxFile)
	}
	if meta.Size > limits.MaxFile { // it is larger on the disk than the system said
		return evidence.Cut("limit for one file: %d bytes, over %d", meta.Size, limits.MaxFile)
	}
	if err := c.whole(meta); err != nil {
		return err
	}
	if c.os != nil {
		if after := look(c.os, false); after.known && after.size > meta.Size {
			return evidence.Gone("grew from %d to %d bytes until it was read; the first %d are here", meta.Size, after.size, meta.Size)
		}
	}
	if c.keep {
		c.other = otherWay(&from, f, c.kept)
	}
	return nil
}

// knowsHoles says whether the file can tell where its holes are.
func (c *contents) knowsHoles() bool {
	_, image := c.src.(collector.HoleReader)
	return c.os != nil || image
}

// pseudo says whether the kernel makes a file when it is read, so that its size says
// nothing; never is true for those that must not be read.
func pseudo(name string) (never, ok bool) {
	if !strings.HasPrefix(name, "/proc/") && !strings.HasPrefix(name, "/sys/") {
		return false, false
	}
	switch path.Base(name) {
	case "kmsg", "kcore", "trace_pipe", "trace_pipe_raw", "vmcore", "mem", "clear_refs":
		return true, true
	}
	return false, true
}

// toItsEnd reads a file whose size says nothing.
func (c *contents) toItsEnd(size int64) error {
	for c.taken <= maxPseudo {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		c.pulse.Ask(c.name)
		n, err := c.src.Read(c.buf)
		c.pulse.Answer()
		if werr := c.write(c.buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			if size == 0 && c.taken > 0 && !strings.HasPrefix(c.name, "/proc/") && !strings.HasPrefix(c.name, "/sys/") {
				return evidence.Gone("grew from 0 to %d bytes until it was read", c.taken)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return evidence.Cut("more than %d bytes of a file without a size", maxPseudo)
}

// data writes the data of a sparse file one after another; where they belong is in extents.
func (c *contents) data(size, limit int64) (err error) {
	c.extents, err = sparse.Copy(c.ctx, c.w, c.src, size, limit)
	for _, e := range c.extents {
		c.taken += e.Length
	}
	if err != nil {
		return err
	}
	return evidence.Part("sparse: %d bytes, of which only the %d data extents are here; see the table of extents", size, len(c.extents))
}

// whole writes the file byte for byte; holes are not read, but written as the zeros
// that they are.
func (c *contents) whole(m *evidence.FileMeta) error {
	holes := c.knowsHoles() && m.Blocks*512 < m.Size
	for at := int64(0); at < m.Size; {
		from, to := at, m.Size
		if holes {
			var ok bool
			c.pulse.Ask(c.name)
			if from, to, ok = sparse.Next(c.src, at, m.Size); !ok {
				from, to = m.Size, m.Size
			}
			c.pulse.Answer()
		}
		if err := c.zeros(from - at); err != nil {
			return err
		}
		if err := c.span(from, to); err != nil {
			return err
		}
		at = to
	}
	if n := len(c.unreadable); n > 0 {
		first := c.unreadable[0]
		return fmt.Errorf("%d bytes in %d places are unreadable (first at %d: %s): zeros stand for them", c.lost(), n, first.Offset, first.Error)
	}
	return nil
}

// span writes the bytes from one offset to another.
func (c *contents) span(at, to int64) error {
	tried := 0
	for at < to {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		want := c.buf[:min(int64(len(c.buf)), to-at)]
		n, err := c.readAt(want, at)
		if werr := c.write(want[:n]); werr != nil {
			return werr
		}
		at += int64(n)
		switch {
		case n == len(want) || err == nil && n > 0:
		case err == io.EOF || err == nil:
			return c.short(at, to)
		case !damaged(err):
			return err
		default:
			if tried++; tried > maxUnreadable {
				return fmt.Errorf("more than %d blocks are unreadable: nothing is read from %d on: %w", maxUnreadable, at, err)
			}
			k, err := c.salvage(at, min((at/block+1)*block, to))
			if err != nil {
				return err
			}
			at += k
		}
	}
	return nil
}

// salvage tries one block alone, and writes zeros for what of it cannot be read.
func (c *contents) salvage(at, to int64) (int64, error) {
	want := c.buf[:to-at]
	n, err := c.readAt(want, at)
	if n < len(want) && (err == nil || err == io.EOF) {
		if err := c.write(want[:n]); err != nil {
			return 0, err
		}
		return 0, c.short(at+int64(n), to)
	}
	if n < len(want) {
		clear(want[n:])
		lost := UnreadableRow{Offset: at + int64(n), Length: int64(len(want) - n), Error: errnoText(err)}
		last := len(c.unreadable) - 1
		if last >= 0 && c.unreadable[last].Offset+c.unreadable[last].Length == lost.Offset && c.unreadable[last].Error == lost.Error {
			c.unreadable[last].Length += lost.Length
		} else {
			c.unreadable = append(c.unreadable, lost)
		}
	}
	return to - at, c.write(want)
}

func (c *contents) readAt(b []byte, at int64) (int, error) {
	c.pulse.Ask(c.name)
	defer c.pulse.Answer()
	return c.src.ReadAt(b, at)
}

// short says that a file ended before its size.
func (c *contents) short(at, to int64) error {
	if c.os == nil {
		return fmt.Errorf("%s: ends after %d of %d bytes: %w", c.name, at, to, io.ErrUnexpectedEOF)
	}
	return evidence.Gone("shrank to %d bytes, from %d or more, while it was read", at, to)
}

func (c *contents) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if c.keep {
		c.kept = append(c.kept, b...)
	}
	n, err := c.w.Write(b)
	c.taken += int64(n)
	return err
}

func (c *contents) zeros(n int64) error {
	if n == 0 {
		return nil
	}
	clear(c.buf)
	for n > 0 {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		k := min(n, int64(len(c.buf)))
		if err := c.write(c.buf[:k]); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// lost is how many bytes could not be read.
func (c *reading) lost() (n int64) {
	for _, u := range c.unreadable {
		n += u.Length
	}
	return n
}

// errnoText is the system's own word for an error, without the name.
func errnoText(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return err.Error()
}
