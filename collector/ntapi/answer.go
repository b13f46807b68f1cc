package ntapi

import (
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/collector/utf16"
)

// An Answer is what a call of the system wrote into our buffer. Pointers in it are absolute
// addresses: those from Base on lie in Data, and no other is ever followed.
type Answer struct {
	Base uint64 // the address of Data[0] when the system wrote it; 0 if there are no pointers
	Data []byte
}

// ErrShort is wrapped by the errors of parsers whose answer ends too soon, or says that
// something lies where it has no bytes.
var ErrShort = errors.New("lies outside of the answer")

// has says whether n bytes lie at an offset.
//
//go:noinline
func (a Answer) has(at, n int) bool {
	return at >= 0 && n >= 0 && at <= len(a.Data) && n <= len(a.Data)-at
}

// The numbers are little-endian; what lies outside is 0. Parsers ask has first.

func (a Answer) u8(at int) uint8 {
	if !a.has(at, 1) {
		return 0
	}
	return a.Data[at]
}

func (a Answer) u16(at int) uint16 {
	if !a.has(at, 2) {
		return 0
	}
	return binary.LittleEndian.Uint16(a.Data[at:])
}

//go:noinline
func (a Answer) u32(at int) uint32 {
	if !a.has(at, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(a.Data[at:])
}

//go:noinline
func (a Answer) u64(at int) uint64 {
	if !a.has(at, 8) {
		return 0
	}
	return binary.LittleEndian.Uint64(a.Data[at:])
}

// offset gives where an absolute address lies in Data.
func (a Answer) offset(address uint64) (int, bool) {
	if address < a.Base || address-a.Base > uint64(len(a.Data)) {
		return 0, false
	}
	return int(address - a.Base), true
}

// unicode reads the UNICODE_STRING at an offset (winternl.h: Length and MaximumLength in
// bytes, Buffer) as WTF-8. One without a buffer is "". What the length counts beyond the
// answer is left out, with an error.
func (a Answer) unicode(at int) (string, error) {
	if !a.has(at, 16) {
		return "", fmt.Errorf("string at offset %d: %w", at, ErrShort)
	}
	n, address := int(a.u16(at)), a.u64(at+8)
	if n == 0 || address == 0 {
		return "", nil
	}
	from, ok := a.offset(address)
	if !ok {
		return "", fmt.Errorf("string at offset %d: its buffer %#x %w", at, address, ErrShort)
	}
	b := a.Data[from:]
	if n > len(b) {
		return utf16.WTF8(b[:len(b)&^1]), fmt.Errorf("string at offset %d: its end %w", at, ErrShort)
	}
	return utf16.WTF8(b[:n&^1]), nil
}

// UnicodeString reads an answer that is one UNICODE_STRING, as of ProcessImageFileName and
// ProcessCommandLineInformation, as WTF-8.
func UnicodeString(a Answer) (string, error) { return a.unicode(0) }

// Number reads an answer that is one number of 8, 4, 2 or 1 bytes.
func (a Answer) Number() (uint64, error) {
	switch len(a.Data) {
	case 8:
		return a.u64(0), nil
	case 4:
		return uint64(a.u32(0)), nil
	case 2:
		return uint64(a.u16(0)), nil
	case 1:
		return uint64(a.u8(0)), nil
	}
	return 0, fmt.Errorf("number of %d bytes: %w", len(a.Data), ErrShort)
}
