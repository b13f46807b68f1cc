package timeline

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"hozen/collector"
	"hozen/collector/disk/walk"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/packager/evidence"
)

// NotableOptions says what the collector notable takes.
type NotableOptions struct {
	// Seen is what the walk of the collector timeline saw. Where that was not run, notable
	// walks itself.
	Seen *Seen
	// Walk is how it does so.
	Walk Options
	// Taken, if not nil, says whether a file is in the archive already, and need not be
	// taken again; where it is not, it counts as taken from now on.
	Taken func(dev, inode uint64) bool
	// PerFile and Total bound the contents that are taken, in bytes; 0: 32 and 512 MiB.
	PerFile, Total int64
}

// NotableRow is one row of disk/notable.jsonl: something that deserves a look. It is a
// fact about what was seen, not a verdict.
type NotableRow struct {
	Kind      string       `json:"kind"`      // SCHEMA.md lists the kinds
	Technique string       `json:"technique"` // of MITRE ATT&CK, that it is most often seen of
	Level     memory.Level `json:"level"`
	Path      jsonl.Text   `json:"path"`
	Seen      jsonl.Text   `json:"seen"`  // what was seen, in a sentence
	Mode      uint32       `json:"mode"`  // this and the following: as in disk/timeline.jsonl
	UID       uint32       `json:"uid"`   //
	GID       uint32       `json:"gid"`   //
	Size      int64        `json:"size"`  //
	Dev       uint64       `json:"dev"`   //
	Inode     uint64       `json:"inode"` //
	Mtime     string       `json:"mtime,omitempty"`
	Ctime     string       `json:"ctime,omitempty"`
	Btime     string       `json:"btime,omitempty"`
	Hidden    bool         `json:"hidden,omitempty"`
	Explained string       `json:"explained,omitempty"` // the known benign explanation that fits: such a row is of level low
	Benign    []string     `json:"benign,omitempty"`    // what else is known to look so on healthy machines
	Contents  string       `json:"contents,omitempty"`  // the item that is to hold them, or why they are not taken
}

const notableItem = "disk/notable.jsonl"

// Notable tells what the walk saw that deserves a look, as disk/notable.jsonl, and takes
// the contents of the files that rows of levels medium and high name, below disk/files.
func Notable(o NotableOptions) collector.Collector {
	if o.PerFile <= 0 {
		o.PerFile = 32 << 20
	}
	if o.Total <= 0 {
		o.Total = 512 << 20
	}
	return collector.Collector{
		Name: "notable", Doc: "what deserves a look among the files: programs with privileges or in odd places, hidden names, set times, new changes of the system",
		Volatility: collector.Disk,
		Limit:      collector.Limit{Time: 10 * time.Minute},
		Collect:    o.collect,
	}
}

func (o NotableOptions) collect(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	var plan atomic.Pointer[[]content]
	item := evidence.Item{Path: notableItem, Source: source}
	err := to.Put(ctx, item, func(w io.Writer) error {
		seen, err := o.look(ctx, h)
		rows, contents := o.rows(h, seen)
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		plan.Store(&contents)
		return leftOut(seen, err)
	})
	if err != nil || plan.Load() == nil {
		return err
	}
	for _, c := range *plan.Load() {
		if err := c.put(ctx, h, to); err != nil {
			return err
		}
	}
	return nil
}

