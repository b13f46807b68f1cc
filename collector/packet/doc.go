// Package packet captures traffic while everything else is collected: every
// interface through a ring of its own, into pcapng, with the process at the end of
// each flow.
//
// Begin with Packets in packets.go; capture.go runs a capture, ring_linux.go is
// the kernel's side of it, block.go turns frames into pcapng, segment.go secures
// them a few seconds at a time, owners.go says whose a flow is. SCHEMA.md says
// what is written. Package filter compiles filters, package pcapng writes blocks,
// package flow makes tables of what was captured.
//
// The host is left as it is: no interface is switched to promiscuous mode, no name
// is resolved, no module is loaded.
package packet
