package hive

import (
	"encoding/binary"
	"math/bits"
)

// marvin is the hash of log entries, Marvin32 with a fixed seed (specification, "Log
// entries", notes 1 to 3; the function: Niels Ferguson's patent US 8,555,057, as .NET
// has it in System.Marvin). It is a check against accidents, not against an attacker.
type marvin struct {
	low, high uint32
	rest      [4]byte
	n         int // bytes in rest
}

func newMarvin() *marvin { return &marvin{low: 0x7a4e55c5, high: 0x82ef4d88} }

func (m *marvin) mix(v uint32) {
	m.low += v
	m.high ^= m.low
	m.low = bits.RotateLeft32(m.low, 20) + m.high
	m.high = bits.RotateLeft32(m.high, 9) ^ m.low
	m.low = bits.RotateLeft32(m.low, 27) + m.high
	m.high = bits.RotateLeft32(m.high, 19)
}

// Write takes bytes in; it gives no error.
func (m *marvin) Write(b []byte) (int, error) {
	n := len(b)
	for m.n > 0 && len(b) > 0 {
		m.rest[m.n], b = b[0], b[1:]
		if m.n++; m.n == 4 {
			m.mix(binary.LittleEndian.Uint32(m.rest[:]))
			m.n = 0
		}
	}
	for ; len(b) >= 4; b = b[4:] {
		m.mix(binary.LittleEndian.Uint32(b))
	}
	m.n += copy(m.rest[m.n:], b)
	return n, nil
}

// sum is the hash of what was written; nothing can be written behind it.
func (m *marvin) sum() uint64 {
	m.rest[m.n] = 0x80
	clear(m.rest[m.n+1:])
	m.mix(binary.LittleEndian.Uint32(m.rest[:]))
	m.mix(0)
	return uint64(m.high)<<32 | uint64(m.low)
}
