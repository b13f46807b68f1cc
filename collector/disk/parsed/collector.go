package parsed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/disk/artifact"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// Options say which files are parsed, by which parsers.
type Options struct {
	Formats []Format // in the order in which they run
	Found   *Found   // what disk found; it is filled before Collect is called
	Limits  Limits
}

// Collector makes rows of the files that disk found.
func Collector(o Options) collector.Collector {
	o.Limits = o.Limits.filled()
	return collector.Collector{
		Name: "parsed", Doc: "rows of what the files tell that disk took: file system, registry, programs that ran",
		Volatility: collector.Disk,
		Limit:      collector.Limit{Time: o.Limits.Time + time.Minute},
		Estimate: func(h *collector.Host) collector.Estimate {
			if artifact.SystemOf(h) != artifact.Windows {
				return collector.Estimate{}
			}
			return collector.Estimate{Time: 30 * time.Second, Bytes: 512 << 20}
		},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			quiet, done := h.Quiet()
			defer done()
			r := &run{host: quiet, to: to, o: o, limits: o.Limits, until: time.Now().Add(o.Limits.Time)}
			return r.all(ctx)
		},
	}
}

// A run parses what was found.
type run struct {
	host   *collector.Host
	to     evidence.Sink
	o      Options
	limits Limits // what is left of them
	until  time.Time
	rows   []FileRow
	tally  evidence.Tally
	hung   int // parsers that were left behind
}

// maxHung is how many parsers may be left behind before nothing more is parsed: each
// keeps a processor and memory.
const maxHung = 2

func (r *run) all(ctx context.Context) error {
	for _, format := range r.o.Formats {
		files := r.o.Found.of(format)
		if len(files) == 0 {
			continue
		}
		for _, f := range files {
			f.Shown = r.host.Shown(f.Path)
		}
		item := evidence.Item{Path: Table(format.Name), Source: files[0].Name()}
		if len(files) > 1 {
			item.Source = fmt.Sprintf("%s and %d more", files[0].Name(), len(files)-1)
		}
		kept := len(r.rows)
		err := r.to.Put(ctx, item, func(w io.Writer) error { return r.format(ctx, w, format, files) })
		if err != nil {
			return err
		}
		if len(r.rows) == kept { // the time was over before it began
			for _, f := range files {
				r.tally.Add(f.Path, r.add(format, f, evidence.Cut("not parsed: the time is over")))
			}
		}
	}
	return r.to.Put(context.WithoutCancel(ctx), evidence.Item{Path: FilesTable, Source: "files"}, r.write)
}

// add makes the row of a file that was not parsed, and gives the error back.
func (r *run) add(format Format, f *File, err error) error {
	row := FileRow{Used: Used{Path: textOf(f.Name()), Item: textOf(f.Item)}, Format: format.Name, Artifacts: f.Artifacts, Size: f.Meta.Size}
	row.set(err)
	r.rows = append(r.rows, row)
	return err
}

func (row *FileRow) set(err error) {
	o, note, _ := evidence.Classify(err, row.Rows)
	row.Outcome, row.Reason = o, textOf(note)
}

// format makes the table of one format.
func (r *run) format(ctx context.Context, w io.Writer, format Format, files []*File) error {
	var tally evidence.Tally
	damaged := 0
	for _, f := range files {
		n, err := r.file(ctx, w, format, f)
		var lost *writeError
		if errors.As(err, &lost) {
			return err
		}
		tally.Add(f.Path, err)
		damaged += min(n, 1)
	}
	if err := tally.Err(); err != nil {
		return err
	}
	if damaged > 0 {
		return evidence.Part("%d of %d files are damaged: see their rows in %s", damaged, len(files), FilesTable)
	}
	return nil
}

// file parses one file. It gives how much damage the file has, and an error if rows are
// missing that an undamaged file would have.
func (r *run) file(ctx context.Context, w io.Writer, format Format, f *File) (damage int, err error) {
	switch {
	case ctx.Err() != nil:
		return 0, r.add(format, f, evidence.Cut("not parsed: %v", context.Cause(ctx)))
	case time.Now().After(r.until):
		return 0, r.add(format, f, evidence.Cut("not parsed: the time is over"))
	case r.hung >= maxHung:
		return 0, r.add(format, f, evidence.Cut("not parsed: %d parsers did not come back", r.hung))
	case r.limits.Rows <= 0 || r.limits.Bytes <= 0:
		return 0, r.add(format, f, evidence.Cut("not parsed: the limit of all rows is reached"))
	}
	src, err := r.open(ctx, format, f)
	if err != nil {
		return 0, r.add(format, f, err)
	}
	limits := r.limits
	limits.FileTime = min(limits.FileTime, time.Until(r.until))
	out := &sink{w: w}
	n, size, left, err := parse(ctx, out, format, src, limits)
	r.limits.Rows -= n
	r.limits.Bytes -= size
	if left {
		r.hung++
	} else {
		defer src.close()
	}
	row := src.row(format, n)
	if err == nil {
		err = src.cutError()
	}
	damage = row.Damage
	switch {
	case err == nil && damage > 0:
		row.set(evidence.Part("it is damaged in %d places", damage))
		row.Outcome = evidence.Partial
	case parserGaveUp(err):
		row.set(err)
		damage++
		err = nil
	default:
		row.set(err)
	}
	r.rows = append(r.rows, row)
	if out.err != nil {
		return damage, &writeError{out.err}
	}
	return damage, err
}

// parserGaveUp says whether an error is a parser's own, about the file: a fact about the
// host. Limits, panics and what the system refused are shortfalls.
func parserGaveUp(err error) bool {
	var gave *Unparsable
	return errors.As(err, &gave)
}

// An Unparsable is the error of a parser that can make nothing of a file (any more): the
// file is damaged, or not what its name says.
type Unparsable struct{ Err error }

// Error implements error.
func (u *Unparsable) Error() string { return "not parsed: " + u.Err.Error() }

// Unwrap gives the reason.
func (u *Unparsable) Unwrap() error { return u.Err }

// write writes the table of files.
func (r *run) write(w io.Writer) error {
	if more := r.more(); more > 0 {
		r.tally.Add("files", evidence.Cut("%d files more than %d were found, and not parsed", more, maxFound))
	}
	if err := jsonl.Write(w, r.rows); err != nil {
		return err
	}
	if len(r.rows) == 0 && r.tally.Err() == nil {
		return evidence.NotHere("nothing was taken that a format is known of")
	}
	return r.tally.Err()
}

func (r *run) more() int {
	if r.o.Found == nil {
		return 0
	}
	r.o.Found.mu.Lock()
	defer r.o.Found.mu.Unlock()
	return r.o.Found.more
}
