package task

import (
	"encoding/binary"
	"fmt"

	"hozen/collector/utf16"
)

// A cursor reads fields in order. After the first error all reads give zero.
type cursor struct {
	b   []byte
	at  int
	err error
}

// take gives the next n bytes; nil if they are not there.
func (c *cursor) take(n uint64, what string) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.b)-c.at) {
		c.err = fmt.Errorf("%s at byte %d: %d bytes wanted, %d are there", what, c.at, n, len(c.b)-c.at)
		return nil
	}
	from := c.at
	c.at += int(n)
	return c.b[from:c.at]
}

func (c *cursor) u8(what string) uint8 {
	if b := c.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16(what string) uint16 {
	if b := c.take(2, what); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32(what string) uint32 {
	if b := c.take(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64(what string) uint64 {
	if b := c.take(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// text reads a string with its length in bytes before it, without NULs at its end.
func (c *cursor) text(what string) string {
	return utf16.ToNUL(c.take(uint64(c.u32(what)), what))
}

// The fields of Triggers lie on 8-byte blocks; what fills a block up is not zeroed.

// aligned reads a number and the rest of its block.
func (c *cursor) aligned(what string) uint32 {
	n := c.u32(what)
	c.take(4, what)
	return n
}

// alignedByte reads a byte and the rest of its block.
func (c *cursor) alignedByte(what string) uint8 {
	n := c.u8(what)
	c.take(7, what)
	return n
}

// block reads n bytes and the rest of the last block.
func (c *cursor) block(n uint64, what string) []byte {
	b := c.take(n, what)
	c.take(-n&7, what)
	return b
}

// alignedText reads a string with its length in bytes before it.
func (c *cursor) alignedText(what string) string {
	return utf16.ToNUL(c.block(uint64(c.aligned(what)), what))
}

// counted reads a string with its length in units before it, and a NUL.
func (c *cursor) counted(what string) string {
	n := uint64(c.aligned(what))
	if n == 0 {
		return ""
	}
	return utf16.ToNUL(c.block(n*2+2, what))
}

// left says whether anything remains to be read.
func (c *cursor) left() bool { return c.err == nil && c.at < len(c.b) }
