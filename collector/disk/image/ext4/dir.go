package ext4

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

const (
	maxDirBytes   = 1 << 30 // of one directory that are looked at, holes not counted
	maxDirEntries = 4 << 20 // of one directory
	dirsKept      = 1 << 19 // entries of directories that are kept
	entryHead     = 8       // bytes before the name
)

// A directory, read whole.
type directory struct {
	number  uint32
	names   []string // in the order in which they lie
	entries map[string]uint32
	err     error // what was wrong in it; the rest is given all the same
}

// A listing gathers entries.
type listing struct {
	*directory
	f         *FS
	encrypted bool
}

// readDir reads a directory linearly: an index (htree) lies in blocks that look
// empty to whoever does not know it.
func (f *FS) readDir(n *inode) *directory {
	d := &directory{number: n.number, entries: map[string]uint32{}}
	l := &listing{d, f, n.flags&flagEncrypt != 0}
	var err error
	if n.flags&flagInline != 0 {
		err = l.inline(n)
	} else {
		err = l.blocks(n)
	}
	if err != nil {
		d.err = fault.Join(d.err, fmt.Errorf("directory inode %d: %w", n.number, err))
	}
	return d
}

// inline reads a directory in the inode: the parent's number, entries, and in
// system.data more of them.
func (l *listing) inline(n *inode) error {
	b, err := n.inline()
	if err != nil {
		return err
	}
	const first = 60
	if err := l.block(b[min(4, len(b)):min(first, len(b))], 0); err != nil || len(b) <= first {
		return err
	}
	return l.block(b[first:], first)
}

func (l *listing) blocks(n *inode) error {
	c, err := l.f.contents(n)
	if err != nil {
		return err
	}
	bs, size, read := l.f.sb.blockSize, n.meta.Size, int64(0)
	for at := int64(0); at < size; {
		from, to, err := (&file{contents: c}).NextData(at)
		if err != nil {
			l.err = fault.Join(l.err, fmt.Errorf("directory inode %d: %w", n.number, err))
			from, to = at+bs, at+bs // the next block may be readable
			if read += bs; read > maxDirBytes {
				return evidence.Cut("more than %d bytes", maxDirBytes)
			}
		}
		if at = from; at < to && read >= maxDirBytes {
			return evidence.Cut("more than %d bytes", maxDirBytes)
		}
		if at == to || at >= size {
			continue
		}
		b := make([]byte, min(bs, size-at))
		if err := l.f.readThrough(c, b, at); err != nil {
			l.err = firstError(l.err, err)
		} else if err := l.block(b, at); err != nil {
			l.err = firstError(l.err, fmt.Errorf("directory inode %d: %w", n.number, err))
		}
		if len(l.names) >= maxDirEntries {
			return evidence.Cut("more than %d entries", maxDirEntries)
		}
		at, read = at+bs, read+bs
	}
	return nil
}

// firstError keeps the first: a damaged directory may have as many as blocks.
func firstError(have, more error) error {
	if have != nil {
		return have
	}
	return more
}

// readThrough reads a block of a directory through the pages that are kept.
func (f *FS) readThrough(c contents, b []byte, at int64) error {
	in, ok := c.(*blocks)
	if !ok {
		_, err := io.ReadFull(io.NewSectionReader(c, at, int64(len(b))), b)
		return err
	}
	r, err := in.find(in.n, uint64(at/f.sb.blockSize))
	if err == nil && !r.hole {
		err = f.read(b, int64(r.first)*f.sb.blockSize)
	}
	if err != nil {
		return fmt.Errorf("directory inode %d, offset %d: %w", in.n.number, at, err)
	}
	return nil
}

// block reads the entries of one block, which begins at base of the directory.
func (l *listing) block(b []byte, base int64) error {
	for at := 0; at+entryHead <= len(b); {
		e := b[at:]
		size := recordLength(le.Uint16(e[4:]), len(b))
		length := int(e[6])
		if l.f.sb.incompat&incompatFileType == 0 {
			length = int(le.Uint16(e[6:]))
		}
		if size < entryHead || size > len(e) || size%4 != 0 || length > size-entryHead {
			return fmt.Errorf("offset %d: an entry of %d bytes with a name of %d", base+int64(at), size, length)
		}
		if number := le.Uint32(e); number != 0 && length > 0 {
			if err := l.add(string(e[entryHead:entryHead+length]), number); err != nil {
				l.err = firstError(l.err, fmt.Errorf("directory inode %d, offset %d: %w", l.number, base+int64(at), err))
			}
		}
		at += size
	}
	return nil
}

// recordLength decodes the length of an entry; in blocks of 64 KiB it has two more
// bits, and all of the block is 65535 or 0 (ext4_rec_len_from_disk).
func recordLength(raw uint16, block int) int {
	if block < 1<<16 {
		return int(raw)
	}
	if raw == 0 || raw == 1<<16-1 {
		return block
	}
	return int(raw&^3) | int(raw&3)<<16
}

func (l *listing) add(name string, number uint32) error {
	if name == "." || name == ".." {
		return nil
	}
	if l.encrypted {
		name = base64.RawURLEncoding.EncodeToString([]byte(name))
	}
	if strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("the name %q of inode %d is none", name, number)
	}
	if _, twice := l.entries[name]; twice {
		return fmt.Errorf("the name %q of inode %d is there already", name, number)
	}
	l.entries[name] = number
	l.names = append(l.names, name)
	return nil
}
