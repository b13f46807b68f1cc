package ntfs

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"hozen/collector/disk/image/ntfs/layout"
	"hozen/collector/filetime"
	"hozen/collector/utf16"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A file is a record of the MFT with its extensions.
type file struct {
	number                     uint64
	links                      uint16
	dir                        bool
	attrs                      []layout.Attribute
	birth, mtime, ctime, atime time.Time // of STANDARD_INFORMATION
	link                       string    // where a reparse point leads to, if it is a link
	isLink                     bool
	packed                     bool     // by the Windows Overlay Filter
	damage                     error    // what of it could not be read
	streams                    []string // names of its alternate streams, sorted
	records                    int      // that it has beside the first one
}

// maxExtensions bounds the records of one file.
const maxExtensions = 1 << 14

// maxBadParts bounds those of them that cannot be read, or are of another file: a list
// that has no other would cost its file what 16384 do, and each such file again.
const maxBadParts = 1 << 10

// keepFrom is the number of records from which a file is kept for those that ask for it
// again by another name; maxKept files are.
const keepFrom, maxKept = 64, 16

// raw reads a record's bytes and puts back its update sequence.
func (f *FS) raw(number uint64) ([]byte, error) {
	b := make([]byte, f.boot.recordSize)
	if number > layout.MaxCluster {
		return nil, fs.ErrNotExist
	}
	if n, err := f.mft.ReadAt(b, int64(number)*f.boot.recordSize); n < len(b) {
		return nil, err
	}
	return b, layout.Restore(b, "FILE")
}

func (f *FS) record(number uint64) (*layout.Record, error) {
	b, err := f.raw(number)
	if err != nil {
		return nil, fmt.Errorf("record %d of the MFT: %w", number, err)
	}
	r, err := layout.ParseRecord(number, b)
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
	if r.Flags&layout.InUse == 0 {
		return nil, fmt.Errorf("record %d of the MFT: not in use: %w", number, fs.ErrNotExist)
	}
	f.keepMu.Lock()
	kept := f.kept[number]
	f.keepMu.Unlock()
	if kept != nil {
		return kept, nil
	}
	d := f.whole(r, err)
	if d.records >= keepFrom {
		f.keepMu.Lock()
		if len(f.kept) >= maxKept {
			clear(f.kept)
		}
		f.kept[number] = d
		f.keepMu.Unlock()
	}
	return d, nil
}

// whole adds the attributes that are in other records.
func (f *FS) whole(r *layout.Record, damage error) *file {
	d := &file{number: r.Number, links: r.Links, dir: r.Flags&layout.IsDir != 0, attrs: r.Attributes, damage: damage}
	if lists := d.parts(layout.TypeList, ""); len(lists) > 0 {
		refs, err := f.extensions(lists, r.Number)
		d.damage = fault.Join(d.damage, err)
		d.records = len(refs)
		bad, runs := 0, 0
		for i, ref := range refs {
			if bad > maxBadParts || runs > maxRuns {
				d.damage = fault.Join(d.damage, fmt.Errorf("%d records of its list of attributes are not read", len(refs)-i))
				break
			}
			more, err := f.record(ref)
			if more != nil && more.Base.Number() != r.Number {
				err = fmt.Errorf("record %d of the MFT: it belongs to %d, not to %d", ref, more.Base.Number(), r.Number)
			} else if more != nil {
				d.attrs = append(d.attrs, more.Attributes...)
				runs += more.Runs()
			}
			if err != nil {
				bad++
				d.damage = fault.Join(d.damage, err)
			}
		}
	}
	d.name()
	for _, a := range d.attrs {
		switch b := a.Value; {
		case a.Kind == layout.TypeStandard && len(b) >= 32:
			d.birth, d.mtime, d.ctime, d.atime = filetime.Bytes(b), filetime.Bytes(b[8:]), filetime.Bytes(b[16:]), filetime.Bytes(b[24:])
		case a.Kind == layout.TypeReparse && a.Resident:
			d.link, d.isLink = linkTarget(b)
			d.packed = len(b) >= 4 && binary.LittleEndian.Uint32(b) == tagWOF
		}
	}
	return d
}

// extensions lists the other records that hold attributes of a file (attribute
// ATTRIBUTE_LIST).
func (f *FS) extensions(lists []layout.Attribute, own uint64) (refs []uint64, err error) {
	s, err := newStream(f.disk, f.boot.cluster, lists)
	if err != nil {
		return nil, fmt.Errorf("list of attributes: %w", err)
	}
	b, err := s.all(4 << 20)
	seen := map[uint64]bool{own: true}
	for len(b) >= 26 {
		n := int(binary.LittleEndian.Uint16(b[4:]))
		if n < 26 || n > len(b) {
			return refs, fault.Join(err, fmt.Errorf("list of attributes: an entry of %d bytes", n))
		}
		if ref := layout.Ref(binary.LittleEndian.Uint64(b[16:])).Number(); !seen[ref] {
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
func (d *file) parts(kind uint32, name string) (out []layout.Attribute) {
	for _, a := range d.attrs {
		if a.Kind == kind && strings.EqualFold(a.Name, name) {
			out = append(out, a)
		}
	}
	return out
}

// maxStreams bounds the alternate streams of one file.
const maxStreams = 1 << 12

// name finds the names of its alternate streams, sorted.
func (d *file) name() {
	seen := map[string]bool{}
	for _, a := range d.attrs {
		if a.Kind != layout.TypeData || a.Name == "" || seen[a.Name] {
			continue
		}
		if len(seen) == maxStreams {
			d.damage = fault.Join(d.damage, evidence.Cut("more than %d alternate streams", maxStreams))
			break
		}
		seen[a.Name] = true
		d.streams = append(d.streams, a.Name)
	}
	slices.Sort(d.streams)
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
	case isIndex(name):
		if len(d.parts(layout.TypeIndexAlloc, indexName)) == 0 {
			return nil, fs.ErrNotExist
		}
		m.Inode |= indexInode
	case name != "":
		i := slices.IndexFunc(d.streams, func(s string) bool { return strings.EqualFold(s, name) })
		if i < 0 {
			return nil, fs.ErrNotExist
		}
		m.Inode |= uint64(i+1) << 48
	}
	for _, a := range d.data(name) {
		if a.First == 0 {
			m.Size = max(0, a.Actual)
		}
		for _, r := range a.Runs {
			if r.LCN != layout.Hole {
				m.Blocks += min(r.Length, layout.MaxCluster>>10) * cluster / 512
			}
		}
	}
	return m, nil
}

// indexName is the attribute with the index of a directory. Where that does not fit into
// the record, "directory:$I30" (in full "directory:$I30:$INDEX_ALLOCATION") is a name of
// its blocks; it is listed nowhere. The root is "/.:$I30".
const (
	indexName  = "$I30"
	indexInode = 0xffff << 48 // with the record's number: no stream's place is so high
)

func isIndex(stream string) bool {
	return strings.EqualFold(stream, indexName) || strings.EqualFold(stream, indexName+":$INDEX_ALLOCATION")
}

// A file with the tag IO_REPARSE_TAG_WOF may be compressed by the Windows Overlay Filter
// ("compact"): its contents are a hole, and lie in a stream in another format.
const (
	tagWOF       = 0x80000017
	packedStream = "WofCompressedData"
)

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
	target = strings.ReplaceAll(utf16.WTF8(b[at:at+n]), `\`, "/")
	target = strings.TrimPrefix(target, "/??/")
	if len(target) >= 2 && target[1] == ':' {
		target = "/" + strings.TrimPrefix(target[2:], "/")
	}
	return target, true
}
