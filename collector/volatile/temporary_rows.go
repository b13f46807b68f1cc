package volatile

import (
	"context"
	"errors"
	"io"
	"strconv"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// TemporaryEntry is one row of volatile/temporary.jsonl: what lstat(2) and
// listxattr(2) say of one entry. A directory that could not be listed has a
// second row with the error.
type TemporaryEntry struct {
	Path       jsonl.Text       `json:"path"`                      // as seen in its mount namespace
	Namespace  uint64           `json:"mount_namespace,omitempty"` // of another namespace than ours
	MountID    int              `json:"mount_id"`
	Kind       string           `json:"kind"` // regular, directory, symlink, fifo, socket, block, char; unknown if it could not be looked at
	Mode       uint32           `json:"mode"` // st_mode, in decimal as JSON has it
	UID        uint32           `json:"uid"`
	Owner      jsonl.Text       `json:"owner,omitempty"`
	GID        uint32           `json:"gid"`
	Group      jsonl.Text       `json:"group,omitempty"`
	Size       int64            `json:"size"`
	Allocated  int64            `json:"allocated"` // bytes
	Dev        uint64           `json:"dev"`
	Inode      uint64           `json:"inode"`
	Nlink      uint64           `json:"nlink"`
	Rdev       uint64           `json:"rdev,omitempty"`
	LinkTarget jsonl.Text       `json:"link_target,omitempty"`
	Atime      string           `json:"atime,omitempty"`
	Mtime      string           `json:"mtime,omitempty"`
	Ctime      string           `json:"ctime,omitempty"`
	Btime      string           `json:"btime,omitempty"`
	Xattrs     []TemporaryXattr `json:"xattrs,omitempty"`
	XattrError jsonl.Text       `json:"xattr_error,omitempty"`
	MountPoint string           `json:"mount_point,omitempty"` // type of the file system mounted on it
	Hidden     bool             `json:"hidden,omitempty"`      // a mount over a directory above hides it
	Contents   string           `json:"contents,omitempty"`    // "planned", "planned: data extents" or why not
	SameAs     jsonl.Text       `json:"same_as,omitempty"`     // the first name of the same file
	Error      jsonl.Text       `json:"error,omitempty"`
}

// TemporaryXattr is one extended attribute; values that are not text are base64.
type TemporaryXattr struct {
	Name  jsonl.Text `json:"name"`
	Value jsonl.Text `json:"value"`
}

// writeTemporaryRows writes the row of every entry, in two walks: the first
// counts sizes, so that the second can say whose contents will be taken.
func writeTemporaryRows(ctx context.Context, h *collector.Host, trees []memTree, l TemporaryLimits, w io.Writer) (*sizeClasses, error) {
	classes := new(sizeClasses)
	var tally evidence.Tally
	counter := newMemChooser(h, nil)
	for i := range trees {
		t := &trees[i]
		if t.Why != "" {
			continue
		}
		// What goes wrong here goes wrong again, and is recorded, in the second walk.
		_ = walkMemory(ctx, h, t, func(e *memEntry) error {
			if why, _ := counter.choose(t.source(e), e); why == "" {
				if cost := l.cost(e.meta); cost <= l.PerFile {
					classes.add(cost)
				}
			}
			return nil
		})
	}
	r := &memRows{out: jsonl.NewWriter(w), names: readOwners(h), tally: &tally, limits: l, pick: newMemChooser(h, newQuota(l, classes))}
	for i := range trees {
		t := &trees[i]
		if t.Why != "" {
			continue
		}
		err := walkMemory(ctx, h, t, func(e *memEntry) error { return r.row(t, e) })
		if r.broken != nil {
			return classes, r.broken
		}
		tally.Add(t.Point, err)
	}
	if err := r.out.Flush(); err != nil {
		return classes, err
	}
	return classes, tally.Err()
}

// source is the entry's name by which it can be found on the live host.
func (t *memTree) source(e *memEntry) string {
	p := t.Point
	if p == "/" {
		p = ""
	}
	if t.PID > 0 {
		p = "/proc/" + strconv.Itoa(t.PID) + "/root" + p
	}
	return p + e.path
}

type memRows struct {
	out    *jsonl.Writer
	names  owners
	tally  *evidence.Tally
	limits TemporaryLimits
	pick   *memChooser
	broken error // of the writer below
}

func (r *memRows) row(t *memTree, e *memEntry) error {
	seen := *t
	seen.PID = 0
	row := TemporaryEntry{Path: jsonl.Text(seen.source(e)), MountID: t.ID, Kind: "unknown", MountPoint: e.mount, Hidden: e.hidden}
	if row.Path == "" {
		row.Path = "/"
	}
	if !t.Ours {
		row.Namespace = t.Namespace
	}
	if e.err != nil {
		row.Error = jsonl.Text(e.err.Error())
		r.tally.Add(string(row.Path), e.err)
	}
	if e.meta != nil {
		r.describe(&row, t, e)
	} else if e.mount != "" && e.err == nil {
		row.Error = "not looked at: another file system is mounted on it"
	}
	r.broken = r.out.Row(&row)
	return r.broken
}

func (r *memRows) describe(row *TemporaryEntry, t *memTree, e *memEntry) {
	m := e.meta
	row.Kind, row.Mode, row.UID, row.GID = evidence.KindOf(m.Mode), m.Mode, m.UID, m.GID
	row.Owner, row.Group = r.names.users[m.UID], r.names.groups[m.GID]
	row.Size, row.Allocated, row.Dev, row.Inode, row.Nlink, row.Rdev = m.Size, m.Blocks*512, m.Dev, m.Inode, m.Nlink, m.Rdev
	row.LinkTarget = jsonl.Text(m.LinkTarget)
	row.Atime, row.Mtime, row.Ctime, row.Btime = stamp(m.Atime), stamp(m.Mtime), stamp(m.Ctime), stamp(m.Btime)
	if e.err != nil {
		return
	}
	attrs, err := e.in.xattrs(e.name)
	if o, _, _ := evidence.Classify(err, 0); err != nil && o != evidence.Absent {
		row.XattrError = jsonl.Text(err.Error())
		r.tally.Add(string(row.Path), err)
	}
	for _, a := range attrs {
		row.Xattrs = append(row.Xattrs, TemporaryXattr{jsonl.Text(a.name), jsonl.Text(a.value)})
	}
	if !m.Regular() {
		return
	}
	why, same := r.pick.choose(t.source(e), e)
	row.Contents, row.SameAs = why, jsonl.Text(same)
	switch {
	case why != "":
	case r.limits.sparse(m):
		row.Contents = "planned: data extents"
	default:
		row.Contents = "planned"
	}
}

// errVanished is the outcome of a file that is gone when its contents are read.
var errVanished = errors.New("gone since it was listed")
