package walk

import (
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// An Entry is one name of a file system.
type Entry struct {
	Root int    // which of Options.Roots it belongs to
	Path []byte // absolute on the examined host, any byte but NUL
	Meta Meta
	// Known says that Meta is what the file system said; where it is false, Err says why.
	Known bool
	Link  []byte // target of a symbolic link, at most 64 KiB
	// Again says that this file was visited before under another name: its contents
	// need be read only once. (Of very many such files some are not known any more.)
	Again bool
	// Covered says that another mount lies over the place, and hides it from
	// programs of the host.
	Covered bool
	// Err is why Meta is not known; or, for a directory, why it was not listed, or not
	// to its end. A directory that could not be read to its end is visited once
	// more for that, without Meta.
	Err error

	at place
}

// place is how the object can be reached while it is visited.
type place struct {
	host *collector.Host // of an image, or of a system without handles: by its path
	fd   int             // of its directory, or of itself
	name []byte          // in it, or empty
}

// Meta is how the file system described an object. It holds no pointers, so that
// millions cost nothing to pass on.
type Meta struct {
	Mode                       uint32 // st_mode, type bits included (inode(7))
	UID, GID                   uint32
	Size, Blocks               int64 // bytes; blocks of 512 bytes
	Dev, Inode, Nlink, Rdev    uint64
	Atime, Mtime, Ctime, Btime Time
	// Attributes are STATX_ATTR_* of statx(2): immutable 0x10, append-only 0x20.
	Attributes uint64
	// Of Windows: FILE_ATTRIBUTE_*, and what kind of reparse point it is.
	FileAttributes, ReparseTag uint32
}

// Attributes of Meta, from statx(2).
const (
	AttributeImmutable = 0x10
	AttributeAppend    = 0x20
)

// Type gives the type bits of the mode.
func (m *Meta) Type() uint32 { return m.Mode & evidence.ModeType }

// Regular says whether it is a regular file.
func (m *Meta) Regular() bool { return m.Type() == evidence.ModeRegular }

// Directory says whether it is a directory.
func (m *Meta) Directory() bool { return m.Type() == evidence.ModeDir }

// Time is a time of a file system; the zero Time is one that it does not keep.
type Time struct {
	Sec  int64 // since 1970, UTC
	Nsec uint32
	Set  bool
}

// Time gives it as a time.Time, zero if there is none.
func (t Time) Time() time.Time {
	if !t.Set {
		return time.Time{}
	}
	return time.Unix(t.Sec, int64(t.Nsec)).UTC()
}

func timeOf(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{Sec: t.Unix(), Nsec: uint32(t.Nanosecond()), Set: true}
}

// FileMeta gives the same as evidence has it, for the item of a file; nil if it is not known.
func (e *Entry) FileMeta() *evidence.FileMeta {
	if !e.Known {
		return nil
	}
	m := &e.Meta
	return &evidence.FileMeta{
		Mode: m.Mode, UID: m.UID, GID: m.GID, Size: m.Size, Blocks: m.Blocks, Dev: m.Dev, Inode: m.Inode, Nlink: m.Nlink, Rdev: m.Rdev,
		LinkTarget: string(e.Link), Atime: m.Atime.Time(), Mtime: m.Mtime.Time(), Ctime: m.Ctime.Time(), Btime: m.Btime.Time(),
		Attributes: m.FileAttributes, ReparseTag: m.ReparseTag,
	}
}

func metaOf(f *evidence.FileMeta) Meta {
	return Meta{
		Mode: f.Mode, UID: f.UID, GID: f.GID, Size: f.Size, Blocks: f.Blocks, Dev: f.Dev, Inode: f.Inode, Nlink: f.Nlink, Rdev: f.Rdev,
		Atime: timeOf(f.Atime), Mtime: timeOf(f.Mtime), Ctime: timeOf(f.Ctime), Btime: timeOf(f.Btime),
		FileAttributes: f.Attributes, ReparseTag: f.ReparseTag,
	}
}

// Name is the last component of the path.
func (e *Entry) Name() []byte {
	for i := len(e.Path) - 1; i >= 0; i-- {
		if e.Path[i] == '/' {
			return e.Path[i+1:]
		}
	}
	return e.Path
}

// errReplaced is the outcome of an object that became another one between two looks.
var errReplaced = evidence.Gone("replaced by another file while it was looked at")

// errNoFile is why Open opens nothing.
var errNoFile = evidence.Skip("not a regular file")

// Open opens the contents of a regular file, the very one that Meta describes,
// without changing its access time where the system allows that. It is called in visit;
// what it gives may be kept.
func (e *Entry) Open() (collector.Reader, error) {
	if !e.Known || !e.Meta.Regular() {
		return nil, errNoFile
	}
	if e.at.host != nil {
		return e.at.host.Reader(string(e.Path))
	}
	return e.at.open(&e.Meta)
}

// Xattr gives an extended attribute of the object itself (lgetxattr(2)), at most 64 KiB;
// nil without an error if it has none. It is called in visit.
func (e *Entry) Xattr(name string) ([]byte, error) {
	if e.at.host != nil || !e.Known {
		return nil, nil
	}
	return e.at.xattr(name)
}
