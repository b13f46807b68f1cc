package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence"
)

// A file is a record of the MFT with its extensions.
type file struct {
	number                     uint64
	links                      uint16
	dir                        bool
	attrs                      []attribute
	birth, mtime, ctime, atime time.Time // of STANDARD_INFORMATION
	link                       string    // where a reparse point leads to, if it is a link
	isLink                     bool
	damage                     error // what of it could not be read
}

// maxExtensions bounds the records of one file.
const maxExtensions = 1 << 14

// raw reads a record's bytes and puts back its update sequence.
func (f *FS) raw(number uint64) ([]byte, error) {
	b := make([]byte, f.boot.recordSize)
	if number > maxCluster {
		return nil, fs.ErrNotExist
	}
	if n, err := f.mft.ReadAt(b, int64(number)*f.boot.recordSize); n < len(b) {
		return nil, err
	}
	return b, restore(b, "FILE")
}

func (f *FS) record(number uint64) (*record, error) {
	b, err := f.raw(number)
	if err != nil {
		return nil, fmt.Errorf("record %d of the MFT: %w", number, err)
	}
	r, err := parseRecord(number, b)
	if err != nil {
		err = fmt.Errorf("record %d of the MFT: %w", number, err)
	}
	return r, err
}

// file reads a record and all that belongs to it. An error is given only where
// nothing can be said of it; other damage is in the file.
func (f *FS) file(number uint64) (*file, error) {
	r, err := f.record(number)
	if r == nil {
		return nil, err
	}
	if r.flags&recordInUse == 0 {
		return nil, fmt.Errorf("record %d of the MFT: not in use: %w", number, fs.ErrNotExist)
	}
	return f.whole(r, err), nil
}

// whole adds the attributes that are in other records.
func (f *FS) whole(r *record, damage error) *file {
	d := &file{number: r.number, links: r.links, dir: r.flags&recordIsDir != 0, attrs: r.attrs, damage: damage}
	if lists := d.parts(typeList, ""); len(lists) > 0 {
		refs, err := f.extensions(lists, r.number)
		d.damage = errors.Join(d.damage, err)
		for _, ref := range refs {
			more, err := f.record(ref)
			if more != nil && more.base != r.number {
				err = fmt.Errorf("record %d of the MFT: it belongs to %d, not to %d", ref, more.base, r.number)
			} else if more != nil {
				d.attrs = append(d.attrs, more.attrs...)
			}
			d.damage = errors.Join(d.damage, err)
		}
	}
	for _, a := range d.attrs {
		switch b := a.resident; {
		case a.kind == typeStandard && len(b) >= 32:
			d.birth, d.mtime, d.ctime, d.atime = when(b), when(b[8:]), when(b[16:]), when(b[24:])
		case a.kind == typeReparse && a.inRecord:
			d.link, d.isLink = linkTarget(b)
		}
	}
	return d
}

// extensions lists the other records that hold attributes of a file (attribute
// ATTRIBUTE_LIST).
func (f *FS) extensions(lists []attribute, own uint64) (refs []uint64, err error) {
	s, err := newStream(f.disk, f.boot.cluster, lists)
	if err != nil {
		return nil, fmt.Errorf("list of attributes: %w", err)
	}
	b, err := s.all(4 << 20)
	seen := map[uint64]bool{own: true}
	for len(b) >= 26 {
		n := int(binary.LittleEndian.Uint16(b[4:]))
		if n < 26 || n > len(b) {
			return refs, errors.Join(err, fmt.Errorf("list of attributes: an entry of %d bytes", n))
		}
		if ref := binary.LittleEndian.Uint64(b[16:]) & refMask; !seen[ref] {
			if seen[ref] = true; len(refs) == maxExtensions {
				return refs, fmt.Errorf("list of attributes: more than %d records", maxExtensions)
			}
			refs = append(refs, ref)
		}
		b = b[n:]
	}
	return refs, err
}

// parts gives the parts of one attribute.
func (d *file) parts(kind uint32, name string) (out []attribute) {
	for _, a := range d.attrs {
		if a.kind == kind && strings.EqualFold(a.name, name) {
			out = append(out, a)
		}
	}
	return out
}

// streams names the alternate streams, sorted.
func (d *file) streams() (names []string) {
	for _, a := range d.attrs {
		if a.kind == typeData && a.name != "" && !slices.Contains(names, a.name) {
			names = append(names, a.name)
		}
	}
	slices.Sort(names)
	return names
}

// meta describes a file, or one of its alternate streams. NTFS has no mode: all
// rights are shown, as other tools do. A stream's inode number has the stream's
// place among the streams in its upper bits, because its contents are its own.
func (d *file) meta(name string, cluster int64) (*evidence.FileMeta, error) {
	m := &evidence.FileMeta{
		Mode: evidence.ModeRegular | 0o777, Inode: d.number, Nlink: uint64(d.links),
		Atime: d.atime, Mtime: d.mtime, Ctime: d.ctime, Btime: d.birth,
	}
	switch {
	case name == "" && d.isLink:
		m.Mode, m.LinkTarget = evidence.ModeSymlink|0o777, d.link
		return m, nil
	case name == "" && d.dir:
		m.Mode = evidence.ModeDir | 0o777
		return m, nil
	case name != "":
		i := slices.IndexFunc(d.streams(), func(s string) bool { return strings.EqualFold(s, name) })
		if i < 0 {
			return nil, fs.ErrNotExist
		}
		m.Inode |= uint64(i+1) << 48
	}
	for _, a := range d.parts(typeData, name) {
		if a.first == 0 {
			m.Size = max(0, a.actual)
		}
		for _, r := range a.runs {
			if r.lcn != hole {
				m.Blocks += min(r.length, maxCluster>>10) * cluster / 512
			}
		}
	}
	return m, nil
}

// linkTarget reads a reparse point: the target of a symbolic link or of a junction
// ([MS-FSCC] sections 2.1.2.4 and 2.1.2.5), with / between its components, and from
// the root of the volume where it names a drive.
func linkTarget(b []byte) (target string, ok bool) {
	const symlink, mountPoint = 0xA000000C, 0xA0000003
	if len(b) < 16 {
		return "", false
	}
	names := 16
	switch binary.LittleEndian.Uint32(b) {
	case symlink:
		names = 20
	case mountPoint:
	default:
		return "", false
	}
	at, n := names+int(binary.LittleEndian.Uint16(b[8:])), int(binary.LittleEndian.Uint16(b[10:]))
	if at+n > len(b) {
		return "", true
	}
	target = strings.ReplaceAll(text(b[at:at+n]), `\`, "/")
	target = strings.TrimPrefix(target, "/??/")
	if len(target) >= 2 && target[1] == ':' {
		target = "/" + strings.TrimPrefix(target[2:], "/")
	}
	return target, true
}
