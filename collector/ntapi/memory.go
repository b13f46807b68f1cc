package ntapi

import (
	"encoding/binary"
	"fmt"
	"io"

	"hozen/collector/utf16"
)

// pageSize is that of every Windows on x64 and arm64.
const pageSize = 4096

// A Gap is a part of what was asked for that could not be read.
type Gap struct {
	Address, Size uint64
}

// ReadTolerant fills b with the memory at an address, page by page where that is needed:
// what cannot be read is left as zeros and told as gaps, in order, of which neighbours are one.
func ReadTolerant(mem io.ReaderAt, address uint64, b []byte) (gaps []Gap) {
	for done := 0; done < len(b); {
		n, _ := mem.ReadAt(b[done:], int64(address)+int64(done))
		n = min(max(n, 0), len(b)-done)
		if done += n; done == len(b) {
			break
		}
		at := address + uint64(done)
		skip := min(pageSize-int(at%pageSize), len(b)-done)
		clear(b[done : done+skip])
		if last := len(gaps) - 1; last >= 0 && gaps[last].Address+gaps[last].Size == at {
			gaps[last].Size += uint64(skip)
		} else {
			gaps = append(gaps, Gap{at, uint64(skip)})
		}
		done += skip
	}
	return gaps
}

// A view reads the structures of a process of 64 or 32 bits in its memory.
type view struct {
	mem  io.ReaderAt
	wide bool
}

// pick gives the offset of a field in the 64- or in the 32-bit form of a structure.
func (v view) pick(wide, narrow uint64) uint64 {
	if v.wide {
		return wide
	}
	return narrow
}

func (v view) read(address uint64, n int) (Answer, error) {
	if n < 0 || address > 1<<63-1-uint64(n) {
		return Answer{}, fmt.Errorf("address %#x: is not of user mode", address)
	}
	b := make([]byte, n)
	got, err := v.mem.ReadAt(b, int64(address))
	if got < n {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return Answer{address, b[:max(got, 0)]}, fmt.Errorf("address %#x: %w", address, err)
	}
	return Answer{address, b}, nil
}

// pointer reads a pointer of a buffer at an offset given for both forms.
func (v view) pointer(a Answer, wide, narrow uint64) uint64 {
	if v.wide {
		return a.u64(int(wide))
	}
	return uint64(a.u32(int(narrow)))
}

// text reads the text of a UNICODE_STRING at an offset of a buffer given for both forms. A
// buffer pointer is moved by rebase.
func (v view) text(a Answer, wide, narrow, rebase uint64) (string, error) {
	at := int(v.pick(wide, narrow))
	if !a.has(at, int(v.pick(16, 8))) {
		return "", fmt.Errorf("string at offset %#x: %w", at, ErrShort)
	}
	n := int(a.u16(at))
	address := v.pointer(a, wide+8, narrow+4)
	if n == 0 || address == 0 {
		return "", nil
	}
	b, err := v.read(address+rebase, n)
	return utf16.WTF8(b.Data[:len(b.Data)&^1]), err
}

// untilNUL reads UTF-16 up to its NUL, at most max units.
func untilNUL(b []byte, most int) string {
	n := 0
	for n+2 <= len(b) && n < 2*most && binary.LittleEndian.Uint16(b[n:]) != 0 {
		n += 2
	}
	return utf16.WTF8(b[:n])
}
