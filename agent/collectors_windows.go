package main

import (
	"hozen/collector"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/ioc"
	memorywin "hozen/collector/memory/onwindows"
	"hozen/collector/memory/ram"
	"hozen/collector/packet"
	"hozen/collector/persistence"
	"hozen/collector/volatile"
	"hozen/collector/volatile/onwindows"
)

// liveCollectors is the part of the list that power-off destroys, on Windows.
func liveCollectors(want request) []collector.Collector {
	all := []collector.Collector{
		packet.Packets(want.packets), // traffic passes by once; it is recorded beside all that follows
		volatile.HostIdentity(volatile.Tool{Version: version, Args: want.args}), // clocks first: every later time is measured against them
		onwindows.Sockets(),    // connections end within seconds once a cable is pulled
		onwindows.Network(),    // neighbours and the DNS cache fade within minutes; routes and firewall show what was set up
		onwindows.Processes(),  // each row may be gone the next moment; hashing their images takes a while
		onwindows.Kernel(),     // which disks lock at power-off; what the kernel says of itself
		onwindows.Sessions(),   // who is logged in, and from where
		onwindows.Containers(), // nothing of its own: said in the archive
		memorywin.Indicators(memorywin.Options{Suspects: want.suspects}),                                                                        // what memory alone tells: injection, hiding, hooks
		memorywin.Contents(memorywin.ContentsOptions{Options: contents.Options{Suspects: want.suspects, Dump: want.dump, Freeze: want.freeze}}), // and dies with its process
		ioc.Collector(want.ioc), // what the responder brings to look for
		ram.RAM(ram.Options{Swap: want.swap, Kernel: want.kernel}), // only with --ram: it holds everything else, and takes minutes
		onwindows.Temporary(), // nothing of its own: said in the archive
	}
	if want.image == nil {
		all = append(all, persistence.Persistence(collector.Temporary)) // what is started by itself: what is loaded and running of it stays until power-off, and hashing it takes a while
	}
	return all
}
