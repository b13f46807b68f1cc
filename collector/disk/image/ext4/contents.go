package ext4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"hozen/packager/evidence"
)

// contents is what is in a file, as io.ReaderAt.
type contents interface {
	io.ReaderAt
	Size() int64
}

// contents finds where the contents of an inode lie.
func (f *FS) contents(n *inode) (contents, error) {
	if n.flags&flagInline != 0 {
		b, err := n.inline()
		return bytes.NewReader(b), err
	}
	c := &blocks{f: f, n: n, find: f.mapped}
	per := uint64(f.sb.blockSize / 4)
	most := directBlocks + per + per*per + per*per*per
	if n.flags&flagExtents != 0 {
		c.find, most = f.extent, math.MaxUint32+1
	}
	if size := n.meta.Size; size < 0 || uint64(size) > most*uint64(f.sb.blockSize) {
		return nil, fmt.Errorf("inode %d: a size of %d bytes, more than its map can hold", n.number, uint64(size))
	}
	return c, nil
}

// blocks are contents in blocks of the file system.
type blocks struct {
	f    *FS
	n    *inode
	find func(n *inode, logical uint64) (run, error)
}

// Size is the size of the file in bytes.
func (c *blocks) Size() int64 { return c.n.meta.Size }

// ReadAt reads of the file, as io.ReaderAt says. Holes are zeros.
func (c *blocks) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("inode %d: read at %d", c.n.number, off)
	}
	for n < len(p) {
		if off >= c.Size() {
			return n, io.EOF
		}
		k, err := c.readRun(p[n:], off)
		n, off = n+k, off+int64(k)
		if err != nil {
			return n, fmt.Errorf("inode %d, offset %d: %w", c.n.number, off, err)
		}
	}
	return n, nil
}

// readRun reads as far as one run goes.
func (c *blocks) readRun(p []byte, off int64) (int, error) {
	bs := c.f.sb.blockSize
	r, err := c.find(c.n, uint64(off/bs))
	if err != nil {
		return 0, err
	}
	have := int64(min(r.count, math.MaxInt64>>17))*bs - off%bs
	p = p[:min(int64(len(p)), have, c.Size()-off)]
	if r.hole {
		clear(p)
		return len(p), nil
	}
	k, err := c.f.r.ReadAt(p, int64(r.first)*bs+off%bs)
	if k < len(p) {
		return k, fmt.Errorf("block %d: %w", r.first, readError(err))
	}
	return k, nil
}

// A file is the open contents of a regular file.
type file struct {
	contents
	at int64
}

// Read implements io.Reader.
func (r *file) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.ReadAt(p, r.at)
	r.at += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Close implements io.Closer; there is nothing to close.
func (r *file) Close() error { return nil }

// NextData gives the first run of data at or behind off that lies in the file, from
// from to to; from is the file's size where only a hole is left. It is what
// SEEK_DATA and SEEK_HOLE of lseek(2) tell.
func (r *file) NextData(off int64) (from, to int64, err error) {
	c, ok := r.contents.(*blocks)
	size := r.Size()
	if !ok {
		return min(off, size), size, nil
	}
	bs := c.f.sb.blockSize
	for tries := 0; off < size; tries++ {
		got, err := c.find(c.n, uint64(off/bs))
		if err != nil {
			return off, off, fmt.Errorf("inode %d, offset %d: %w", c.n.number, off, err)
		}
		end := min(size, (off/bs+int64(min(got.count, math.MaxUint32+1)))*bs)
		if !got.hole || tries == 1<<20 { // so many holes in a row are a lie; what follows is given as data
			return off, end, nil
		}
		off = end
	}
	return size, size, nil
}

// errEncrypted is the outcome of reading what fscrypt encrypted.
func errEncrypted(n *inode) error {
	return evidence.Cut("inode %d: encrypted by fscrypt: the key is not in the file system", n.number)
}
