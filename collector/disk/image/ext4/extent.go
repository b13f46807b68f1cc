package ext4

import (
	"errors"
	"fmt"
	"math"
)

// A run of blocks of a file, as its map tells.
type run struct {
	first uint64 // block of the file system; meaningless in a hole
	count uint64 // blocks, at least one
	hole  bool   // nothing is there, or nothing was written: it reads as zeros
}

const (
	extentMagic = 0xf30a
	extentSize  = 12 // bytes of the header and of each entry
	maxDepth    = 5
	maxExtent   = 32768 // blocks; a larger length marks what was never written
)

// extent finds the run that block logical of a file lies in, from there on. The
// tree can hold no cycle: a node's depth must be one less than its parent's.
func (f *FS) extent(n *inode, logical uint64) (run, error) {
	node, depth, limit := n.block[:], -1, uint64(math.MaxUint32)+1
	at := "its inode"
	for {
		entries, d, err := extentNode(node)
		if err == nil && depth >= 0 && d != depth-1 {
			err = fmt.Errorf("depth %d below depth %d", d, depth)
		}
		if err != nil {
			return run{}, fmt.Errorf("extents in %s: %w", at, err)
		}
		if depth = d; depth == 0 {
			return f.leaf(entries, logical, limit)
		}
		var child uint64
		found := false
		for ; len(entries) > 0; entries = entries[extentSize:] {
			first := uint64(le.Uint32(entries))
			if first > logical {
				limit = min(limit, first)
				break
			}
			child, found = uint64(le.Uint32(entries[4:]))|uint64(le.Uint16(entries[8:]))<<32, true
		}
		if !found {
			return hole(logical, limit), nil
		}
		if node, err = f.readBlock(child); err != nil {
			return run{}, fmt.Errorf("extents: %w", err)
		}
		at = fmt.Sprintf("block %d", child)
	}
}

func hole(logical, limit uint64) run {
	if limit <= logical {
		return run{count: 1, hole: true}
	}
	return run{count: limit - logical, hole: true}
}

// extentNode gives the entries of a node, and its depth.
func extentNode(b []byte) (entries []byte, depth int, err error) {
	if le.Uint16(b) != extentMagic {
		return nil, 0, errors.New("the magic is missing")
	}
	count, depth := int(le.Uint16(b[2:])), int(le.Uint16(b[6:]))
	if depth > maxDepth {
		return nil, 0, fmt.Errorf("depth %d", depth)
	}
	if (count+1)*extentSize > len(b) {
		return nil, 0, fmt.Errorf("%d entries", count)
	}
	return b[extentSize : (count+1)*extentSize], depth, nil
}

func (f *FS) leaf(entries []byte, logical, limit uint64) (run, error) {
	for ; len(entries) > 0; entries = entries[extentSize:] {
		first, count := uint64(le.Uint32(entries)), uint64(le.Uint16(entries[4:]))
		unwritten := count > maxExtent
		if unwritten {
			count -= maxExtent
		}
		if first > logical {
			return hole(logical, min(limit, first)), nil
		}
		if logical-first >= count {
			continue
		}
		start := uint64(le.Uint32(entries[8:])) | uint64(le.Uint16(entries[6:]))<<32
		r := run{first: start + logical - first, count: count - (logical - first), hole: unwritten}
		if !unwritten && r.first+r.count > f.sb.blocks {
			return run{}, fmt.Errorf("an extent of %d blocks at %d lies beyond the end of the file system", r.count, r.first)
		}
		return r, nil
	}
	return hole(logical, limit), nil
}
