package main

import (
	"context"
	"runtime"

	"hozen/collector"
	"hozen/collector/disk"
	"hozen/collector/disk/image"
	"hozen/collector/disk/integrity"
	"hozen/collector/disk/known"
	"hozen/collector/disk/parsed"
	"hozen/collector/disk/parsed/hive"
	"hozen/collector/disk/parsed/i30"
	"hozen/collector/disk/parsed/lnk"
	"hozen/collector/disk/parsed/mft"
	"hozen/collector/disk/parsed/prefetch"
	"hozen/collector/disk/parsed/recyclebin"
	"hozen/collector/disk/parsed/usn"
	"hozen/collector/disk/timeline"
	"hozen/collector/memory"
	"hozen/collector/memory/ioc"
	"hozen/collector/packet"
	"hozen/collector/persistence"
	"hozen/collector/volume"
	"hozen/packager/evidence"
)

// request is what was asked of the collectors beyond what they take in any case.
type request struct {
	args     []string                     // the command line
	suspects *memory.Suspects             // which processes have indicators, and what of them is worth keeping
	ioc      *ioc.Search                  // of the lists of --ioc; nil if there are none
	swap     bool                         // --swap
	dump     []int                        // --dump
	freeze   bool                         // --freeze
	kernel   bool                         // the collector kernel is in the plan: others need not take the same
	packets  packet.Options               // --pcap and what belongs to it
	image    *image.Options               // --image; nil without it
	disk     disk.Options                 // which files are taken
	timeline timeline.Options             // how file systems are walked
	taken    func(dev, inode uint64) bool // whether a file's contents are in the archive; from then on they count as there
	notable  int64                        // bytes of contents that notable takes; 0: its own limit
	hashTree []string                     // --hash-tree
	known    *known.Lists                 // --known; nil without it
	added    []string                     // --add
}

// collectors is THE list: what is taken, in order of volatility. What dies first
// comes first; the collectors' own files say the rest. What power-off destroys is
// asked of each system in its own way: liveCollectors, in collectors_windows.go and
// collectors_live.go.
func collectors(want request) []collector.Collector {
	if want.suspects == nil {
		want.suspects = &memory.Suspects{}
	}
	return append(liveCollectors(want), diskCollectors(want)...)
}

// diskCollectors is the part of the list that survives power-off, the most valuable
// first. What was not asked for with a path has nothing to do, and is not in it.
func diskCollectors(want request) (all []collector.Collector) {
	if want.image != nil {
		all = append(all, image.Collector(*want.image)) // what the examined image is: its container, partitions, hashes
	}
	if len(want.added) > 0 {
		all = append(all, addedCollector(want.added)) // what the responder brings, as evidence of this case
	}
	if want.image != nil || runtime.GOOS != "windows" { // a running Windows is asked for more, by liveCollectors
		all = append(all, persistence.Persistence(collector.Disk)) // what an examined Windows starts by itself
	}
	if want.timeline.Seen == nil {
		want.timeline.Seen = &timeline.Seen{} // what the walk sees that deserves a look
	}
	formats := parsedFormats()
	want.disk.Found = parsed.NewFound(formats...)
	if want.image != nil {
		all = append(all, volume.ShadowCopies(volume.ShadowOptions{Image: want.image.Disk})) // what of the past is kept on it
	} else if runtime.GOOS == "windows" {
		all = append(all, volume.Collector(), volume.ShadowCopies(volume.ShadowOptions{}))
	}
	all = append(all,
		disk.Disk(want.disk), // files that tell what happened: logs, histories, configuration, browsers
		parsed.Collector(parsed.Options{Formats: formats, Found: want.disk.Found}), // what they tell, as rows
		timeline.Timeline(want.timeline),                                           // every object of the file systems with its times
		timeline.Notable(timeline.NotableOptions{Seen: want.timeline.Seen, Walk: want.timeline, Taken: want.taken, Total: want.notable}), // what of them deserves a look
	)
	if len(want.hashTree) > 0 {
		all = append(all, integrity.HashTree(integrity.HashOptions{Paths: want.hashTree, Lists: want.known})) // hashes of whole trees, which are not taken
	}
	all = append(all, integrity.Collector(integrity.Options{Lists: want.known})) // packages against their files: reads most of the disk
	if want.timeline.NetworkMounts {
		for i := range all {
			all[i].Collect = everywhere(all[i].Collect)
		}
	}
	return all
}

// parsedFormats is the list of what becomes rows, beside its raw bytes, in the order in
// which it is parsed.
func parsedFormats() []parsed.Format {
	paths := &mft.Volumes{} // what $MFT tells of directories, others make paths of
	return []parsed.Format{
		prefetch.Format(),   // which programs ran
		lnk.Format(),        // what was opened
		recyclebin.Format(), // what was deleted
		mft.Format(paths),   // every file, deleted ones too
		usn.Format(paths),   // what was done to files, and when
		i30.Format(),        // names that are left in directories
		hive.Format(),       // registry hives with their transaction logs: every key
	}
}

// everywhere makes a collector avoid no mount: it was asked to go through those, too,
// that may hang.
func everywhere(collect func(context.Context, *collector.Host, evidence.Sink) error) func(context.Context, *collector.Host, evidence.Sink) error {
	return func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
		all := *h
		all.Avoid = nil
		return collect(ctx, &all, to)
	}
}
