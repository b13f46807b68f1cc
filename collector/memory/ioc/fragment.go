package ioc

import "math/bits"

// A pattern with longRun bytes in a row without a wildcard has four windows of
// four bytes, one after another: whoever looks at one every four bytes sees one of
// them. One with minLiteral such bytes has two windows of three.
const (
	longRun   = 7
	longStep  = 4
	shortStep = 2
)

// fold makes upper and lower case of letters the same; of other bytes it makes
// some the same, which costs the filter little and the result nothing.
const fold = 0x20202020

// windowAt reads a window as the filter does: the first byte in the lowest bits.
func windowAt(b []byte, mask uint32) uint32 {
	w := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
	if mask>>24 != 0 {
		w |= uint32(b[3]) << 24
	}
	return (w | fold) & mask
}

// windowBytes is how many bytes a window has.
func windowBytes(mask uint32) int { return (bits.Len32(mask) + 7) / 8 }

// A fragment is a window of a pattern: where it is seen, the pattern may begin
// off bytes before.
type fragment struct {
	window  uint32
	pattern int32
	off     uint16
}

// reach is the number of bytes in a row without a wildcard, up to longRun; less
// than longRun is all the same.
func (p *pattern) reach() int {
	if p.literal() >= longRun {
		return longRun
	}
	return minLiteral
}

// fragments picks, for each pattern, step windows in a row: those that are rare
// in memory and in few patterns.
func fragments(patterns []pattern, step int, mask uint32) (out []fragment) {
	used := map[uint32]int{}
	need := windowBytes(mask) + step - 1
	for i := range patterns {
		p := &patterns[i]
		best, bestCost := -1, 0
		for off, run := 0, 0; off < len(p.value); off++ {
			if run++; !p.fixed(off) {
				run = 0
			}
			if run < need {
				continue
			}
			first, cost := off-need+1, 0
			for k := range step {
				w := windowAt(p.value[first+k:], mask)
				cost += commonness(w) * (1 + used[w])
			}
			if best < 0 || cost < bestCost {
				best, bestCost = first, cost
			}
		}
		for k := range step {
			w := windowAt(p.value[best+k:], mask)
			used[w]++
			out = append(out, fragment{w, int32(i), uint16(best + k)})
		}
	}
	return out
}

// commonness guesses how often a window is seen in memory, from what its bytes are.
func commonness(w uint32) int {
	cost := 1
	for ; w != 0; w >>= 8 {
		switch c := byte(w); {
		case c == ' ': // a space, or zero
			cost *= 12
		case c == 0xff:
			cost *= 8
		case c == 'e' || c == 't' || c == 'a' || c == 'o' || c == 'i' || c == 'n' || c == 's' || c == 'r':
			cost *= 5
		case c >= 'a' && c <= 'z':
			cost *= 3
		case c >= '0' && c <= '9', c == '.', c == '/', c == '-', c == ':':
			cost *= 3
		}
	}
	return cost
}
