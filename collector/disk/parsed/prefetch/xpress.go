package prefetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"hozen/packager/evidence/fault"
)

// maxWhole bounds what a compressed file says that it becomes.
const maxWhole = 16 << 20

// decompress unpacks a file that begins with MAM: the low half of its fourth byte is the
// algorithm (4 is LZXPRESS Huffman), the high bit says that a CRC-32 follows the size of
// the whole (libyal, "Windows Prefetch File (PF) format", compressed data). The checksum
// is one of the file with the checksum's own bytes as zeros.
func decompress(b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("MAM: %d bytes, want at least 8", len(b))
	}
	if b[3]&0x7f != 4 {
		return nil, fmt.Errorf("MAM: algorithm %d, not 4", b[3]&0x7f)
	}
	size := binary.LittleEndian.Uint32(b[4:])
	if size > maxWhole {
		return nil, fmt.Errorf("MAM: %d bytes when unpacked, more than %d", size, maxWhole)
	}
	in := b[8:]
	var sum error
	if b[3]&0x80 != 0 {
		if len(in) < 4 {
			return nil, errors.New("MAM: no checksum")
		}
		want := binary.LittleEndian.Uint32(in)
		got := crc32.Update(crc32.Update(crc32.ChecksumIEEE(b[:8]), crc32.IEEETable, make([]byte, 4)), crc32.IEEETable, in[4:])
		if want != got {
			sum = fmt.Errorf("MAM: checksum %08x, computed %08x", want, got)
		}
		in = in[4:]
	}
	out, err := unpack(in, int(size))
	return out, fault.Join(sum, err)
}

// The shape of LZXPRESS Huffman ([MS-XCA] 2.1 and 2.2): chunks of 64 KiB, each behind a
// table of the lengths of 512 codes of at most 15 bits.
const (
	chunk   = 1 << 16
	symbols = 512
	longest = 15
)

var errEnds = errors.New("xpress: the data ends")

// unpack gives size bytes. What was unpacked before an error is given with it.
func unpack(in []byte, size int) (out []byte, err error) {
	out = make([]byte, 0, min(size, 64*len(in)))
	for len(out) < size {
		if len(in) < symbols/2 {
			return out, errEnds
		}
		table, err := newCodes(in[:symbols/2])
		if err != nil {
			return out, err
		}
		r := &bits{in: in[symbols/2:]}
		r.word = uint32(r.unit())<<16 | uint32(r.unit())
		r.extra = 16
		if out, err = r.chunk(table, out, min(size, len(out)+chunk), size); err != nil {
			return out, err
		}
		in = r.in
	}
	return out, nil
}

// codes finds a symbol by the next 15 bits.
type codes struct {
	symbol [1 << longest]uint16
	length [symbols]uint8
}

// newCodes makes the canonical prefix code: shorter codes first, then by symbol.
func newCodes(lengths []byte) (*codes, error) {
	c := &codes{}
	for i := range c.length {
		c.length[i] = lengths[i/2] >> (4 * (i % 2)) & 15
	}
	at := 0
	for n := 1; n <= longest; n++ {
		for s, length := range c.length {
			if int(length) != n {
				continue
			}
			span := 1 << (longest - n)
			if at+span > len(c.symbol) {
				return nil, errors.New("xpress: more codes than there can be")
			}
			for i := range span {
				c.symbol[at+i] = uint16(s)
			}
			at += span
		}
	}
	if at != len(c.symbol) {
		return nil, errors.New("xpress: fewer codes than there must be")
	}
	return c, nil
}

// bits reads codes from units of 16 bits, and whole bytes from between them.
type bits struct {
	in    []byte
	word  uint32 // the next bits, from the highest on
	extra int    // of them, beside the highest 16
	over  int    // units that were asked for behind the end
}

// ahead is how many units are read before they are needed.
const ahead = 2

// unit reads 16 bits; behind the end they are zeros, as the format lets them be.
func (r *bits) unit() uint16 {
	switch len(r.in) {
	case 0:
		r.over++
		return 0
	case 1:
		u := uint16(r.in[0])
		r.in = nil
		return u
	}
	u := binary.LittleEndian.Uint16(r.in)
	r.in = r.in[2:]
	return u
}

func (r *bits) skip(n int) {
	r.word <<= n
	if r.extra -= n; r.extra < 0 {
		r.word |= uint32(r.unit()) << -r.extra
		r.extra += 16
	}
}

// chunk unpacks until out has end bytes; a last match may lead over that, up to size.
func (r *bits) chunk(c *codes, out []byte, end, size int) ([]byte, error) {
	for len(out) < end {
		symbol := int(c.symbol[r.word>>(32-longest)])
		r.skip(int(c.length[symbol]))
		if r.over > ahead {
			return out, errEnds
		}
		if symbol < 256 {
			out = append(out, byte(symbol))
			continue
		}
		n, err := r.matchLength(symbol & 15)
		if err != nil {
			return out, err
		}
		wide := (symbol - 256) >> 4
		back := 1<<wide + int(uint64(r.word)>>(32-wide))
		r.skip(wide)
		if back > len(out) {
			return out, fmt.Errorf("xpress: %d bytes back of %d", back, len(out))
		}
		for range min(n, size-len(out)) {
			out = append(out, out[len(out)-back])
		}
	}
	return out, nil
}

// matchLength is 3 and more: the symbol's own, or that of a byte, 16 or 32 bits.
func (r *bits) matchLength(n int) (int, error) {
	if n < 15 {
		return n + 3, nil
	}
	if len(r.in) < 1 {
		return 0, errEnds
	}
	n = int(r.in[0])
	r.in = r.in[1:]
	if n < 255 {
		return n + 15 + 3, nil
	}
	if len(r.in) < 2 {
		return 0, errEnds
	}
	n = int(binary.LittleEndian.Uint16(r.in))
	r.in = r.in[2:]
	if n == 0 {
		if len(r.in) < 4 {
			return 0, errEnds
		}
		n = int(binary.LittleEndian.Uint32(r.in))
		r.in = r.in[4:]
	}
	if n < 15 {
		return 0, fmt.Errorf("xpress: a length of %d", n)
	}
	return min(n, maxWhole) + 3, nil
}
