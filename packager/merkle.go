package packager

import "golang.org/x/mod/sumdb/tlog"

// A tree is the Merkle tree of RFC 6962 section 2.1 over manifest lines, grown
// at its right edge: it keeps the roots of its complete subtrees only, so that
// its memory is the logarithm of its size.
type tree struct {
	size  int64
	peaks []tlog.Hash // one for each bit set in size, largest subtree first
}

func (t *tree) add(line []byte) {
	h := tlog.RecordHash(line)
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, h)
	t.size++
}

// root is the tree's head; that of the empty tree is the hash of nothing.
func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}
