package main

import (
	"slices"

	"hozen/collector/disk/timeline"
	"hozen/collector/packet"
)

// asked names the flags that were given for collectors that are not always run.
// Swap areas are taken with RAM, by the same collector.
func (o *collectOptions) asked() (flags []string) {
	if o.ram || o.swap {
		flags = append(flags, "--ram")
	}
	for flag, given := range map[string]bool{
		"--ioc": len(o.ioc.files)+len(o.ioc.lines) > 0, "--pcap": o.packets.duration > 0, "--integrity": o.disk.integrity,
		"--hash-tree": len(o.disk.hashTree) > 0, "--add": len(o.disk.add) > 0,
	} {
		if given {
			flags = append(flags, flag)
		}
	}
	return flags
}

// chosen are the collectors of --only, with those whose own flags were given: a file that
// is to be added must not be left out in silence. None: all of the profile.
func (o *collectOptions) chosen() []string {
	all := slices.Clone(o.only)
	for name, given := range map[string]bool{"added": len(o.disk.add) > 0, "hashes": len(o.disk.hashTree) > 0, "integrity": o.disk.integrity, "packets": o.packets.duration > 0} {
		if given && len(o.only) > 0 && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// takesArtefacts says whether the collector disk is run, or was given what must be right.
func (o *collectOptions) takesArtefacts() bool {
	chosen := len(o.only) == 0 && o.profile != "volatile" || slices.Contains(o.only, "disk")
	return chosen && !slices.Contains(o.skip, "disk") || len(o.disk.definitions)+len(o.disk.artifacts) > 0
}

func (o *collectOptions) request(args []string) request {
	return request{
		args: args, swap: o.swap, dump: o.dump, freeze: o.freeze,
		packets:  packet.Options{For: o.packets.duration, Interfaces: o.packets.interfaces, Filter: o.packets.filter, Snaplen: o.packets.snaplen, Size: o.packets.size, Version: version},
		timeline: timeline.Options{NetworkMounts: o.disk.networkMounts}, hashTree: o.disk.hashTree, added: o.disk.add,
		kernel: (len(o.only) == 0 || slices.Contains(o.only, "kernel")) && !slices.Contains(o.skip, "kernel"),
	}
}
