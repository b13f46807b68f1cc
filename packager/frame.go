package packager

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"hozen/packager/cipher"
)

// Frames: RFC 8878 (zstd). The archive is a row of frames of six kinds, told
// apart by their first bytes alone.
type frameKind uint8

const (
	frameData      frameKind = iota + 1 // compressed tar bytes
	frameStored                         // a statement or the seal, in the stored canonical form
	frameMarker                         // after each checkpoint
	frameHint                           // where the seal is
	frameSeekTable                      // zstd seekable format 0.1.0
	framePad                            // after each marker of an archive that is encrypted
)

const (
	magicZstd      = 0xFD2FB528
	magicMarker    = 0x184D2A5C // skippable frames: 0x184D2A50 to …5F
	magicHint      = 0x184D2A5B
	magicPad       = 0x184D2A5D
	magicSeekTable = 0x184D2A5E
	seekFooter     = 0x8F92EAB1
	// storedDescriptor is Frame_Header_Descriptor of the stored form: content size
	// of 4 bytes, single segment, no checksum, no dictionary.
	storedDescriptor = 0xA0
)

// storedFrame gives the one and only encoding of a statement frame: raw blocks,
// so that its bytes can be told from its contents (compressed frames cannot).
func storedFrame(content []byte) []byte {
	out := binary.LittleEndian.AppendUint32(nil, magicZstd)
	out = append(out, storedDescriptor)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(content)))
	for {
		n := min(len(content), storedBlock)
		last := 0
		if n == len(content) {
			last = 1
		}
		head := uint32(n<<3 | last)
		out = append(out, byte(head), byte(head>>8), byte(head>>16))
		out = append(out, content[:n]...)
		if content = content[n:]; last == 1 {
			return out
		}
	}
}

func skippable(magic uint32, payload []byte) []byte {
	out := binary.LittleEndian.AppendUint32(nil, magic)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(payload)))
	return append(out, payload...)
}

// marker follows the statement of checkpoint k. It is plain text that names the
// collection by its genesis statement, so that no file on the host can have been
// made to hold it, and sed can find it.
func marker(genesis string, k int) []byte {
	return skippable(magicMarker, fmt.Appendf(nil, "hozen-cp %s %08d\n", genesis[:16], k))
}

// hint follows the seal frame and tells its tar offset. It is untrusted.
func hint(genesis string, tarOff int64) []byte {
	return skippable(magicHint, fmt.Appendf(nil, "hozen-end %s %020d\n", genesis[:16], tarOff))
}

// A frameSize is one entry of the seek table.
type frameSize struct{ packed, plain uint32 }

// seekTable gives the frame of the zstd seekable format 0.1.0 (facebook/zstd,
// contrib/seekable_format), without checksums.
func seekTable(frames []frameSize) []byte {
	var b []byte
	for _, f := range frames {
		b = binary.LittleEndian.AppendUint32(b, f.packed)
		b = binary.LittleEndian.AppendUint32(b, f.plain)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(frames)))
	b = append(b, 0)
	b = binary.LittleEndian.AppendUint32(b, seekFooter)
	return skippable(magicSeekTable, b)
}

// A frame is one frame as it lies in the archive.
type frame struct {
	kind  frameKind
	off   int64
	bytes []byte // the whole frame, header included
	plain []byte // contents of a stored frame; payload of a skippable one
}

var (
	errCut   = errors.New("the archive ends within a frame")
	errFrame = errors.New("not a frame of this format")
)

// nextFrame reads one frame from r, which stands at offset off. At the clean end
// it gives io.EOF, within a frame errCut; anything that this format does not
// have is errFrame.
// buf is where the frame's bytes go, if there is room.
func nextFrame(r io.Reader, off int64, buf []byte) (*frame, error) {
	var head [9]byte
	switch n, err := io.ReadFull(r, head[:8]); {
	case err == io.EOF:
		return nil, io.EOF
	case err == io.ErrUnexpectedEOF:
		return nil, fmt.Errorf("%w: %d bytes at offset %d", errCut, n, off)
	case err != nil:
		return nil, err
	}
	f := &frame{off: off, bytes: append(buf[:0], head[:8]...)}
	magic := binary.LittleEndian.Uint32(head[:])
	switch magic {
	case magicZstd:
		return f, f.readZstd(r)
	case magicMarker, magicHint, magicSeekTable, magicPad:
		f.kind = map[uint32]frameKind{magicMarker: frameMarker, magicHint: frameHint, magicSeekTable: frameSeekTable, magicPad: framePad}[magic]
		size := binary.LittleEndian.Uint32(head[4:])
		if limit := map[frameKind]uint32{frameMarker: 64, frameHint: 64, frameSeekTable: maxStored, framePad: cipher.ChunkSize}[f.kind]; size > limit {
			return nil, fmt.Errorf("%w: skippable frame of %d bytes at offset %d", errFrame, size, off)
		}
		if err := f.more(r, int(size)); err != nil {
			return nil, err
		}
		f.plain = f.bytes[8:]
		return f, nil
	}
	return nil, fmt.Errorf("%w: magic %08x at offset %d", errFrame, magic, off)
}

