package volatile

import (
	"context"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// PinRow is an eBPF object that a name in a BPF file system keeps alive without
// any process: how a program outlives whoever loaded it. Which object it is
// cannot be told without opening it; the table bpf has the objects themselves.
type PinRow struct {
	Kind string     `json:"kind"` // "bpf_pin"
	Path jsonl.Text `json:"path"`
	Mode uint32     `json:"mode"` // st_mode
	UID  uint32     `json:"uid"`
	GID  uint32     `json:"gid"`
}

const (
	maxPins     = 1 << 14
	maxPinDepth = 16
)

// pinRows lists the BPF file systems that are mounted in our own namespace.
func pinRows(ctx context.Context, r *factReader) (rows []any) {
	mounts := r.mounts()
	seen := map[string]bool{}
	for _, m := range mounts {
		if m.Type == "bpf" && !seen[m.Device] {
			seen[m.Device] = true
			rows = pinsBelow(ctx, r, m.Point, 0, rows)
		}
	}
	return rows
}

func pinsBelow(ctx context.Context, r *factReader, dir string, depth int, rows []any) []any {
	for _, n := range r.names(dir, maxPins) {
		if ctx.Err() != nil {
			return rows
		}
		if len(rows) >= maxPins {
			r.tally.Add(dir, evidence.Cut("more than %d pinned objects", maxPins))
			return rows
		}
		name := dir + "/" + n
		m, err := r.h.Lstat(name)
		if r.tally.Add(name, err) != nil {
			continue
		}
		switch {
		case m.Mode&evidence.ModeType != evidence.ModeDir:
			rows = append(rows, PinRow{"bpf_pin", jsonl.Text(name), m.Mode, m.UID, m.GID})
		case depth < maxPinDepth:
			rows = pinsBelow(ctx, r, name, depth+1, rows)
		default:
			r.tally.Add(name, evidence.Cut("deeper than %d folders", maxPinDepth))
		}
	}
	return rows
}
