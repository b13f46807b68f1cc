package hive

import (
	"encoding/binary"
	"iter"
	"strings"
)

// Deleted gives the keys that lie in free cells: those that were deleted, and older
// copies of those that were moved, as far as nothing was written over them. They have no
// keys below, and their values may be of another key by now: what they say is a lead,
// no proof. What is wrong with them is no damage of the hive.
func (h *Hive) Deleted() iter.Seq[*Key] {
	ghost := &Hive{head: h.head, pages: h.pages, length: h.length, known: map[Damage]bool{}}
	return func(yield func(*Key) bool) {
		for from, to := range h.free() {
			// Neighbours in a free cell were joined: a key begins behind any size field.
			for at := from; at+4+nodeSize <= to; at += 8 {
				b := h.pages.read(baseSize+at+4, 2)
				if string(b) != "nk" {
					continue
				}
				if k := ghost.deletedKey(uint32(at)); k != nil && !yield(k) {
					return
				}
			}
		}
	}
}

// deletedKey reads a key of which nobody says that it is one.
func (h *Hive) deletedKey(offset uint32) *Key {
	k := h.key(offset, nil)
	if k == nil || k.Name == "" || k.LastWrite == 0 || k.LastWrite>>56 > 2 || k.Flags&0xf000 != 0 {
		return nil
	}
	k.Keys = 0
	return k
}

// free gives the free cells: from the size field to the end, from the beginning of the
// hive bins.
func (h *Hive) free() iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		end := min(h.length, int64(h.head.Length))
		for bin := int64(0); bin < end; {
			b := h.pages.read(baseSize+bin, 32)
			size := int64(4096)
			if len(b) == 32 && string(b[:4]) == "hbin" {
				if said := int64(binary.LittleEndian.Uint32(b[8:])); said >= 4096 && said%4096 == 0 && said <= end-bin {
					size = said
				}
				for at := bin + 32; at+8 <= bin+size; {
					head := h.pages.read(baseSize+at, 4)
					if len(head) < 4 {
						return
					}
					n := int64(int32(binary.LittleEndian.Uint32(head)))
					next := at + max(n, -n)
					if n == 0 || n%8 != 0 || next > bin+size {
						break
					}
					if n > 0 && !yield(at, next) {
						return
					}
					at = next
				}
			}
			bin += size
		}
	}
}

// Where gives the path of a deleted key, from the keys that it and those above say to be
// their parents. whole is false where they do not lead to the root: then the path begins
// somewhere below it.
func (k *Key) Where() (path string, whole bool) {
	names, seen := []string{k.Name}, map[uint32]bool{k.Offset: true}
	for at := k; len(names) <= maxDepth; {
		if at.owner == noCell || seen[at.owner] {
			break
		}
		seen[at.owner] = true
		above := k.hive.key(at.owner, nil)
		if above == nil {
			break
		}
		if above.Offset == k.hive.head.Root {
			whole = true
			break
		}
		names, at = append(names, above.Name), above
	}
	var b strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		b.WriteString(names[i])
		if i > 0 {
			b.WriteByte('\\')
		}
	}
	return b.String(), whole
}
