package persistence

import (
	"context"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/persistence/command"
	"hozen/collector/registry"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Persistence takes what makes Windows start programs again. class is Live for a running
// Windows, where it asks the Service Control Manager and the kernel, too, and Disk for
// one that is only files.
func Persistence(class collector.Volatility) collector.Collector {
	return collector.Collector{
		Name: "persistence", Doc: "what Windows starts by itself: services, drivers, tasks, WMI subscriptions, autoruns, BITS jobs",
		Volatility: class,
		Limit:      collector.Limit{Time: 20 * time.Minute},
		Collect:    collect,
	}
}

// A job is one run of the collector.
type job struct {
	ctx   context.Context
	h     *collector.Host
	to    evidence.Sink
	reg   *registry.Registry
	env   command.Env
	files *files
	// services that the registry and the SCM have, by folded name: tasks and others name them.
}

func collect(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	reg, err := registry.Open(h)
	if err != nil {
		return to.Put(ctx, evidence.Item{Path: "persistence", Source: "registry"}, func(io.Writer) error { return err })
	}
	defer reg.Close()
	root := systemRoot(reg)
	j := &job{ctx: ctx, h: h, to: to, reg: reg, env: command.System(root)}
	j.files = newFiles(ctx, h, root)
	for _, part := range []func() error{j.services, j.tasks, j.subscriptions, j.autoruns, j.bits, j.hives, j.signatures} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// systemRoot is where Windows says that it is: C:\Windows.
func systemRoot(reg *registry.Registry) string {
	k, err := reg.Key(`HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`)
	if err == nil {
		defer k.Close()
		if v, err := k.Value("SystemRoot"); err == nil {
			if text, err := v.Text(); err == nil && len(text) > 3 && text[1] == ':' {
				return text
			}
		}
	}
	return `C:\Windows`
}

// A table writes rows and counts what could not be read.
type table struct {
	*jsonl.Writer
	tally evidence.Tally
	err   error
}

func (t *table) row(row any) {
	if t.err == nil {
		t.err = t.Row(row)
	}
}

// put puts a table.
func (j *job) put(name, source string, fill func(t *table)) error {
	return j.to.Put(j.ctx, evidence.Item{Path: "persistence/" + name + ".jsonl", Source: source}, func(w io.Writer) error {
		if j.ctx.Err() != nil {
			return context.Cause(j.ctx)
		}
		t := &table{Writer: jsonl.NewWriter(w)}
		fill(t)
		if t.err != nil {
			return t.err
		}
		if j.ctx.Err() != nil {
			t.tally.Add("the rest", context.Cause(j.ctx))
		}
		return fault.Join(t.Flush(), t.tally.Err())
	})
}

// A HiveRow says how whole a hive file was that rows were read from.
type HiveRow struct {
	At      jsonl.Text `json:"at"` // where in the registry
	File    jsonl.Text `json:"file"`
	Damages int        `json:"damages,omitempty"` // places that could not be read
	Reason  jsonl.Text `json:"reason,omitempty"`  // why it could not be opened
}

// hives puts the list of hive files, where there are such.
func (j *job) hives() error {
	sources := j.reg.Sources()
	if len(sources) == 0 {
		return nil
	}
	return j.put("hives", "hive files", func(t *table) {
		for _, s := range sources {
			row := HiveRow{At: jsonl.Text(s.At), File: jsonl.Text(s.File), Damages: s.Damages}
			if s.Err != nil {
				row.Reason = jsonl.Text(s.Err.Error())
				t.tally.Add(s.File, s.Err)
			}
			t.row(&row)
		}
	})
}

// signatures says, once, what is not known of the signatures in all tables.
func (j *job) signatures() error {
	why := j.files.cut
	if !j.h.Live {
		why = evidence.Skip("only the files' own signatures were looked at: catalogues are not looked up off-line, so a file without a signature may have one there")
	}
	if why == nil {
		return nil
	}
	return j.to.Put(j.ctx, evidence.Item{Path: "persistence/signatures", Source: "signatures of files"}, func(io.Writer) error { return why })
}

// stamp writes a time; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}
