package volatile

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// Temporary takes the file systems that live in memory (tmpfs, ramfs, devtmpfs,
// hugetlbfs) of every mount namespace that can be reached, with the default limits.
//
// Its items, in order:
//
//   - volatile/temporary/@/mounts.jsonl: every such mount and whether it was
//     walked (MemoryMount);
//   - volatile/temporary.jsonl: one row for every entry of every tree (TemporaryEntry);
//   - volatile/temporary/<mount point>/<path>: the contents of regular files
//     under TemporaryLimits. Those of another mount namespace are below
//     volatile/temporary/@<namespace>/, those hidden by a mount on top of
//     their directory below volatile/temporary/@under-<mount id>/;
//   - volatile/temporary/@extents/<the same>.jsonl: for a sparse file over the
//     limit for one file, of which the data extents alone are written, one
//     after another: where each belongs (sparse.Extent).
//
// Nothing but regular files is ever opened, no link is followed, no other mount
// is entered, and no name on a mount that may hang is looked up.
func Temporary() collector.Collector { return TemporaryWithin(TemporaryLimits{}) }

// TemporaryWithin is Temporary with limits of the caller's choice.
func TemporaryWithin(l TemporaryLimits) collector.Collector {
	l = l.orDefault()
	return collector.Collector{
		Name: "temporary", Doc: "file systems that live in memory: every entry, and files up to a limit",
		Volatility: collector.Temporary,
		Limit:      collector.Limit{Time: 10 * time.Minute}, // bytes: by TemporaryLimits, which know what a hole is
		Estimate:   l.estimate,
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectTemporary(ctx, h, to, l)
		},
	}
}

// MemoryMount is one row of volatile/temporary/@/mounts.jsonl.
type MemoryMount struct {
	Namespace    uint64     `json:"mount_namespace,omitempty"` // inode number of the mount namespace
	PID          int        `json:"pid,omitempty"`             // the process through whose root it is entered
	MountID      int        `json:"mount_id"`
	ParentID     int        `json:"parent_id"`
	Dev          string     `json:"dev"` // major:minor of the superblock
	FSType       string     `json:"fstype"`
	Source       jsonl.Text `json:"source"`
	Root         jsonl.Text `json:"root"` // the part of the file system that is mounted
	MountPoint   jsonl.Text `json:"mount_point"`
	Options      jsonl.Text `json:"options"`
	SuperOptions jsonl.Text `json:"super_options"`
	NotWalked    jsonl.Text `json:"not_walked,omitempty"` // why; empty if it was
}

func (t *memTree) row() MemoryMount {
	return MemoryMount{
		Namespace: t.Namespace, PID: t.PID, MountID: t.ID, ParentID: t.Parent, Dev: t.Device, FSType: t.Type,
		Source: jsonl.Text(t.Source), Root: jsonl.Text(t.Root), MountPoint: jsonl.Text(t.Point),
		Options: jsonl.Text(t.Options), SuperOptions: jsonl.Text(t.Super), NotWalked: jsonl.Text(t.Why),
	}
}

// folder is where the contents of the tree go, below volatile/temporary. A
// first component that begins with @ is ours: no mount of the examined host can
// take such a name.
func (t *memTree) folder(hidden bool) string {
	switch {
	case hidden:
		return "volatile/temporary/@under-" + strconv.Itoa(t.ID) + t.Point
	case !t.Ours:
		return "volatile/temporary/@" + strconv.FormatUint(t.Namespace, 10) + t.Point
	case strings.HasPrefix(t.Point, "/@"):
		return "volatile/temporary/@0" + t.Point
	}
	return "volatile/temporary" + strings.TrimSuffix(t.Point, "/")
}

func collectTemporary(ctx context.Context, h *collector.Host, to evidence.Sink, l TemporaryLimits) error {
	const mounts, rows = "volatile/temporary/@/mounts.jsonl", "volatile/temporary.jsonl"
	// What a fill finds is handed over only when it has ended: the sink may
	// have left a hung one behind.
	var found atomic.Pointer[[]memTree]
	err := to.Put(ctx, evidence.Item{Path: mounts, Source: "/proc/*/mountinfo"}, func(w io.Writer) error {
		trees, err := memTrees(ctx, h)
		if err := writeMounts(w, trees); err != nil {
			return err
		}
		found.Store(&trees)
		return err
	})
	if err != nil {
		return err
	}
	trees := found.Load()
	if trees == nil || len(*trees) == 0 {
		return to.Put(ctx, evidence.Item{Path: rows, Source: "file systems in memory"}, func(io.Writer) error {
			if trees == nil {
				return evidence.Skip("the mounts could not be read: see %s", mounts)
			}
			if !h.Live {
				return collector.ErrNotLive
			}
			return evidence.NotHere("no file system in memory is mounted")
		})
	}
	var plan atomic.Pointer[sizeClasses]
	err = to.Put(ctx, evidence.Item{Path: rows, Source: "file systems in memory"}, func(w io.Writer) error {
		classes, err := writeTemporaryRows(ctx, h, *trees, l, w)
		plan.Store(classes)
		return err
	})
	if err != nil {
		return err
	}
	return putContents(ctx, h, to, *trees, l, plan.Load())
}

func writeMounts(w io.Writer, trees []memTree) error {
	rows := make([]MemoryMount, 0, len(trees))
	for i := range trees {
		rows = append(rows, trees[i].row())
	}
	return jsonl.Write(w, rows)
}
