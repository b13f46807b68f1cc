package contents

import (
	"hozen/collector/jsonl"
)

// A Content is a row of memory/contents.jsonl: one thing that was taken, or was
// to be taken.
type Content struct {
	// Kind is "image" (what a process runs), "memfd", "deleted_file", "mapped_file"
	// (deleted, and mapped as code), "region" or "core".
	Kind string `json:"kind"`
	// Path is the member of the archive, below data/; its record has the outcome.
	Path string `json:"path"`
	// Name is what the kernel calls the file, without its " (deleted)".
	Name jsonl.Text `json:"name,omitempty"`
	// Holders are the processes that run it, have it open or mapped; up to 64.
	Holders     []Holder `json:"holders"`
	MoreHolders int      `json:"more_holders,omitempty"` // beyond those 64
	Dev         string   `json:"dev,omitempty"`          // major:minor, decimal
	Inode       uint64   `json:"inode,omitempty"`
	Size        int64    `json:"size"`              // of the file, the region or the core, in bytes
	Taken       int64    `json:"taken"`             // bytes that are in the archive
	Extents     string   `json:"extents,omitempty"` // member that says where the parts of a sparse file belong
	// Unreadable counts bytes that could not be read and are zeros.
	Unreadable int64 `json:"unreadable,omitempty"`
	// Untouched counts bytes of a region or core that the process has never used;
	// they are zeros, and were not read.
	Untouched int64 `json:"untouched,omitempty"`
	// Why names the indicators for which a region was taken.
	Why []string `json:"why,omitempty"`
	// Frozen says how a process was stopped while it was read, or why it was not;
	// left out where that was not asked for.
	Frozen string     `json:"frozen,omitempty"`
	Note   jsonl.Text `json:"note,omitempty"` // why it was not taken, or not whole
}

// A Holder is a process that has a thing.
type Holder struct {
	PID        int    `json:"pid"`
	StartTicks uint64 `json:"start_ticks"`
	FD         *int   `json:"fd,omitempty"`    // the descriptor
	Start      string `json:"start,omitempty"` // of the mapping or region, hex
	End        string `json:"end,omitempty"`
}