// look gives what was seen; with an error, not all of it.
func (o NotableOptions) look(ctx context.Context, h *collector.Host) (*[kindCount]findings, error) {
	s := o.Seen
	if s == nil {
		s = &Seen{}
	}
	s.mu.Lock()
	walked := s.walked
	s.mu.Unlock()
	if !walked {
		mounts, _ := walk.LocalMounts(h, o.Walk.NetworkMounts)
		t := &taking{options: o.Walk.walk(mounts)}
		t.workers = make([]taker, t.options.WorkersOf())
		s.begin(h, t.workers)
		_, err := walk.Walk(ctx, h, t.options, func(worker int, e *walk.Entry) error {
			t.workers[worker].look.entry(e)
			return nil
		})
		s.end(t.workers, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return &s.found, fmt.Errorf("not walked to the end: %w", s.err)
	}
	return &s.found, nil
}

// A content is a file that is to be taken.
type content struct {
	path, source string
	meta         walk.Meta
}

// rows makes the rows, the surest first, and says whose contents are taken.
func (o NotableOptions) rows(h *collector.Host, seen *[kindCount]findings) (rows []NotableRow, contents []content) {
	names, left := kinds(), o.Total
	planned := &planned{ids: map[collector.FileID]string{}, paths: map[string]bool{}}
	levels := memory.Levels()
	for i := len(levels) - 1; i >= 0; i-- {
		l := levels[i]
		for k := range seen {
			f := &seen[k]
			for j := range f.list[l] {
				one := &f.list[l][j]
				r := one.row(&names[k])
				r.Path = jsonl.Text(h.Shown(one.path))
				if l > memory.Low && one.meta.Regular() {
					var fresh bool
					if r.Contents, fresh = o.plan(h, one, &left, planned); fresh {
						contents = append(contents, content{r.Contents, one.path, one.meta})
					}
				}
				rows = append(rows, r)
			}
		}
	}
	return rows, contents
}

// leftOut tells what has no row: err, why not all was seen, and what is over the bounds. Of
// level low that is no shortfall, since healthy machines have it by the thousand (after an
// upgrade), and disk/timeline.jsonl has every file.
func leftOut(seen *[kindCount]findings, err error) error {
	var tally evidence.Tally
	var low []string
	tally.Add("walk", err)
	for k, kind := range kinds() {
		for _, l := range memory.Levels() {
			more := seen[k].count[l] - len(seen[k].list[l])
			switch {
			case more <= 0:
			case l == memory.Low:
				low = append(low, fmt.Sprintf("%s %d", kind.name, more))
			default:
				tally.Add(kind.name, evidence.Cut("%d more of level %s", more, l))
			}
		}
	}
	if err := tally.Err(); err != nil || low == nil {
		return err
	}
	return evidence.Part("more of level low than have rows: %s", strings.Join(low, ", "))
}

func itemOf(path string) string { return "disk/files" + path }

// planned is what will be taken.
type planned struct {
	ids   map[collector.FileID]string // the item, by the file
	paths map[string]bool             // where the file system has no numbers
}

// plan gives the item that will hold the contents of a file, and whether it is planned
// just now; or the reason why there will be none.
func (o NotableOptions) plan(h *collector.Host, f *finding, left *int64, p *planned) (text string, fresh bool) {
	id := collector.FileID{Dev: f.meta.Dev, Inode: f.meta.Inode}
	known := f.meta.Inode != 0
	switch {
	case known && p.ids[id] != "":
		return p.ids[id], false
	case p.paths[f.path]:
		return itemOf(f.path), false
	case h.IsOwn(id):
		return "our own output", false
	case f.covered:
		return "not taken: another mount lies over the place", false
	case f.meta.Size > o.PerFile:
		return fmt.Sprintf("not taken: larger than %d bytes", o.PerFile), false
	case f.meta.Size > *left:
		return fmt.Sprintf("not taken: those before it have the %d bytes that are taken together", o.Total), false
	case known && o.Taken != nil && o.Taken(id.Dev, id.Inode):
		return "taken already", false
	}
	*left -= f.meta.Size
	p.paths[f.path] = true
	if known {
		p.ids[id] = itemOf(f.path)
	}
	return itemOf(f.path), true
}

func (f *finding) row(k *kind) NotableRow {
	var t timeText
	m := &f.meta
	text := func(at walk.Time) string {
		if !at.Set || at.Sec < firstSecond || at.Sec > lastSecond {
			return ""
		}
		return string(t.stamp(nil, at))
	}
	return NotableRow{
		Kind: k.name, Technique: k.technique, Level: f.level, Path: jsonl.Text(f.path), Seen: jsonl.Text(f.seen),
		Mode: m.Mode, UID: m.UID, GID: m.GID, Size: m.Size, Dev: m.Dev, Inode: m.Inode,
		Mtime: text(m.Mtime), Ctime: text(m.Ctime), Btime: text(m.Btime), Hidden: f.covered, Explained: f.explained, Benign: k.benign,
	}
}

// put takes the contents, if the file is still the one that was seen.
func (c *content) put(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	strict := *h
	strict.NoLinks, strict.Stored = true, true // a name that was swapped since it was seen leads nowhere
	h = &strict
	m, err := h.Lstat(c.source)
	item := evidence.Item{Path: c.path, Source: h.Shown(c.source), File: m}
	return to.Put(ctx, item, func(w io.Writer) error {
		switch {
		case err != nil:
			return err
		case !m.Regular() || m.Inode != c.meta.Inode:
			return evidence.Gone("replaced by another file since it was seen")
		}
		return h.Copy(w, c.source, m.Size)
	})
}
