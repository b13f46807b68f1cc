package winsys

import (
	"encoding/binary"
	"fmt"

	"hozen/collector/utf16"
)

// A Piece is memory as a call of Windows left it: Data was at Addr.
type Piece struct {
	Addr uint64
	Data []byte
}

// Pieces is the answer of a call whose structures point at one another: the first piece
// is what the call gave, the others are what it points to. The pointers in Data are as
// they were; At finds what they meant, and nothing outside the pieces is ever read.
//
// As bytes (Append, ParsePieces) each piece is its address and its length, 8 bytes
// little-endian each, then the data. Pointers have 8 bytes: no 32-bit Windows is
// supported.
type Pieces []Piece

// Append appends the pieces as bytes.
func (p Pieces) Append(dst []byte) []byte {
	for _, s := range p {
		dst = binary.LittleEndian.AppendUint64(dst, s.Addr)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(len(s.Data)))
		dst = append(dst, s.Data...)
	}
	return dst
}

// maxPieces bounds what is made of bytes: each costs 16 of them at least.
const maxPieces = 1 << 18

// ParsePieces reads what Append wrote. What stands before damage is given with the error.
func ParsePieces(b []byte) (Pieces, error) {
	var out Pieces
	for at := 0; at < len(b); {
		if len(b)-at < 16 || len(out) >= maxPieces {
			return out, fmt.Errorf("pieces: %d bytes left after piece %d", len(b)-at, len(out))
		}
		addr, n := binary.LittleEndian.Uint64(b[at:]), binary.LittleEndian.Uint64(b[at+8:])
		if n > uint64(len(b)-at-16) {
			return out, fmt.Errorf("piece %d: %d bytes of %d", len(out), len(b)-at-16, n)
		}
		at += 16
		out = append(out, Piece{addr, b[at : at+int(n)]})
		at += int(n)
	}
	return out, nil
}

// From gives all that is known from an address to the end of its piece; nil if the
// address is in none.
func (p Pieces) From(addr uint64) []byte {
	for _, s := range p {
		if addr >= s.Addr && addr-s.Addr < uint64(len(s.Data)) {
			return s.Data[addr-s.Addr:]
		}
	}
	return nil
}

// At gives n bytes at an address; nil if they are not all in one piece.
func (p Pieces) At(addr uint64, n int) []byte {
	b := p.From(addr)
	if n < 0 || n > len(b) {
		return nil
	}
	return b[:n]
}

// Text gives the UTF-16 text at an address up to its NUL or the end of what is known;
// "" for a null pointer.
func (p Pieces) Text(addr uint64) string {
	b := p.From(addr)
	return utf16.ToNUL(b[:len(b)&^1])
}
