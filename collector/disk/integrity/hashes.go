package integrity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/disk/known"
	"hozen/collector/disk/walk"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// HashOptions says what the collector "hashes" does.
type HashOptions struct {
	Paths []string      // directories or files, absolute on the host (--hash-tree)
	Lists *known.Lists  // whose marks stand in the rows; may be nil
	Time  time.Duration // after which no file is begun and the rest is counted; 0: an hour
}

// hashGrace is how much longer than its time the collector may take to count the rest.
const hashGrace = time.Minute

// HashTree is the collector "hashes": SHA-256, SHA-1 and MD5 of every regular file below
// some paths, none of which is taken. Each file is read once whatever names it has, at
// most to the size that it had when it was found, without changing its access time
// where the system allows that. Mounts below a path are entered if they are local.
func HashTree(o HashOptions) collector.Collector {
	if o.Time <= 0 {
		o.Time = time.Hour
	}
	return collector.Collector{
		Name: "hashes", Doc: "SHA-256, SHA-1 and MD5 of whole trees (--hash-tree), which are not taken",
		Volatility: collector.Disk, Asked: "--hash-tree",
		Limit: collector.Limit{Time: o.Time + hashGrace},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			item := evidence.Item{Path: "disk/hashes.jsonl", Source: strings.Join(o.Paths, " ")}
			if len(o.Paths) == 0 {
				item.Source = "--hash-tree"
			}
			return to.Put(ctx, item, func(w io.Writer) error {
				if len(o.Paths) == 0 {
					return evidence.Skip("no path was asked for")
				}
				return hashTrees(ctx, h, o, w)
			})
		},
	}
}

// A HashRow is a row of disk/hashes.jsonl: a regular file below one of the paths, or
// something that could not be looked at.
type HashRow struct {
	Path      jsonl.Text `json:"path"`
	Size      int64      `json:"size"`                // bytes, when it was found
	Allocated int64      `json:"allocated,omitempty"` // bytes on the disk; less than size: it has holes, which are hashed as zeros
	SHA256    string     `json:"sha256,omitempty"`    // hex; all three only of a file that was read whole
	SHA1      string     `json:"sha1,omitempty"`
	MD5       string     `json:"md5,omitempty"`
	Known     []string   `json:"known,omitempty"` // names of the lists of known hashes that have it
	Mode      uint32     `json:"mode,omitempty"`  // st_mode, type bits included
	UID       uint32     `json:"uid"`
	GID       uint32     `json:"gid"`
	Dev       uint64     `json:"dev,omitempty"`
	Inode     uint64     `json:"inode,omitempty"`
	Nlink     uint64     `json:"nlink,omitempty"`
	Mtime     string     `json:"mtime,omitempty"`
	Ctime     string     `json:"ctime,omitempty"`
	Atime     string     `json:"atime,omitempty"`
	Btime     string     `json:"btime,omitempty"`
	Again     bool       `json:"again,omitempty"`   // another name of a file that was read: the row with the same dev and inode has the hashes
	Covered   bool       `json:"covered,omitempty"` // another mount hides the place from programs of the host
	Grew      bool       `json:"grew,omitempty"`    // longer when it was read: hashed to its first size
	Note      string     `json:"note,omitempty"`    // why there are no hashes
}

// hashTrees writes the rows in the order in which one walker finds the files, while
// all processors hash.
func hashTrees(ctx context.Context, h *collector.Host, o HashOptions, w io.Writer) error {
	var tally evidence.Tally
	roots := treeRoots(h, o.Paths, &tally)
	t := newHasher(ctx, h, o, jsonl.NewWriter(w), &tally)
	report, err := walk.Walk(ctx, h, walk.Options{Roots: roots, Workers: 1}, func(_ int, e *walk.Entry) error { return t.visit(ctx, e) })
	if werr := t.finish(); werr != nil {
		return werr
	}
	for _, r := range report.Roots {
		if err == nil {
			tally.Add(r.Path, r.Err)
		}
	}
	switch {
	case ctx.Err() != nil:
		tally.Add("walk", evidence.Cut("the time was over before all files were found: those not found are not counted"))
	case err != nil:
		tally.Add("walk", err)
	}
	return tally.Err()
}

