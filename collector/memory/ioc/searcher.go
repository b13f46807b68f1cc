package ioc

import (
	"cmp"
	"encoding/binary"
	"math/bits"

	"hozen/packager/evidence/sorting"
)

// A searcher finds very many patterns in one pass.
//
// It looks at windows of four bytes, one every four bytes, and asks a table of
// 64 KiB (more for very long lists), which stays in the cache, whether any pattern may have that window
// where the search would see it. The few windows of which it says yes are looked
// up, and the pattern is compared. What it costs is therefore next to independent
// of the number of patterns. Patterns of fewer than seven bytes in a row
// without a wildcard are searched for with smaller windows, in a second look.
type searcher struct {
	patterns []pattern
	groups   []group
	longest  int // bytes of the longest pattern
}

// A group is the patterns that are searched for with the same step.
type group struct {
	step      int
	mask      uint32 // of a window of three bytes or four
	zero      bool   // a pattern has the window that zeros have
	filter    []uint64
	shift     uint     // of a hash, so that it is the number of a bit of the filter
	heads     []uint32 // of the fragments whose hash begins so: [h] to [h+1]
	fragments []fragment
}

const (
	leastBits  = 19 // of the filter: 64 KiB
	mostBits   = 23 // 1 MiB
	headBits   = 16
	multiplier = 0x9e3779b1
)

// newSearcher makes the tables for patterns that have minLiteral bytes in a row
// each: a group of long patterns, nearly all, that is fast, and one of the others.
func newSearcher(patterns []pattern) *searcher {
	s := &searcher{patterns: patterns}
	sorting.By(s.patterns, func(a, b pattern) int { return cmp.Compare(b.reach(), a.reach()) })
	long := 0
	for i := range s.patterns {
		s.longest = max(s.longest, len(s.patterns[i].value))
		if s.patterns[i].reach() == longRun {
			long = i + 1
		}
	}
	s.add(0, long, group{step: longStep, mask: 0xffffffff})
	s.add(long, len(patterns), group{step: shortStep, mask: 0xffffff})
	return s
}

// add makes the group of patterns[from:to].
func (s *searcher) add(from, to int, g group) {
	if from == to {
		return
	}
	g.fragments = fragments(s.patterns[from:to], g.step, g.mask)
	for i := range g.fragments {
		g.fragments[i].pattern += int32(from)
	}
	sorting.By(g.fragments, func(a, b fragment) int { return cmp.Compare(a.window*multiplier, b.window*multiplier) })
	filterBits := min(max(leastBits, bits.Len(uint(len(g.fragments)))+5), mostBits)
	g.shift, g.filter = uint(32-filterBits), make([]uint64, 1<<filterBits/64)
	g.heads = make([]uint32, 1<<headBits+1)
	for _, f := range g.fragments {
		h := f.window * multiplier
		g.filter[h>>g.shift>>6] |= 1 << (h >> g.shift & 63)
		g.heads[h>>(32-headBits)+1]++
		g.zero = g.zero || f.window == fold&g.mask
	}
	for i := range 1 << headBits {
		g.heads[i+1] += g.heads[i]
	}
	s.groups = append(s.groups, g)
}

// search calls yield for every place where a pattern fits, in no order. What
// stands beside it is for the caller to check.
func (s *searcher) search(b []byte, yield func(p *pattern, start, end int)) {
	for i := range s.groups {
		if g := &s.groups[i]; g.step == longStep {
			s.long(g, b, yield)
		} else {
			s.brief(g, b, yield)
		}
	}
}

// The loops load eight bytes at once, and pass over zeros, of which memory is full.

// long looks at windows of four bytes, one every four bytes.
func (s *searcher) long(g *group, b []byte, yield func(*pattern, int, int)) {
	filter, shift := g.filter, g.shift&31
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if x == 0 && !g.zero {
			continue
		}
		x |= fold | fold<<32
		h0, h1 := uint32(x)*multiplier>>shift, uint32(x>>32)*multiplier>>shift
		if filter[h0>>6]>>(h0&63)&1 != 0 {
			s.look(g, b, i, yield)
		}
		if filter[h1>>6]>>(h1&63)&1 != 0 {
			s.look(g, b, i+4, yield)
		}
	}
	s.tail(g, b, i, yield)
}

// brief looks at windows of three bytes, one every two bytes.
func (s *searcher) brief(g *group, b []byte, yield func(*pattern, int, int)) {
	filter, shift := g.filter, g.shift&31
	i := 0
	for ; i+8 <= len(b); i += 6 {
		x := binary.LittleEndian.Uint64(b[i:])
		if x == 0 && !g.zero {
			continue
		}
		x |= fold | fold<<32
		h0, h1, h2 := uint32(x)&0xffffff*multiplier>>shift, uint32(x>>16)&0xffffff*multiplier>>shift, uint32(x>>32)&0xffffff*multiplier>>shift
		if filter[h0>>6]>>(h0&63)&1 != 0 {
			s.look(g, b, i, yield)
		}
		if filter[h1>>6]>>(h1&63)&1 != 0 {
			s.look(g, b, i+2, yield)
		}
		if filter[h2>>6]>>(h2&63)&1 != 0 {
			s.look(g, b, i+4, yield)
		}
	}
	s.tail(g, b, i, yield)
}

// tail is for the last bytes. A window that would reach behind them is not looked
// at: a pattern that fits has another one before it, or ends there.
func (s *searcher) tail(g *group, b []byte, i int, yield func(*pattern, int, int)) {
	for ; i+windowBytes(g.mask) <= len(b); i += g.step {
		s.look(g, b, i, yield)
	}
}

// look compares the patterns that have the window at i.
func (s *searcher) look(g *group, b []byte, i int, yield func(*pattern, int, int)) {
	w := windowAt(b[i:], g.mask)
	h := w * multiplier >> (32 - headBits)
	for _, f := range g.fragments[g.heads[h]:g.heads[h+1]] {
		if f.window != w {
			continue
		}
		p := &s.patterns[f.pattern]
		start := i - int(f.off)
		if end := start + len(p.value); start >= 0 && end <= len(b) && p.fits(b[start:]) {
			yield(p, start, end)
		}
	}
}
