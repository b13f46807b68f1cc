package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// An entry is one name in a directory.
type entry struct {
	name string
	file uint64 // number of its record
}

// maxEntries bounds the names of one directory that are kept.
const maxEntries = 1 << 20

// entriesOf adds the names in a node of an index. DOS names are left out: they are second
// names of others.
func entriesOf(out []entry, node []byte) ([]entry, error) {
	_, err := layout.ParseNode(node, func(e layout.Entry) bool {
		if e.Space != layout.DOS {
			out = append(out, entry{e.Name, e.File.Number()})
		}
		return len(out) < maxEntries
	})
	return out, err
}

// maxBad bounds the blocks of one index that are read in vain: its size may be a lie.
const maxBad = 1000

// list reads a directory: the root of its index, and all blocks that are in use.
func (f *FS) list(d *file) (out []entry, err error) {
	root := d.parts(layout.TypeIndexRoot, "$I30")
	if len(root) == 0 || len(root[0].Value) < 32 {
		return nil, errors.New("its index has no root")
	}
	block := int64(binary.LittleEndian.Uint32(root[0].Value[8:]))
	out, err = entriesOf(nil, root[0].Value[16:])
	parts := d.parts(layout.TypeIndexAlloc, "$I30")
	if len(parts) == 0 {
		return out, err
	}
	if block < 512 || block > maxRecord {
		return out, fault.Join(err, fmt.Errorf("index blocks of %d bytes", block))
	}
	s, streamErr := newStream(f.disk, f.boot.cluster, parts)
	used, usedErr := f.bitmap(d)
	if err = fault.Join(err, streamErr, usedErr); s == nil {
		return out, err
	}
	b, bad := make([]byte, block), 0
	for i := int64(0); i*block < s.size && len(out) < maxEntries && bad < maxBad; i++ {
		if usedErr == nil && i/8 >= int64(len(used)) {
			break
		}
		if usedErr == nil && used[i/8]>>(i%8)&1 == 0 {
			continue
		}
		n, readErr := s.ReadAt(b, i*block)
		if int64(n) == block {
			readErr = layout.Restore(b, "INDX")
		}
		if readErr == nil {
			out, readErr = entriesOf(out, b[24:])
		}
		if readErr != nil {
			if bad++; err == nil {
				err = fmt.Errorf("index block %d: %w", i, readErr)
			}
		}
	}
	if len(out) >= maxEntries {
		err = fault.Join(err, evidence.Cut("more than %d names in one directory", maxEntries-1))
	}
	return out, err
}

// bitmap says which blocks of a directory's index are in use.
func (f *FS) bitmap(d *file) ([]byte, error) {
	parts := d.parts(layout.TypeBitmap, "$I30")
	if len(parts) == 0 {
		return nil, errors.New("its index has no bitmap")
	}
	s, err := newStream(f.disk, f.boot.cluster, parts)
	if err != nil {
		return nil, err
	}
	return s.all(1 << 20)
}

// all reads a short stream.
func (s *stream) all(limit int64) ([]byte, error) {
	if s.size > limit {
		return nil, fmt.Errorf("%d bytes, more than %d", s.size, limit)
	}
	b := make([]byte, s.size)
	if n, err := s.ReadAt(b, 0); int64(n) < s.size {
		return b[:n], err
	}
	return b, nil
}

// An Index is the blocks of a directory's index, opened by name ("directory:$I30").
type Index struct {
	*stream
	block int64
	used  []byte // a bit for each block; nil if it is unknown
}

func (f *FS) index(d *file, s *stream) *Index {
	x := &Index{stream: s}
	if root := d.parts(layout.TypeIndexRoot, indexName); len(root) > 0 && len(root[0].Value) >= 12 {
		x.block = int64(binary.LittleEndian.Uint32(root[0].Value[8:]))
	}
	if used, err := f.bitmap(d); err == nil && x.block > 0 {
		x.used = used
	}
	return x
}

// InUse says whether the block at an offset belongs to the index; known is false where
// that cannot be told. What is in a block that does not is left from before.
func (x *Index) InUse(off int64) (inUse, known bool) {
	if x.used == nil || off < 0 {
		return false, false
	}
	i := off / x.block
	return i/8 < int64(len(x.used)) && x.used[i/8]>>(i%8)&1 != 0, true
}
