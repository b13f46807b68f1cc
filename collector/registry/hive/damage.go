package hive

import (
	"fmt"
	"slices"
	"strings"

	"hozen/packager/evidence/sorting"
)

// maxDamage bounds the damages that are named; those behind are counted.
const maxDamage = 1000

// Damage is one thing that is not as the format has it.
type Damage struct {
	Offset int64  // in the file
	What   string // in words
}

// Damage gives what has been found so far, in the order of offsets, and how many there
// are: the list ends after 1000.
func (h *Hive) Damage() ([]Damage, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := slices.Clone(h.damage)
	sorting.By(out, func(a, b Damage) int {
		if a.Offset != b.Offset {
			return int(max(-1, min(1, a.Offset-b.Offset)))
		}
		return strings.Compare(a.What, b.What)
	})
	return out, h.damages
}

// maxRejected bounds the entries of all lists that lead to no key or value, or to one
// that is somewhere else: keys by the thousand could have one long list of such.
const maxRejected = 1 << 18

// rejects counts one of them, and says whether its list is to be left there.
func (h *Hive) rejects() bool {
	h.mu.Lock()
	h.rejected++
	over := h.rejected > maxRejected
	h.mu.Unlock()
	if over {
		h.damaged(0, "over %d entries of lists lead nowhere: lists are read up to the first such", maxRejected)
	}
	return over
}

// damaged takes down that what lies at an offset of the file is not as it should be. The
// same is taken down once.
func (h *Hive) damaged(offset int64, format string, a ...any) {
	d := Damage{offset, fmt.Sprintf(format, a...)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known[d] {
		return
	}
	h.damages++
	if len(h.damage) < maxDamage {
		h.damage = append(h.damage, d)
		h.known[d] = true
	}
}
