package hive

import (
	"encoding/binary"
	"iter"
)

// offsets gives the offsets of the keys below k, from the list of its keys: an lf, lh or
// li, or an ri of such (specification, "Index leaf" to "Index root"). Each is given once.
func (k *Key) offsets() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if k.Keys == 0 {
			return
		}
		l := lister{hive: k.hive, left: k.Keys, seen: map[uint32]bool{}, yield: yield}
		l.leaf(k.list, true)
		if l.left > 0 && !l.stopped {
			k.hive.damaged(baseSize+int64(k.Offset), "key: the list of its keys has %d of %d", k.Keys-l.left, k.Keys)
		}
	}
}

// maxEntries bounds the entries of the lists of one key that are looked at.
const maxEntries = 1 << 20

// A lister goes through the lists of one key.
type lister struct {
	hive    *Hive
	left    uint32 // keys that are still to come
	looked  int    // entries that were looked at
	seen    map[uint32]bool
	yield   func(uint32) bool
	stopped bool
}

// leaf goes through one list. Only the first may be one of lists.
func (l *lister) leaf(offset uint32, first bool) {
	at, size := l.hive.cell(offset, "list of keys")
	head := l.hive.pages.read(at, min(4, size))
	if len(head) < 4 {
		return
	}
	step := 0
	switch string(head[:2]) {
	case "lf", "lh":
		step = 8
	case "li":
		step = 4
	case "ri":
		if first {
			step = 4
		}
	}
	if step == 0 {
		l.hive.damaged(at-4, "list of keys: begins with % x", head[:2])
		return
	}
	count := int(binary.LittleEndian.Uint16(head[2:]))
	if fit := (size - 4) / step; fit < count {
		l.hive.damaged(at-4, "list of keys: %d entries do not fit into its cell", count)
		count = fit
	}
	b := l.hive.pages.read(at+4, count*step)
	for ; len(b) >= step && !l.stopped; b = b[step:] {
		entry := binary.LittleEndian.Uint32(b)
		l.looked++
		switch {
		case l.looked > maxEntries:
			l.hive.damaged(at-4, "list of keys: over %d entries", maxEntries)
			l.stopped = true
		case l.seen[entry]:
			l.hive.damaged(at-4, "list of keys: %#x is in it twice", baseSize+int64(entry))
		case head[0] == 'r':
			l.seen[entry] = true
			l.leaf(entry, false)
		case l.left == 0:
			l.hive.damaged(at-4, "list of keys: it has more than its key says")
			l.stopped = true
		default:
			l.seen[entry] = true
			l.left--
			l.stopped = !l.yield(entry)
		}
	}
}
