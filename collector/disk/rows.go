package disk

import (
	"time"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// The tables.
const (
	filesTable      = "disk/files.jsonl"
	artifactsTable  = "disk/artifacts.jsonl"
	unreadableTable = "disk/unreadable.jsonl"
)

// A FileRow is one row of disk/files.jsonl: a file that was found, and what came of it.
type FileRow struct {
	Path      jsonl.Text `json:"path"`                // on the host, through no symbolic link but the last component
	Via       jsonl.Text `json:"via,omitempty"`       // the name that a definition gave, where links lead from it to the path
	Artifacts []string   `json:"artifacts,omitempty"` // the definitions that name it
	Tree      jsonl.Text `json:"tree,omitempty"`      // the tree that it was asked for with
	Set       jsonl.Text `json:"set,omitempty"`       // the first file of the set that it is read with
	Again     bool       `json:"again,omitempty"`     // the set was read a second time, because it changed

	Kind       string     `json:"kind"` // regular, directory, symlink, fifo, socket, block, char
	Mode       uint32     `json:"mode"` // st_mode
	UID        uint32     `json:"uid"`
	GID        uint32     `json:"gid"`
	Owner      jsonl.Text `json:"owner,omitempty"` // of the host's own passwd and group
	Group      jsonl.Text `json:"group,omitempty"`
	Size       int64      `json:"size"`      // bytes
	Allocated  int64      `json:"allocated"` // bytes
	Dev        uint64     `json:"dev"`
	Inode      uint64     `json:"inode"`
	Nlink      uint64     `json:"nlink"`
	Rdev       uint64     `json:"rdev,omitempty"`
	LinkTarget jsonl.Text `json:"link_target,omitempty"`
	Atime      string     `json:"atime,omitempty"`
	Mtime      string     `json:"mtime,omitempty"`
	Ctime      string     `json:"ctime,omitempty"`
	Btime      string     `json:"btime,omitempty"`
	Attributes uint32     `json:"attributes,omitempty"`  // of Windows: FILE_ATTRIBUTE_*
	ReparseTag uint32     `json:"reparse_tag,omitempty"` // of Windows: of a reparse point

	Outcome      evidence.Outcome `json:"outcome"`                  // of its contents
	Reason       jsonl.Text       `json:"reason,omitempty"`         // why they are not here, or not whole
	SameAs       jsonl.Text       `json:"same_as,omitempty"`        // the name under which this inode is taken
	Item         jsonl.Text       `json:"item,omitempty"`           // the item's path in the archive
	Taken        int64            `json:"taken"`                    // bytes that were read
	ReadBegan    string           `json:"read_began,omitempty"`     //
	ReadEnded    string           `json:"read_ended,omitempty"`     //
	Changed      bool             `json:"changed,omitempty"`        // size, mtime or inode changed while its set was read
	Unreadable   int64            `json:"unreadable,omitempty"`     // bytes that could not be read, zeros in the item
	AtimeMayMove bool             `json:"atime_may_move,omitempty"` // the system refused to open it without access time
	Way          string           `json:"way,omitempty"`            // of a live Windows: which gave the bytes, "file" or "volume"
	OtherWay     jsonl.Text       `json:"other_way,omitempty"`      // what the other way gave
}

// An UnreadableRow is one row of disk/unreadable.jsonl: a part of a file that could not
// be read. In its item there are zeros.
type UnreadableRow struct {
	Path   jsonl.Text `json:"path"`
	Item   jsonl.Text `json:"item"`
	Offset int64      `json:"offset"` // bytes from the beginning of the file
	Length int64      `json:"length"`
	Error  string     `json:"error"`
}

// An ArtifactRow is one row of disk/artifacts.jsonl: a definition, and what came of it.
type ArtifactRow struct {
	Name       string           `json:"name"`
	Doc        string           `json:"doc,omitempty"`
	Definition string           `json:"definition"`      // its file and line
	Value      int              `json:"value,omitempty"` // of its tier
	Patterns   []PatternRow     `json:"patterns,omitempty"`
	Files      int              `json:"files"`               // found, those of other definitions too
	Bytes      int64            `json:"bytes"`               // of the regular files among them
	Taken      int              `json:"taken"`               // files with contents in the archive
	TakenBytes int64            `json:"taken_bytes"`         //
	NotTaken   int              `json:"not_taken,omitempty"` // files that were wanted, and were denied, cut or failed
	Outcome    evidence.Outcome `json:"outcome"`
	Reason     jsonl.Text       `json:"reason,omitempty"`
}

// A PatternRow is one path of a definition with the values of its variables, or
// what else it names.
type PatternRow struct {
	Type    string     `json:"type"` // of the source: FILE, PATH, DIRECTORY, REGISTRY_KEY, COMMAND, …
	Text    jsonl.Text `json:"text"`
	Matches int        `json:"matches"`
	Outcome string     `json:"outcome,omitempty"` // where it was not looked for to its end: skipped, denied, partial, failed
	Reason  jsonl.Text `json:"reason,omitempty"`
}

// describe fills the row with what the host said of the file.
func (r *FileRow) describe(m *evidence.FileMeta) {
	r.Kind, r.Mode, r.UID, r.GID = evidence.KindOf(m.Mode), m.Mode, m.UID, m.GID
	r.Owner, r.Group = jsonl.Text(m.Owner), jsonl.Text(m.Group)
	r.Size, r.Allocated, r.Dev, r.Inode, r.Nlink, r.Rdev = m.Size, m.Blocks*512, m.Dev, m.Inode, m.Nlink, m.Rdev
	r.LinkTarget = jsonl.Text(m.LinkTarget)
	r.Atime, r.Mtime, r.Ctime, r.Btime = stamp(m.Atime), stamp(m.Mtime), stamp(m.Ctime), stamp(m.Btime)
	r.Attributes, r.ReparseTag = m.Attributes, m.ReparseTag
}

// stamp gives a time in UTC with nine digits of nanoseconds; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.Format("2006-01-02T15:04:05.000000000Z")
	}
	hour, minute, second := t.Clock()
	b := []byte("0000-00-00T00:00:00.000000000Z")
	digits := func(end, n int) {
		for ; n > 0; n /= 10 {
			end--
			b[end] = byte('0' + n%10)
		}
	}
	digits(4, year)
	digits(7, int(month))
	digits(10, day)
	digits(13, hour)
	digits(16, minute)
	digits(19, second)
	digits(29, t.Nanosecond())
	return string(b)
}
