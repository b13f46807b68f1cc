package disk

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

const (
	workers = 2
	// batchUnits and batchBytes bound what a worker takes at once.
	batchUnits, batchBytes = 32, 1 << 20
	// maxVictims bounds the files over a limit that have a record of their own.
	maxVictims = 10_000
	// maxDead is how many files of one file system may hang before the rest is left.
	maxDead = 2
)

// A run puts files into the archive.
type run struct {
	ctx    context.Context
	host   *collector.Host
	to     evidence.Sink
	o      Options
	watch  *watch
	reader *reader
	files  *table
	known  *finding
	until  time.Time // nothing is begun after it; zero: no limit
	left   atomic.Int64
	stop   atomic.Bool // the sink is broken

	mu      sync.Mutex
	dead    map[uint64]int // hangs by st_dev
	victims int

	unreadable []UnreadableRow // of what was done, in order
	tally      evidence.Tally  // of the trees; the producer's
}

func newRun(ctx context.Context, h *collector.Host, to evidence.Sink, o Options, w *watch, found *finding) *run {
	strict := *h
	strict.NoLinks = true // names are true ones: a directory that was swapped for a link leads out of the plan
	r := &run{ctx: ctx, host: &strict, to: to, o: o, watch: w, known: found, reader: newReader(o), dead: map[uint64]int{}}
	r.files = newTable(ctx, to, evidence.Item{Path: filesTable, Source: "files"})
	if limit := remaining(ctx); limit > 0 {
		r.until = time.Now().Add(limit)
	}
	return r
}

// over says why nothing more is begun; nil if time is left.
func (r *run) over() error {
	switch {
	case r.ctx.Err() != nil:
		return evidence.Cut("budget: not begun: %v", context.Cause(r.ctx))
	case !r.until.IsZero() && time.Now().After(r.until):
		return evidence.Cut("budget: not begun: the time is over")
	}
	return nil
}

// A task is some units for one worker.
type task struct {
	units []*unit
	bytes int64
	rows  [][]byte
	bad   []UnreadableRow
	err   error // of the sink
	done  chan struct{}
}

// add makes a row of the table from what is known of a file.
func (j *task) add(row *FileRow) { j.rows = append(j.rows, row.json()) }

// take puts units in parallel; their rows are written in order. Its error is the sink's.
func (r *run) take(units iter.Seq[*unit]) (err error) {
	tasks, order := make(chan *task), make(chan *task, 2*workers)
	for range workers {
		go func() {
			for j := range tasks {
				r.do(j)
				close(j.done)
			}
		}()
	}
	go func() {
		defer close(order)
		defer close(tasks)
		for j := range r.batches(units) {
			order <- j
			tasks <- j
		}
	}()
	for j := range order {
		<-j.done
		if err == nil {
			err = j.err
		}
		r.unreadable = append(r.unreadable, j.bad...)
		for _, row := range j.rows {
			if err == nil {
				err = r.files.row(row)
			}
		}
		if err != nil {
			r.stop.Store(true)
		}
	}
	return err
}

// batches joins units into tasks.
func (r *run) batches(units iter.Seq[*unit]) iter.Seq[*task] {
	return func(yield func(*task) bool) {
		j := &task{done: make(chan struct{})}
		for u := range units {
			if r.stop.Load() {
				return
			}
			j.units = append(j.units, u)
			if j.bytes += u.cost(r.o); len(j.units) < batchUnits && j.bytes < batchBytes {
				continue
			}
			yield(j)
			j = &task{done: make(chan struct{})}
		}
		if len(j.units) > 0 {
			yield(j)
		}
	}
}

func (r *run) do(j *task) {
	for _, u := range j.units {
		if r.stop.Load() {
			return
		}
		if j.err = r.unit(u, j); j.err != nil {
			r.stop.Store(true)
			return
		}
	}
}

// unit takes one unit; a set that changed while it was read is taken once more.
func (r *run) unit(u *unit, j *task) error {
	r.refresh(u, false)
	if !u.set() {
		row, err := r.file(u.main(), "", j)
		if err == nil {
			j.add(row)
		}
		return err
	}
	rows, err := r.set(u, "", j)
	if err != nil || !changed(rows) {
		return err
	}
	if cost := u.cost(r.o); r.over() != nil || r.left.Add(-cost) < 0 {
		r.left.Add(cost)
		return nil
	}
	r.refresh(u, true)
	_, err = r.set(u, "/@again", j)
	return err
}

func changed(rows []*FileRow) bool {
	for _, row := range rows {
		if row.Changed {
			return true
		}
	}
	return false
}

// set reads the files of a set one right after another, then looks whether one has
// changed meanwhile.
func (r *run) set(u *unit, below string, j *task) (rows []*FileRow, err error) {
	for _, f := range u.files {
		row, err := r.file(f, below, j)
		if err != nil {
			return nil, err
		}
		row.Set, row.Again = r.shown(u.main().path), below != ""
		rows = append(rows, row)
	}
	for i, f := range u.files {
		if f.why == nil {
			m, err := lstat(r.ctx, r.watch, r.host, f.path)
			rows[i].Changed = err != nil || m.Size != f.meta.Size || m.Inode != f.meta.Inode || !m.Mtime.Equal(f.meta.Mtime)
		}
	}
	for _, row := range rows {
		j.add(row)
	}
	return rows, nil
}

