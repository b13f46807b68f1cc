package minidump

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// A File is a minidump that was read.
type File struct {
	Dump
	Flags uint64
	// Places has, for each of Ranges, where its bytes begin in the file.
	Places []int64
	r      io.ReaderAt
}

// ErrDamaged is wrapped by the errors of what is no minidump, or not a whole one.
var ErrDamaged = errors.New("damaged minidump")

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, a...)...)
}

// maxStream bounds one stream, but for memory.
const maxStream = 256 << 20

// Read reads a minidump of size bytes, but not its memory. Streams that it does
// not know are passed over, and so is the second of a kind.
func Read(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, headerSize)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, damaged("header: %v", err)
	}
	u32 := binary.LittleEndian.Uint32
	if u32(head) != signature || u32(head[4:])&0xffff != version {
		return nil, damaged("header: %x", head[:8])
	}
	n := u32(head[8:])
	if n > 1<<10 {
		return nil, damaged("%d streams", n)
	}
	f := &File{Flags: binary.LittleEndian.Uint64(head[24:]), r: r}
	f.Time = time.Unix(int64(u32(head[20:])), 0).UTC()
	dir := make([]byte, dirSize*n)
	if _, err := r.ReadAt(dir, int64(u32(head[12:]))); err != nil {
		return nil, damaged("directory: %v", err)
	}
	seen := map[uint32]bool{}
	for ; len(dir) > 0; dir = dir[dirSize:] {
		kind := u32(dir)
		if kind > streamThreadInfo || seen[kind] {
			continue
		}
		seen[kind] = true
		length, at := int64(u32(dir[4:])), int64(u32(dir[8:]))
		if length > maxStream || at+length > size {
			return nil, damaged("stream %d: %d bytes at %d of %d", u32(dir), length, at, size)
		}
		b := make([]byte, length)
		if _, err := r.ReadAt(b, at); err != nil && length > 0 {
			return nil, damaged("stream %d: %v", u32(dir), err)
		}
		if err := f.stream(u32(dir), &fields{b: b, f: f}, size); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *File) stream(kind uint32, b *fields, size int64) error {
	switch kind {
	case streamSystem:
		f.readSystem(b)
	case streamMisc:
		f.readMisc(b)
	case streamThreads:
		f.readThreads(b)
	case streamThreadInfo:
		f.readThreadInfo(b)
	case streamModules:
		f.readModules(b)
	case streamAreas:
		f.readAreas(b)
	case streamHandles:
		f.readHandles(b)
	case streamMemory64:
		f.readMemory(b, size)
	default:
		return nil
	}
	if b.bad != "" {
		return damaged("stream %d: %s", kind, b.bad)
	}
	return nil
}

// fields reads one after another; what is not there is zero, and bad says so.
type fields struct {
	b   []byte
	f   *File
	bad string
}

func (b *fields) take(n int) []byte {
	if n > len(b.b) {
		if b.bad == "" {
			b.bad = "it ends too early"
		}
		b.b = nil
		return make([]byte, n)
	}
	out := b.b[:n]
	b.b = b.b[n:]
	return out
}

func (b *fields) u16() uint16 { return binary.LittleEndian.Uint16(b.take(2)) }
func (b *fields) u32() uint32 { return binary.LittleEndian.Uint32(b.take(4)) }
func (b *fields) u64() uint64 { return binary.LittleEndian.Uint64(b.take(8)) }

// count refuses a number of entries for which there are no bytes.
func (b *fields) count(n uint64, each int) int {
	if n > uint64(len(b.b)/each) {
		b.bad = fmt.Sprintf("%d entries in %d bytes", n, len(b.b))
		return 0
	}
	return int(n)
}

// text reads a MINIDUMP_STRING at a place.
func (b *fields) text(at uint32) []uint16 {
	if at == 0 {
		return nil
	}
	var n [4]byte
	if _, err := b.f.r.ReadAt(n[:], int64(at)); err != nil {
		b.bad = "a string is not there"
		return nil
	}
	length := binary.LittleEndian.Uint32(n[:])
	if length > maxText {
		b.bad = "a string is too long"
		return nil
	}
	raw := make([]byte, length)
	if _, err := b.f.r.ReadAt(raw, int64(at)+4); err != nil && length > 0 {
		b.bad = "a string ends too early"
		return nil
	}
	out := make([]uint16, length/2)
	for i := range out {
		out[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return out
}

// entries takes the sizes with which newer lists begin, of which read bytes were
// read, skips what of the head is new to us, and gives the number of entries.
func (b *fields) entries(head, read, entry uint32, n uint64, ours int) int {
	if b.bad != "" || head < read || head > 1<<12 || entry < uint32(ours) || entry > 1<<12 {
		b.bad = fmt.Sprintf("entries of %d bytes after %d", entry, head)
		return 0
	}
	b.take(int(head - read))
	return b.count(n, int(entry))
}
