package ram

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"hozen/packager/evidence/sorting"
)

// A piece is a range of physical addresses and where a file has it.
type piece struct {
	span
	offset int64
}

// The two ways to know where the direct map of physical memory lies.
const (
	byHeaders = "p_paddr of the program headers"
	byMatch   = "the program headers, each range of RAM found at one distance"
)

var errNoDirectMap = errors.New("the program headers do not say where physical memory is mapped")

// direct finds the pieces of physical memory. Kernels since 4.16 say the physical
// address of each program header of the direct map and of the kernel's text, and
// all ones for everything else (fs/proc/kcore.c, get_kcore_size and below; commit
// 464920104bf7). Older ones say 0: there each range of RAM has a header of its
// own, all at one distance, the base of the direct map, which is so neither
// guessed nor bound to the four or five levels of the page tables.
func (k *kcore) direct(ram []resource, page uint64) (pieces []piece, how string, err error) {
	const none = ^uint64(0)
	for _, l := range k.loads {
		if l.paddr != none && l.paddr != 0 {
			return k.told(), byHeaders, nil
		}
	}
	base, err := k.distance(ram, page)
	if err != nil {
		return nil, "", err
	}
	for _, l := range k.loads {
		if at := l.vaddr - base; l.vaddr >= base && at < maxPhysical && l.size <= maxPhysical-at && isRange(ram, at) {
			pieces = append(pieces, piece{span{at, at + l.size}, int64(l.offset)})
		}
	}
	return inOrder(pieces), byMatch, nil
}

// isRange says whether an address lies in RAM: other loads (vmalloc, the kernel's
// text) are no part of the direct map, wherever they lie.
func isRange(ram []resource, at uint64) bool {
	return slices.ContainsFunc(ram, func(r resource) bool { return r.start <= at && at < r.end })
}

func (k *kcore) told() (pieces []piece) {
	for _, l := range k.loads {
		if l.paddr < maxPhysical && l.size <= maxPhysical-l.paddr {
			pieces = append(pieces, piece{span{l.paddr, l.paddr + l.size}, int64(l.offset)})
		}
	}
	return inOrder(pieces)
}

// distance is the one distance at which the headers have every range of RAM.
func (k *kcore) distance(ram []resource, page uint64) (uint64, error) {
	var whole []span // pages that lie wholly in a range: what the kernel lists
	for _, r := range ram {
		if s := (span{(r.start + page - 1) / page * page, r.end / page * page}); s.start < s.end {
			whole = append(whole, s)
		}
	}
	if len(whole) == 0 || len(whole) > 1<<12 || len(k.loads) > 1<<12 {
		return 0, errNoDirectMap
	}
	loads := slices.Clone(k.loads)
	sorting.By(loads, func(a, b load) int { return cmp.Compare(a.vaddr, b.vaddr) })
	var found []uint64
	for _, l := range loads {
		base := l.vaddr - whole[0].start
		if l.vaddr >= whole[0].start && !slices.Contains(found, base) && all(loads, whole, base) {
			found = append(found, base)
		}
	}
	switch len(found) {
	case 0:
		return 0, errNoDirectMap
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("%w: %d distances are possible", errNoDirectMap, len(found))
}

// all says whether the loads, sorted by address, have every range at a distance:
// exactly it, for the load of vmalloc is large enough to hold all of them.
func all(loads []load, ranges []span, base uint64) bool {
	for _, r := range ranges {
		at := r.start + base
		i, found := slices.BinarySearchFunc(loads, at, func(l load, at uint64) int { return cmp.Compare(l.vaddr, at) })
		if !found || loads[i].size != r.size() {
			return false
		}
	}
	return true
}

// inOrder sorts pieces and takes from each what an earlier one has already.
func inOrder(in []piece) (out []piece) {
	sorting.By(in, func(a, b piece) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
	covered := uint64(0)
	for _, p := range in {
		if p.start < covered {
			p.offset += int64(covered - p.start)
			p.start = covered
		}
		if p.start < p.end {
			out = append(out, p)
			covered = p.end
		}
	}
	return out
}
