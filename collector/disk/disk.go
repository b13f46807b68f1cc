package disk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hozen/collector"
	"hozen/collector/disk/artifact"
	"hozen/collector/disk/parsed"
	"hozen/packager/evidence"
)

// A Tier is a number of definitions (or groups of them) of one value. Tiers and the
// definitions in them are named in order of value.
type Tier struct {
	Artifacts []string
	// Value is what a file is worth beside those of other tiers, where a budget does
	// not suffice for all: files are taken by value for each second that they cost.
	Value int
}

// Options says what is taken, and how much of it.
type Options struct {
	// Set has the definitions; nil if only trees are taken.
	Set   *artifact.Set
	Tiers []Tier
	// Trees are files, or directories that are taken whole, mounts below them excepted.
	Trees []string
	// MaxFile, MaxArtifact and MaxSize bound the bytes of one file, of what one
	// definition names (the newest files first), and of all files; 0 means the
	// limits of the profile standard. Rows are never left out for them.
	MaxFile, MaxArtifact, MaxSize int64
	// Time bounds the collector; 0 means the limit of the profile standard.
	Time time.Duration
	// Found is told of each file that was wanted, for the collector parsed; it may be nil.
	Found *parsed.Found
}

// Limits of the profiles. Standard is minutes on a machine that is slow.
const (
	standardFile, standardArtifact, standardSize = 512 << 20, 1 << 30, 4 << 30
	fullFile, fullArtifact, fullSize             = 16 << 30, 64 << 30, 256 << 30
	standardTime, fullTime                       = 15 * time.Minute, 6 * time.Hour
)

// Limited gives the options with the limits of a profile (collector.Profiles) where
// they have none: standard takes 512 MiB of one file, 1 GiB of one artefact and 4 GiB
// in all within 15 minutes; full 16, 64 and 256 GiB within six hours.
func (o Options) Limited(profile string) Options {
	l := Options{MaxFile: standardFile, MaxArtifact: standardArtifact, MaxSize: standardSize, Time: standardTime}
	if profile == "full" {
		l = Options{MaxFile: fullFile, MaxArtifact: fullArtifact, MaxSize: fullSize, Time: fullTime}
	}
	o.MaxFile, o.MaxArtifact = cmp.Or(o.MaxFile, l.MaxFile), cmp.Or(o.MaxArtifact, l.MaxArtifact)
	o.MaxSize, o.Time = cmp.Or(o.MaxSize, l.MaxSize), cmp.Or(o.Time, l.Time)
	return o
}

// Disk takes what the definitions and trees of the options name.
func Disk(o Options) collector.Collector {
	o = o.Limited("standard")
	return collector.Collector{
		Name: "disk", Doc: "files that artefact definitions name, and trees that were asked for",
		Volatility: collector.Disk,
		Limit:      collector.Limit{Time: o.Time}, // bytes: by MaxSize, which knows what a file is worth
		Estimate:   o.estimate,
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collect(ctx, h, to, o)
		},
	}
}

// estimate is a guess from what the standard set has on most machines: 30 ms for each
// definition (of a set that has those of other systems, too), and half a GiB, or four of full; trees by what nobody has counted.
func (o Options) estimate(*collector.Host) collector.Estimate {
	definitions := 0
	if o.Set != nil {
		definitions = len(o.Set.Names())
	}
	bytes := int64(512 << 20)
	if o.MaxFile > standardFile {
		bytes = 4 << 30
	}
	bytes = min(o.MaxSize, bytes+int64(len(o.Trees))<<30)
	return collector.Estimate{Time: min(o.Time, time.Duration(definitions)*30*time.Millisecond+time.Duration(bytes)*8), Bytes: bytes}
}

func collect(ctx context.Context, h *collector.Host, to evidence.Sink, o Options) error {
	return collectPatiently(ctx, h, to, o, patienceRemote)
}

// collectPatiently waits so long for what a program or another machine answers.
func collectPatiently(ctx context.Context, h *collector.Host, to evidence.Sink, o Options, patience time.Duration) error {
	if ctx.Err() != nil {
		return putNothing(ctx, to)
	}
	quiet, done := h.Quiet()
	defer done()
	w := newWatch(h, patience)
	defer w.stop()
	found := find(ctx, quiet, o, w)
	found.formSets(ctx, w)
	units, left := o.plan(found, remaining(ctx))
	r := newRun(ctx, found.host, to, o, w, found)
	r.left.Store(left)
	err := r.take(slices.Values(units))
	for _, tree := range o.Trees {
		if err == nil {
			err = r.takeTree(tree)
		}
	}
	return r.finish(err)
}

// putNothing says in the collector's tables that its time was over before it began.
func putNothing(ctx context.Context, to evidence.Sink) error {
	for _, name := range []string{filesTable, artifactsTable} {
		if err := to.Put(ctx, evidence.Item{Path: name, Source: "files"}, nil); err != nil {
			return err
		}
	}
	return nil
}
