//go:build !windows

package main

import (
	"hozen/collector"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/indicators"
	"hozen/collector/memory/ioc"
	"hozen/collector/memory/ram"
	"hozen/collector/packet"
	"hozen/collector/volatile"
)

// liveCollectors is the part of the list that power-off destroys.
func liveCollectors(want request) []collector.Collector {
	var lookout volatile.Lookout // what sockets sees of namespaces, network need not look for again
	return []collector.Collector{
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
}
