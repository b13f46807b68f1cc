// Package timeline takes a row of every object of the host's file systems, and tells
// which of them deserve a look. One walk (package walk) does for all: it opens no file
// and follows no link.
//
//	timeline   disk/timeline.jsonl, disk/bodyfile (for mactime), disk/mounts.jsonl
//	notable    disk/notable.jsonl, and what the surest of its rows name: disk/files/…
//
// Begin with Timeline; then Row, which says what is told of an object; then Seen, by
// which the walk of one collector serves the other; then Notable. The tables are described
// in SCHEMA.md.
package timeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"hozen/collector"
	"hozen/collector/disk/walk"
	"hozen/collector/jsonl"
	"hozen/collector/winfile"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Options says what the collector timeline takes.
type Options struct {
	// NetworkMounts asks for file systems of other machines and those that a program
	// serves, too (--network-mounts).
	NetworkMounts bool
	// Seen, if not nil, is told what deserves a look, for the collector notable.
	Seen *Seen
	// Workers and Patience are those of walk.Options.
	Workers  int
	Patience time.Duration
}

// The items.
const (
	mountsItem = "disk/mounts.jsonl"
	rowsItem   = "disk/timeline.jsonl"
	bodyItem   = "disk/bodyfile"
	source     = "every local file system"
)

// Timeline lists every object of all local file systems, by lstat alone. It puts two
// items at once, which one walk fills: disk/timeline.jsonl, a Row for each object, and
// disk/bodyfile, the same in the form that mactime reads; then disk/mounts.jsonl, a
// MountRow for each mount, walked or not. Where one of the two can be written no longer,
// the other goes on.
func Timeline(o Options) collector.Collector {
	return collector.Collector{
		Name: "timeline", Doc: "every object of the local file systems with its four times, as a table and for mactime",
		Volatility: collector.Disk,
		Limit:      collector.Limit{Time: 30 * time.Minute},
		Estimate:   o.estimate,
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collect(ctx, h, to, o)
		},
	}
}

// estimate counts the objects as the file systems do (statfs(2)).
func (o Options) estimate(h *collector.Host) collector.Estimate {
	mounts, _ := walk.LocalMounts(h, false)
	var objects int64
	for i := range mounts {
		if m := &mounts[i]; m.Why == "" {
			objects += objectsOf(h, m.Point)
		}
	}
	const perSecond, perRow = 150_000, 550 // bytes, of both forms
	return collector.Estimate{Time: time.Duration(objects) * time.Second / perSecond, Bytes: objects * perRow}
}

func collect(ctx context.Context, h *collector.Host, to evidence.Sink, o Options) error {
	mounts, mountsErr := walk.LocalMounts(h, o.NetworkMounts)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t := newTaking(o.walk(mounts), o.Seen)
	var puts sync.WaitGroup
	var broken [2]error
	for i, s := range []*stream{t.rows, t.body} {
		puts.Go(func() {
			item := evidence.Item{Path: []string{rowsItem, bodyItem}[i], Source: source}
			broken[i] = to.Put(ctx, item, s.fill)
			s.leave() // also where fill was never called
			if broken[i] != nil {
				cancel(broken[i])
			}
		})
	}
	report := t.run(ctx, h)
	puts.Wait()
	if err := fault.Join(broken[:]...); err != nil {
		return err
	}
	from := "/proc/self/mountinfo"
	if h.Drives != nil {
		from = "GetLogicalDrives, GetDriveType, GetVolumeInformation"
	}
	return to.Put(context.WithoutCancel(ctx), evidence.Item{Path: mountsItem, Source: from}, func(w io.Writer) error {
		rows, err := mountRows(h, mounts, report)
		return fault.Join(jsonl.Write(w, rows), err, mountsErr)
	})
}

// walk gives the options of the walk.
func (o Options) walk(mounts []walk.Mount) walk.Options {
	return walk.Options{Roots: walk.RootsOf(mounts), Workers: o.Workers, Patience: o.Patience}
}

// A taking is one walk and what is made of it.
type taking struct {
	options    walk.Options
	rows, body *stream
	seen       *Seen
	workers    []taker
	drives     bool // names begin with a drive (collector.Host.Drives)
}

// A taker makes rows for one worker of the walk.
type taker struct {
	rows, body []byte
	times      timeText
	tally      evidence.Tally
	look       *looker // nil if nobody asks for what is notable
	shown      []byte
}

func newTaking(o walk.Options, seen *Seen) *taking {
	t := &taking{options: o, rows: newStream(), body: newStream(), seen: seen, workers: make([]taker, o.WorkersOf())}
	for i := range t.workers {
		t.workers[i].rows, t.workers[i].body = make([]byte, 0, blockRoom), make([]byte, 0, blockRoom)
	}
	return t
}

// run walks, and ends both streams.
func (t *taking) run(ctx context.Context, h *collector.Host) walk.Report {
	t.drives = h.Drives != nil
	t.seen.begin(h, t.workers)
	report, err := walk.Walk(ctx, h, t.options, t.visit)
	var tally evidence.Tally
	for i := range t.workers {
		w := &t.workers[i]
		tally.Merge(&w.tally)
		t.rows.send(w.rows)
		t.body.send(w.body)
	}
	for _, r := range report.Roots {
		tally.Add(r.Path, r.Err)
	}
	t.seen.end(t.workers, err)
	why := tally.Err()
	if err != nil {
		why = fmt.Errorf("not walked to the end: %w", err)
	}
	t.rows.close(why)
	t.body.close(why)
	return report
}

// visit writes the rows of one entry.
func (t *taking) visit(worker int, e *walk.Entry) error {
	w := &t.workers[worker]
	if e.Err != nil {
		w.tally.Add(string(e.Path), e.Err)
	}
	path := e.Path
	if t.drives { // C:\x in rows, C:/x in the body file: \ is escaped there
		w.shown = append(w.shown[:0], winfile.Shown(string(path))...)
		e.Path = w.shown
	}
	w.rows = appendRow(w.rows, &w.times, e)
	if e.Known {
		if t.drives {
			e.Path = bytes.TrimPrefix(path, []byte("/"))
		}
		w.body = appendBody(w.body, e)
	}
	if e.Path = path; w.look != nil {
		w.look.entry(e)
	}
	if len(w.rows) >= blockSize {
		w.rows = t.rows.send(w.rows)
	}
	if len(w.body) >= blockSize {
		w.body = t.body.send(w.body)
	}
	return nil
}
