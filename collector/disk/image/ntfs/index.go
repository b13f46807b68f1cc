package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hozen/packager/evidence"
)

// An entry is one name in a directory.
type entry struct {
	name string
	file uint64 // number of its record
}

// A fileName is the value of an attribute FILE_NAME, and the key of a directory's index.
type fileName struct {
	parent uint64
	space  uint8 // 0 POSIX, 1 Win32, 2 DOS, 3 Win32 and DOS
	name   string
}

const spaceDOS = 2

func parseFileName(b []byte) (fileName, error) {
	if len(b) < 66 || len(b) < 66+2*int(b[64]) {
		return fileName{}, errors.New("a name that lies outside")
	}
	return fileName{
		parent: binary.LittleEndian.Uint64(b) & refMask, space: b[65],
		name: text(b[66 : 66+2*int(b[64])]),
	}, nil
}

// parseNode reads the entries of one node of a directory's index: from the node
// header on. DOS names are left out: they are second names of others.
func parseNode(out []entry, b []byte) ([]entry, error) {
	if len(b) < 16 {
		return out, errors.New("a node that lies outside")
	}
	at, end := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:]))
	if end > len(b) || end < 0 {
		end = len(b)
	}
	for at >= 16 && at+16 <= end {
		n, key, last := int(binary.LittleEndian.Uint16(b[at+8:])), int(binary.LittleEndian.Uint16(b[at+10:])), b[at+12]&2 != 0
		if last {
			return out, nil
		}
		if n < 16 || at+n > end || 16+key > n {
			return out, fmt.Errorf("an entry of %d bytes at %d of %d", n, at, end)
		}
		name, err := parseFileName(b[at+16 : at+16+key])
		if err != nil {
			return out, err
		}
		if name.space != spaceDOS && len(out) < maxEntries {
			out = append(out, entry{name.name, binary.LittleEndian.Uint64(b[at:]) & refMask})
		}
		at += n
	}
	return out, errors.New("a node without an end")
}

// maxEntries bounds the names of one directory that are kept.
const maxEntries = 1 << 20

// maxBad bounds the blocks of one index that are read in vain: its size may be a lie.
const maxBad = 1000

// list reads a directory: the root of its index, and all blocks that are in use.
func (f *FS) list(d *file) (out []entry, err error) {
	root := d.parts(typeIndexRoot, "$I30")
	if len(root) == 0 || len(root[0].resident) < 32 {
		return nil, errors.New("its index has no root")
	}
	block := int64(binary.LittleEndian.Uint32(root[0].resident[8:]))
	out, err = parseNode(nil, root[0].resident[16:])
	parts := d.parts(typeIndexAlloc, "$I30")
	if len(parts) == 0 {
		return out, err
	}
	if block < 512 || block > maxRecord {
		return out, errors.Join(err, fmt.Errorf("index blocks of %d bytes", block))
	}
	s, streamErr := newStream(f.disk, f.boot.cluster, parts)
	used, usedErr := f.bitmap(d)
	if err = errors.Join(err, streamErr, usedErr); s == nil {
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
			readErr = restore(b, "INDX")
		}
		if readErr == nil {
			out, readErr = parseNode(out, b[24:])
		}
		if readErr != nil {
			if bad++; err == nil {
				err = fmt.Errorf("index block %d: %w", i, readErr)
			}
		}
	}
	if len(out) >= maxEntries {
		err = errors.Join(err, evidence.Cut("more than %d names in one directory", maxEntries-1))
	}
	return out, err
}

// bitmap says which blocks of a directory's index are in use.
func (f *FS) bitmap(d *file) ([]byte, error) {
	parts := d.parts(typeBitmap, "$I30")
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

// when reads a FILETIME: 100 ns since 1601-01-01 UTC; the zero time if it is not set.
func when(b []byte) time.Time {
	const epoch = 11644473600 // seconds from 1601 to 1970
	v := binary.LittleEndian.Uint64(b)
	if v == 0 || v > 1<<63-1 {
		return time.Time{}
	}
	return time.Unix(int64(v/1e7)-epoch, int64(v%1e7)*100).UTC()
}
