package main

import (
	"context"
	"fmt"
	"math"

	"hozen/collector"
	"hozen/collector/disk"
	"hozen/collector/disk/artifact"
	"hozen/collector/disk/definitions"
	"hozen/collector/volatile"
	"hozen/packager/evidence"
)

// A definitionSet is the definitions of artefacts of one collection: our own, and
// those of --definitions.
type definitionSet struct {
	set     *artifact.Set
	brought []*disk.Brought
}

// definitionSet reads our own definitions and those of --definitions. What is wrong
// in one of them is an error that says where.
func (o *diskOptions) definitionSet() (*definitionSet, error) {
	own, err := artifact.Load("built in", definitions.FS())
	if err != nil {
		return nil, err
	}
	d := &definitionSet{}
	loads := [][]artifact.Definition{own}
	for _, dir := range o.definitions {
		b, err := disk.Bring(dir)
		if err != nil {
			return nil, err
		}
		d.brought = append(d.brought, b)
		loads = append(loads, b.Definitions)
	}
	d.set, err = artifact.NewSet(loads...)
	return d, err
}

// planDefinitions is what plan.json says of a folder of --definitions. Our own are in
// the program, whose hash is in the archive.
type planDefinitions struct {
	Folder      string `json:"folder"`
	Files       int    `json:"files"`
	SHA256      string `json:"sha256"` // of "hash  name" lines of the files, sorted by name, as sha256sum writes them
	Definitions int    `json:"definitions"`
}

func (d *definitionSet) plan() (out []planDefinitions) {
	for _, b := range d.brought {
		out = append(out, planDefinitions{Folder: plain(b.Folder), Files: len(b.Files), SHA256: b.SHA256, Definitions: len(b.Definitions)})
	}
	return out
}

// put puts the files of --definitions.
func (d *definitionSet) put(ctx context.Context, to evidence.Sink) error {
	for n, b := range d.brought {
		if err := b.Put(ctx, n+1, to); err != nil {
			return err
		}
	}
	return nil
}

// added names the definitions of --definitions.
func (d *definitionSet) added() (names []string) {
	for _, b := range d.brought {
		for _, def := range b.Definitions {
			names = append(names, def.Name)
		}
	}
	return names
}

// artefacts are the options of the collector disk: what the profile names and what
// --definitions brought, or what --artifact names instead; and the trees of --take.
func (a *app) artefacts(o *collectOptions, d *definitionSet) (disk.Options, error) {
	out := disk.Options{Set: d.set, Trees: o.disk.take, MaxSize: o.disk.maxSize}
	switch {
	case len(o.disk.artifacts) > 0:
		for _, name := range o.disk.artifacts {
			if d.set.Get(name) == nil {
				return out, usage(fmt.Errorf("--artifact %s: there is no such definition", name), a.text(mHintArtifact))
			}
		}
		out.Tiers = disk.Named(o.disk.artifacts)
	default:
		out.Tiers = disk.ForProfile(d.set, o.profile)
		if names := d.added(); len(names) > 0 {
			out.Tiers = append(disk.Named(names), out.Tiers...)
		}
	}
	out = out.Limited(o.profile)
	out.MaxSize = min(out.MaxSize, roomFor(o.out))
	return out, nil
}

// roomFor is how much of files may be taken, so that what is written, which may not
// shrink when it is compressed, leaves a quarter of the free space of the output.
func roomFor(dir string) int64 {
	p, err := volatile.OutputDisk(collector.ThisHost(), dir)
	if !roomKnown(p, err) {
		return math.MaxInt64
	}
	return int64(max(1, min(p.FreeBytes/4*3, math.MaxInt64)))
}