// more reads n bytes more of the frame, in steps, so that a lying length costs
// no more memory than the file has bytes.
func (f *frame) more(r io.Reader, n int) error {
	for n > 0 {
		step := min(n, 1<<20)
		at := len(f.bytes)
		f.bytes = slices.Grow(f.bytes, step)[:at+step]
		if _, err := io.ReadFull(r, f.bytes[at:]); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return fmt.Errorf("%w that began at offset %d", errCut, f.off)
			}
			return err
		}
		n -= step
	}
	return nil
}

// readZstd reads the rest of a zstd frame: header, blocks, checksum
// (RFC 8878 sections 3.1.1.1 and 3.1.1.2).
func (f *frame) readZstd(r io.Reader) error {
	desc := f.bytes[4]
	if desc == storedDescriptor {
		return f.readStored(r)
	}
	f.kind = frameData
	if desc&3 != 0 || desc&0x18 != 0 || desc&4 == 0 {
		return fmt.Errorf("%w: data frame with descriptor %02x at offset %d", errFrame, desc, f.off)
	}
	headerSize := 5 + [4]int{0, 2, 4, 8}[desc>>6]
	if desc&0x20 == 0 {
		headerSize++ // window descriptor
	} else if desc>>6 == 0 {
		headerSize++ // single segment: content size of one byte
	}
	if err := f.more(r, headerSize-min(headerSize, 8)); err != nil {
		return err
	}
	// What was read beyond a short header belongs to the first block.
	pending := f.bytes[headerSize:]
	if err := f.readBlocks(r, len(pending)); err != nil {
		return err
	}
	return nil
}

// readBlocks reads blocks up to the last one and the checksum; have bytes of the
// first are there already.
func (f *frame) readBlocks(r io.Reader, have int) error {
	at := len(f.bytes) - have
	for {
		if err := f.more(r, max(0, at+3-len(f.bytes))); err != nil {
			return err
		}
		head := uint32(f.bytes[at]) | uint32(f.bytes[at+1])<<8 | uint32(f.bytes[at+2])<<16
		size, kind := int(head>>3), head>>1&3
		if kind == 3 || size > storedBlock {
			return fmt.Errorf("%w: block header %06x in the frame at offset %d", errFrame, head, f.off)
		}
		if kind == 1 {
			size = 1
		}
		at += 3 + size
		if at > maxFrame {
			return fmt.Errorf("%w: frame of over %d bytes at offset %d", errFrame, maxFrame, f.off)
		}
		last := head&1 == 1
		want := at
		if last {
			want += 4
		}
		if err := f.more(r, max(0, want-len(f.bytes))); err != nil {
			return err
		}
		if last {
			if len(f.bytes) != want {
				return fmt.Errorf("%w: frame at offset %d is too short for its header", errFrame, f.off)
			}
			return nil
		}
	}
}

// readStored reads a stored frame and compares it with its one encoding.
func (f *frame) readStored(r io.Reader) error {
	f.kind = frameStored
	if err := f.more(r, 1); err != nil {
		return err
	}
	size := int(binary.LittleEndian.Uint32(f.bytes[5:9]))
	if size > maxStored {
		return fmt.Errorf("%w: stored frame of %d bytes at offset %d", errFrame, size, f.off)
	}
	blocks := max(1, (size+storedBlock-1)/storedBlock)
	if err := f.more(r, size+3*blocks); err != nil {
		return err
	}
	for at, left := 9, size; left > 0; {
		n := min(left, storedBlock)
		f.plain = append(f.plain, f.bytes[at+3:at+3+n]...)
		at, left = at+3+n, left-n
	}
	if !bytes.Equal(storedFrame(f.plain), f.bytes) {
		return fmt.Errorf("%w: the stored frame at offset %d is not in its canonical form", errFrame, f.off)
	}
	return nil
}
