package main

import (
	"hozen/collector"
	"hozen/collector/memory"
	"hozen/collector/memory/contents"
	"hozen/collector/memory/indicators"
	"hozen/collector/memory/ioc"
	"hozen/collector/memory/ram"
	"hozen/collector/volatile"
)

// request is what was asked of the collectors beyond what they take in any case.
type request struct {
	args     []string         // the command line
	suspects *memory.Suspects // which processes have indicators, and what of them is worth keeping
	ioc      *ioc.Search      // of the lists of --ioc; nil if there are none
	swap     bool             // --swap
	dump     []int            // --dump
	freeze   bool             // --freeze
	kernel   bool             // the collector kernel is in the plan: others need not take the same
}

// collectors is THE list: what is taken, in order of volatility. What dies first
// comes first; the collectors' own files say the rest.
func collectors(want request) []collector.Collector {
	if want.suspects == nil {
		want.suspects = &memory.Suspects{}
	}
	var lookout volatile.Lookout // what sockets sees of namespaces, network need not look for again
	return []collector.Collector{
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