// refresh looks at files again, that were found a while ago. What cannot be looked at
// any more keeps what was known: reading it will say why.
// Those of a tree were found just now.
func (r *run) refresh(u *unit, again bool) {
	for _, f := range u.files {
		if f.why != nil || f.tree != "" && !again || r.over() != nil || r.deadly(f) != nil {
			continue
		}
		m, err := lstat(r.ctx, r.watch, r.host, f.path)
		if err == nil && m.Regular() && m.Size <= r.o.MaxFile {
			r.known.names.fill(m)
			f.meta = m
		}
		r.hung(f, err)
	}
}

// file takes one file, or says why not. Its error is the sink's.
func (r *run) file(f *file, below string, j *task) (*FileRow, error) {
	why := f.why
	if why == nil {
		if why = r.over(); why == nil {
			why = r.deadly(f)
		}
	}
	row := &FileRow{Path: r.shown(f.path), Via: r.shown(f.via), Artifacts: f.artifacts, Tree: r.shown(f.tree), SameAs: r.shown(f.same)}
	row.describe(f.meta)
	item := evidence.Item{Path: itemPath(below, f.path), Source: r.host.Shown(f.path), File: f.meta, Limit: r.o.MaxFile, OldHashes: true}
	if why != nil {
		if _, _, shortfall := evidence.Classify(why, 0); shortfall {
			r.o.Found.Add(f.path, "", f.artifacts, f.meta)
		}
		return row, r.leaveOut(f, row, item, why)
	}
	rd, err := r.put(f, item)
	if err != nil {
		return row, err
	}
	r.told(f, row, rd)
	row.Item = jsonl.Text(item.Path)
	if rd.taken == 0 && row.Outcome != evidence.Collected {
		row.Item = ""
	}
	r.o.Found.Add(f.path, string(row.Item), f.artifacts, f.meta)
	for _, u := range rd.unreadable {
		u.Path, u.Item = row.Path, row.Item
		j.bad = append(j.bad, u)
	}
	if rd.extents == nil {
		return row, nil
	}
	table := evidence.Item{Path: itemPath("/@extents"+below, f.path) + ".jsonl", Source: r.host.Shown(f.path)}
	return row, r.to.Put(r.ctx, table, func(w io.Writer) error { return jsonl.Write[sparse.Extent](w, rd.extents) })
}

// shown is a name as people see it on the host.
func (r *run) shown(name string) jsonl.Text { return jsonl.Text(r.host.Shown(name)) }

// put reads a file into the archive.
func (r *run) put(f *file, item evidence.Item) (*reading, error) {
	h := *r.host
	h.Pulse = &collector.Pulse{}
	ctx, v := r.watch.begin(r.ctx, h.Pulse, time.Minute+time.Duration(f.meta.Size/slowest)*time.Second)
	defer r.watch.over(v)
	var got atomic.Pointer[reading]
	own := *f
	err := r.to.Put(ctx, item, func(w io.Writer) error {
		rd := r.reader.read(ctx, &h, w, &own)
		got.Store(rd)
		return rd.err
	})
	rd := got.Load()
	if rd == nil {
		if rd = (&reading{err: context.Cause(ctx)}); rd.err == nil {
			rd.err = errors.New("reading it went wrong: its record says how")
		}
	}
	r.hung(f, context.Cause(ctx))
	return rd, err
}

// told fills the row with what came of reading.
func (r *run) told(f *file, row *FileRow, rd *reading) {
	var note string
	row.Outcome, note, _ = evidence.Classify(rd.err, rd.taken)
	row.Reason, row.Taken = jsonl.Text(note), rd.taken
	row.ReadBegan, row.ReadEnded = stamp(rd.began), stamp(rd.ended)
	row.Unreadable, row.AtimeMayMove = rd.lost(), rd.mayMove
	row.Way, row.OtherWay = rd.way, jsonl.Text(rd.other)
	f.outcome, f.taken = row.Outcome, rd.taken
}

// leaveOut says why a file is not taken: in its row, and, if it should have been, in
// a record of its own.
func (r *run) leaveOut(f *file, row *FileRow, item evidence.Item, why error) error {
	o, note, shortfall := evidence.Classify(why, 0)
	row.Outcome, row.Reason = o, jsonl.Text(note)
	f.outcome = o
	if !shortfall {
		return nil
	}
	f.short = true
	r.mu.Lock()
	r.victims++
	own := r.victims <= maxVictims
	r.mu.Unlock()
	if !own {
		return nil
	}
	return r.to.Put(context.WithoutCancel(r.ctx), item, func(io.Writer) error { return why })
}

// deadly says why nothing more is read of a file system that gave no answer.
func (r *run) deadly(f *file) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.dead[f.meta.Dev]; n >= maxDead {
		return evidence.Cut("not read: %d files on its file system (device %#x) gave no answer", n, f.meta.Dev)
	}
	return nil
}

// hung notes a file that gave no answer.
func (r *run) hung(f *file, err error) {
	var hung *errHung
	if errors.As(err, &hung) {
		r.mu.Lock()
		r.dead[f.meta.Dev]++
		r.mu.Unlock()
	}
}

// itemPath gives the name in the archive of a file on the host. A first component
// that begins with @ is ours: that of a file goes below @0.
func itemPath(below, name string) string {
	if !strings.HasPrefix(name, "/") { // "C:\Users", on Windows
		if len(name) > 1 && name[1] == ':' {
			name = name[2:]
		}
		name = "/" + strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/")
	}
	if strings.HasPrefix(name, "/@") {
		name = "/@0" + name
	}
	return "disk/files" + below + name
}
