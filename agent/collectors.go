package main

import (
	"context"

	"hozen/collector"
	"hozen/collector/disk"
	"hozen/collector/disk/image"
	"hozen/collector/disk/integrity"
	"hozen/collector/disk/known"
	"hozen/collector/disk/timeline"
	"hozen/collector/memory"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/indicators"
	"hozen/collector/memory/ioc"
	"hozen/collector/memory/ram"
	"hozen/collector/packet"
	"hozen/collector/volatile"
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
// comes first; the collectors' own files say the rest.
func collectors(want request) []collector.Collector {
	if want.suspects == nil {
		want.suspects = &memory.Suspects{}
	}
	var lookout volatile.Lookout // what sockets sees of namespaces, network need not look for again
	all := []collector.Collector{
		packet.Packets(want.packets), // traffic passes by once; it is recorded beside all that follows
		volatile.HostIdentity(volatile.Tool{Version: version, Args: want.args}), // clocks first: every later time is measured against them
		volatile.Sockets(&lookout),           // connections end within seconds once a cable is pulled
		volatile.Network(&lookout),           // neighbours and conntrack fade within minutes; routes and firewall show what was set up
		volatile.Processes(),                 // each row may be gone the next moment; hashing their images takes a while
		volatile.Kernel(),                    // modules, eBPF, tracing, mounts, disks: long-lived, but only in the kernel
		volatile.Sessions(),                  // who is logged in, and from where
		volatile.Containers(),                // what runs in which container, from the files of docker, containerd, podman, LXC
		indicators.Indicators(want.suspects), // what memory alone tells: injection, hiding, hooks
		contents.Contents(contents.Options{Suspects: want.suspects, Dump: want.dump, Freeze: want.freeze}), // and dies with its process
		ioc.Collector(want.ioc), // what the responder brings to look for
		ram.RAM(ram.Options{Swap: want.swap, Kernel: want.kernel}), // only with --ram: it holds everything else, and takes minutes
		volatile.Temporary(), // file systems in memory: large, and they last until power-off
	}
	return append(all, diskCollectors(want)...)
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
	if want.timeline.Seen == nil {
		want.timeline.Seen = &timeline.Seen{} // what the walk sees that deserves a look
	}
	all = append(all,
		disk.Disk(want.disk),             // files that tell what happened: logs, histories, configuration, browsers
		timeline.Timeline(want.timeline), // every object of the file systems with its times
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

// everywhere makes a collector avoid no mount: it was asked to go through those, too,
// that may hang.
func everywhere(collect func(context.Context, *collector.Host, evidence.Sink) error) func(context.Context, *collector.Host, evidence.Sink) error {
	return func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
		all := *h
		all.Avoid = nil
		return collect(ctx, &all, to)
	}
}
