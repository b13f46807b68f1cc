package integrity

import (
	"cmp"
	"context"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/disk/integrity/packages"
	"hozen/collector/disk/known"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// Options says what the collector "integrity" does.
type Options struct {
	Lists *known.Lists  // whose marks stand in the rows; may be nil
	Time  time.Duration // limit; 0: half an hour
}

// Collector is "integrity": the databases of package managers, and what on the disk is
// not as they say: changed, missing, or in a directory of the system and nobody's.
func Collector(o Options) collector.Collector {
	if o.Time <= 0 {
		o.Time = 30 * time.Minute
	}
	return collector.Collector{
		Name: "integrity", Doc: "files of packages that were changed or are missing, programs that belong to no package",
		Volatility: collector.Disk, Asked: "--integrity",
		Limit: collector.Limit{Time: o.Time},
		// Most machines have some GiB of packages; an image or a slow disk needs longer.
		Estimate: func(*collector.Host) collector.Estimate {
			return collector.Estimate{Time: 30 * time.Second, Bytes: 20 << 20}
		},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collect(ctx, h, o, to)
		},
	}
}

func collect(ctx context.Context, h *collector.Host, o Options, to evidence.Sink) error {
	quiet, done := h.Quiet() // comparing follows hundreds of links, each of which has an access time
	defer done()
	stored := *quiet
	stored.Stored = true // whatever a database names
	quiet = &stored
	l := &loader{ctx: ctx, host: quiet, to: to}
	for _, load := range []func() error{l.dpkg, l.rpm, l.apk, l.pacman} {
		if err := load(); err != nil {
			return err
		}
	}
	item := evidence.Item{Path: "disk/integrity.jsonl", Source: "the package databases and the files that they name"}
	return to.Put(ctx, item, func(w io.Writer) error {
		if len(l.managers) == 0 {
			return evidence.NotHere("no database of dpkg, rpm, apk or pacman that can be read")
		}
		tally := l.tally
		rows := l.rows
		c := newChecker(ctx, quiet, h, o.Lists)
		rows = append(rows, c.packages(l.packages, &tally)...)
		rows = append(rows, c.unowned(l.packages, &tally)...)
		if ctx.Err() != nil {
			tally.Add("time", evidence.Cut("the time was over before all files were compared"))
		}
		sorting.By(rows, func(a, b Row) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Package, b.Package))
		})
		if err := jsonl.Write(w, rows); err != nil {
			return err
		}
		return tally.Err()
	})
}

// A Row is a row of disk/integrity.jsonl.
type Row struct {
	Kind         string     `json:"kind"`  // SCHEMA.md lists the kinds
	Level        string     `json:"level"` // low, medium, high
	Path         jsonl.Text `json:"path"`
	Manager      string     `json:"manager,omitempty"` // dpkg, rpm, apk, pacman
	Package      jsonl.Text `json:"package,omitempty"`
	Version      jsonl.Text `json:"version,omitempty"`
	Installed    string     `json:"installed,omitempty"` // when the package was installed, as far as the database says
	Config       bool       `json:"config,omitempty"`    // meant to be changed by the administrator
	Algorithm    string     `json:"algorithm,omitempty"` // of the two digests
	Expected     string     `json:"expected,omitempty"`  // digest in the database, hex
	Found        string     `json:"found,omitempty"`     // digest of the file
	SHA256       string     `json:"sha256,omitempty"`    // of the file as it is
	ExpectedSize int64      `json:"expected_size,omitempty"`
	Size         int64      `json:"size,omitempty"`
	ExpectedMode string     `json:"expected_mode,omitempty"` // octal, with the type bits where they are known
	Mode         string     `json:"mode,omitempty"`
	ExpectedBy   string     `json:"expected_owner,omitempty"` // user:group
	Owner        string     `json:"owner,omitempty"`
	ExpectedLink jsonl.Text `json:"expected_link,omitempty"`
	Link         jsonl.Text `json:"link,omitempty"`
	ELF          bool       `json:"elf,omitempty"`
	Mtime        string     `json:"mtime,omitempty"`
	Ctime        string     `json:"ctime,omitempty"`
	Btime        string     `json:"btime,omitempty"`
	Known        []string   `json:"known,omitempty"`     // lists of known hashes that have the file as it is
	Explained    string     `json:"explained,omitempty"` // a benign explanation that fits
	Note         string     `json:"note,omitempty"`
}

// of makes a row about a file of a package.
func of(kind string, p *packages.Package, f *packages.File) Row {
	r := Row{Kind: kind, Level: "low", Path: jsonl.Text(f.Path), Manager: p.Manager, Package: jsonl.Text(p.Name), Version: jsonl.Text(p.Version),
		Config: f.Flags.Has(packages.Config)}
	if !p.Installed.IsZero() {
		r.Installed = timeText(p.Installed)
	}
	return r
}

// meta adds how the file is.
func (r *Row) meta(m *evidence.FileMeta) {
	r.Size, r.Mode = m.Size, octal(m.Mode)
	r.Mtime, r.Ctime, r.Btime = timeText(m.Mtime), timeText(m.Ctime), timeText(m.Btime)
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}
