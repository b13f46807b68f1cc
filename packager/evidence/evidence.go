// Package evidence holds the few types that a collector and the archive share:
// what was tried (Item), what came of it (Record, Outcome), and where it goes
// (Sink). It is a leaf: it imports the standard library only, so that a
// collector can be read and tested without knowing how an archive is made.
//
// Begin with Sink; then Outcome, which says why nothing is ever silently
// missing; then the errors in errors.go, by which a fill says what happened.
package evidence

import (
	"context"
	"fmt"
	"io"
	"time"
)

// An Item is one thing that a collector tries to take. It becomes one member of
// the archive (several, if it is large), or a reason why not.
type Item struct {
	// Path is the name below data/ in the archive, with / between components:
	// "volatile/sockets.jsonl". Bytes that the archive cannot hold in a name are
	// escaped by the archive; the true name is kept in the record.
	Path string
	// Source is what is read on the host, byte for byte: "/proc/net/tcp".
	Source string
	// Collector is who reads it; the runner fills this in.
	Collector string
	// File is how the host described the file; nil if the item is no file.
	File *FileMeta
	// Limit is the size from which the fill takes less than the whole file: for a
	// larger one the archive makes no room beforehand. 0: the fill takes it whole.
	Limit int64
	// OldHashes says that SHA-1 and MD5 are computed too, for matching with old lists
	// of known files.
	OldHashes bool
}

// FileMeta is what the host's file system said of a file. Times are zero where
// the file system has none.
type FileMeta struct {
	Mode                       uint32 // st_mode, type bits included (inode(7))
	UID, GID                   uint32
	Owner, Group               string // names of UID and GID in the host's own files; of Windows the owner's SID; "" if unknown
	Size                       int64  // bytes, at the time of the stat
	Blocks                     int64  // 512-byte blocks allocated
	Dev, Inode, Nlink          uint64
	Rdev                       uint64 // device number of a device node
	LinkTarget                 string // of a symbolic link, byte for byte
	Atime, Mtime, Ctime, Btime time.Time
	Attributes                 uint32 // of Windows: FILE_ATTRIBUTE_*; 0 elsewhere
	ReparseTag                 uint32 // of Windows: what kind of reparse point it is; 0 if it is none
}

// Mode bits of FileMeta.Mode, from inode(7); the same on every system, because
// an archive of a Linux host may be read on Windows.
const (
	ModeType    = 0o170000
	ModeSocket  = 0o140000
	ModeSymlink = 0o120000
	ModeRegular = 0o100000
	ModeBlock   = 0o060000
	ModeDir     = 0o040000
	ModeChar    = 0o020000
	ModeFIFO    = 0o010000
)

// KindOf names the type bits of st_mode (inode(7)): regular, directory, symlink, fifo,
// socket, block, char; "unknown" for others.
func KindOf(mode uint32) string {
	switch mode & ModeType {
	case ModeRegular:
		return "regular"
	case ModeDir:
		return "directory"
	case ModeSymlink:
		return "symlink"
	case ModeFIFO:
		return "fifo"
	case ModeSocket:
		return "socket"
	case ModeBlock:
		return "block"
	case ModeChar:
		return "char"
	}
	return "unknown"
}

// Regular says whether the file is a regular one, which alone is ever read as a file.
func (m *FileMeta) Regular() bool { return m != nil && m.Mode&ModeType == ModeRegular }

// Outcome is what came of trying to take an item. The zero Outcome is not
// valid: whoever forgets to decide is found out.
type Outcome uint8

// The outcomes. Every item of a plan has exactly one.
const (
	Collected Outcome = iota + 1 // all of it is in the archive
	Partial                      // some of it is; the note says what is missing and why
	Absent                       // it is not on this host, or was gone when we came
	Denied                       // the system refused to let us read it
	Skipped                      // we chose not to; the note says why
	Failed                       // reading it went wrong
)

var outcomeNames = [...]string{"invalid", "collected", "partial", "absent", "denied", "skipped", "failed"}

// Outcomes lists the valid outcomes in their order.
func Outcomes() []Outcome { return []Outcome{Collected, Partial, Absent, Denied, Skipped, Failed} }

// String gives the word used in records, on the command line and in reports.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[0]
}

// MarshalText gives the word; it refuses an invalid outcome.
func (o Outcome) MarshalText() ([]byte, error) {
	if o < Collected || o > Failed {
		return nil, fmt.Errorf("outcome %d: not one of the six", o)
	}
	return []byte(o.String()), nil
}

// UnmarshalText reads the word that MarshalText wrote.
func (o *Outcome) UnmarshalText(b []byte) error {
	for _, v := range Outcomes() {
		if v.String() == string(b) {
			*o = v
			return nil
		}
	}
	return fmt.Errorf("outcome %q: not one of %v", b, Outcomes())
}

// A Record is what is known of an item after it was tried.
type Record struct {
	Item
	Outcome Outcome
	// Shortfall says that something planned was denied, failed or cut by a
	// limit. A thing that is absent, a process that ended meanwhile and what the
	// plan skips are ordinary and leave it false.
	Shortfall    bool
	Size         int64 // bytes in the archive
	SHA256       [32]byte
	SHA1         [20]byte // zero unless Item.OldHashes
	MD5          [16]byte // zero unless Item.OldHashes
	Began, Ended time.Time
	Note         string // why the outcome is not plainly "collected"; text from the host is not escaped here
}

// A Sink receives evidence.
type Sink interface {
	// Put calls fill once, with a writer for the item's bytes, and records the bytes, their
	// hash and the outcome of fill's error. An error or panic in fill is a fact about the
	// host: it is recorded, and Put returns nil. Put returns an error only when evidence can no
	// longer be kept; the collector must return it and stop. When ctx ends, Put waits a moment,
	// then leaves a hung fill behind; if ctx has ended before, fill is not called and the item
	// is recorded as skipped. Put may be called concurrently.
	Put(ctx context.Context, item Item, fill func(io.Writer) error) error
}
