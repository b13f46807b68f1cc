// Package vss lists the shadow copies of a volume: when Windows made each, how large the
// volume was then, and where what has changed since is kept. It reads the volume's own
// sectors, so that a live volume, a disk image and a mounted disk's device give the same.
// The contents of the copies are not read.
//
// The layout is libyal's "Volume Shadow Snapshot (VSS) format": a header at 0x1E00 of the
// volume names the catalog, a chain of blocks with two entries for each copy, one with its
// identity and time, one with the places of its store; the store's first block names the
// machine, set and attributes ([VSS_VOLUME_SNAPSHOT_ATTRIBUTES], Microsoft).
//
// Begin with List in list.go.
package vss