// treeRoots gives the roots of a walk over the paths: they themselves, without links on
// the way, and local mounts below them.
func treeRoots(h *collector.Host, paths []string, tally *evidence.Tally) (roots []walk.Root) {
	mounts, err := walk.LocalMounts(h, false)
	tally.Add("mounts", err)
	local := walk.RootsOf(mounts)
	have := map[string]bool{}
	links := newLinks(h)
	add := func(r walk.Root) {
		if !have[r.Path] {
			have[r.Path] = true
			roots = append(roots, r)
		}
	}
	for _, p := range paths {
		p = realOf(h, links, p)
		if slices.ContainsFunc(paths, func(other string) bool { return proc.Beneath(p, realOf(h, links, other)) }) && !isMount(mounts, p) {
			continue // below another one
		}
		r := walk.Root{Path: p}
		if len(local) > 0 {
			r.Stops = local[0].Stops
		}
		add(r)
		for _, m := range local {
			if proc.Beneath(m.Path, p) {
				add(m)
			}
		}
	}
	return roots
}

// realOf gives the name of a path without links; on a live Windows, where it is asked for
// through one, as it is: its walk will say so.
func realOf(h *collector.Host, l *links, p string) string {
	if h.Drives != nil {
		return h.Name(p)
	}
	return l.real(p)
}

func isMount(mounts []walk.Mount, p string) bool {
	return slices.ContainsFunc(mounts, func(m walk.Mount) bool { return m.Path == p })
}

// visit is called for each object, by one goroutine.
func (t *hasher) visit(ctx context.Context, e *walk.Entry) error {
	if e.Err != nil && (!e.Known || !e.Meta.Regular()) {
		_, note, shortfall := evidence.Classify(e.Err, 0)
		if shortfall {
			t.tally.Add(string(e.Path), e.Err)
		}
		return t.push(ctx, &hashTask{row: HashRow{Path: jsonl.Text(t.host.Shown(string(e.Path))), Note: note}})
	}
	if !e.Known || !e.Meta.Regular() {
		return nil
	}
	m := &e.Meta
	j := &hashTask{row: HashRow{
		Path: jsonl.Text(t.host.Shown(string(e.Path))), Size: m.Size, Allocated: m.Blocks * 512, Mode: m.Mode, UID: m.UID, GID: m.GID,
		Dev: m.Dev, Inode: m.Inode, Nlink: m.Nlink, Again: e.Again, Covered: e.Covered,
		Mtime: stamp(m.Mtime), Ctime: stamp(m.Ctime), Atime: stamp(m.Atime), Btime: stamp(m.Btime),
	}}
	switch {
	case e.Again:
	case t.host.IsOwn(collector.FileID{Dev: m.Dev, Inode: m.Inode}):
		j.row.Note = "ours: the archive that is being written"
	case time.Now().After(t.until):
		t.leftFiles++
		t.leftBytes += m.Size
		return nil
	case m.Size-m.Blocks*512 > maxHoles:
		j.err = evidence.Cut("holes of %d bytes: more than %d are not hashed", m.Size-m.Blocks*512, int64(maxHoles))
	default:
		if j.r, j.err = e.Open(); j.err == nil && m.Size == 0 {
			j.r.Close()
			j.r = nil
			j.hashed = true
			j.sums = emptySums()
		}
	}
	return t.push(ctx, j)
}

// maxHoles is how many bytes of holes are hashed as zeros in one file.
const maxHoles = 64 << 30

func stamp(t walk.Time) string {
	if !t.Set {
		return ""
	}
	return t.Time().Format("2006-01-02T15:04:05.000000000Z")
}

// left says what the time did not suffice for.
func (t *hasher) left() error {
	if t.leftFiles == 0 {
		return nil
	}
	return evidence.Cut("%v were over: %d files with %d bytes are left", t.o.Time, t.leftFiles, t.leftBytes)
}

// noteOf makes a note of why a file was not read to its end.
func noteOf(err error, read int64) string {
	_, note, _ := evidence.Classify(err, 0)
	if errors.Is(err, errShort) || read == 0 {
		return note
	}
	return fmt.Sprintf("after %d bytes: %s", read, note)
}
