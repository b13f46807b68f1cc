package volatile

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
)

// MountRow is one mount of one mount namespace.
type MountRow struct {
	Kind      string       `json:"kind"` // "mount"
	Namespace uint64       `json:"ns"`   // inode of the mount namespace; 0 if it could not be read
	PID       int          `json:"pid"`  // whose mountinfo was read; 0 for our own
	Ours      bool         `json:"ours"` // the namespace that we run in
	ID        int          `json:"id"`   // proc_pid_mountinfo(5) from here on
	Parent    int          `json:"parent"`
	Device    jsonl.Text   `json:"device"`
	Root      jsonl.Text   `json:"root"`
	Point     jsonl.Text   `json:"point"`
	Type      jsonl.Text   `json:"type"`
	Source    jsonl.Text   `json:"source"`
	Options   jsonl.Text   `json:"options"`
	Optional  []jsonl.Text `json:"optional,omitempty"`
	Super     jsonl.Text   `json:"super_options"`
}

// mountSpace is a mount namespace with the processes through which it can be read.
type mountSpace struct {
	inode uint64
	pids  []int
	ours  bool
}

const (
	maxMountNS = 4096
	spacePIDs  = 8 // more than one, for the first may end before it is read
)

// mountSpaces finds the mount namespaces through /proc/PID/ns/mnt. Our own comes
// first, the others by inode.
func mountSpaces(ctx context.Context, h *collector.Host) ([]mountSpace, *evidence.Tally) {
	var tally evidence.Tally
	own := namespaceOf(h, "/proc/self", "mnt")
	all := map[uint64]*mountSpace{own: {inode: own, ours: true}}
	pids, err := proc.PIDs(h)
	tally.Add("/proc", err)
	for _, pid := range pids {
		if ctx.Err() != nil {
			break
		}
		link := "/proc/" + strconv.Itoa(pid) + "/ns/mnt"
		target, err := h.Readlink(link)
		if tally.Add(link, err) != nil {
			continue
		}
		inode, ok := proc.NamespaceInode([]byte(target), "mnt")
		if !ok {
			continue
		}
		s := all[inode]
		if s == nil {
			if len(all) >= maxMountNS {
				tally.Add("mount namespaces", evidence.Cut("more than %d", maxMountNS))
				continue
			}
			s = &mountSpace{inode: inode}
			all[inode] = s
		}
		if len(s.pids) < spacePIDs {
			s.pids = append(s.pids, pid)
		}
	}
	if ctx.Err() != nil {
		tally.Add("mount namespaces", context.Cause(ctx))
	}
	return inOrder(all), &tally
}

// inOrder puts our own namespace first, the others by inode.
func inOrder(all map[uint64]*mountSpace) []mountSpace {
	out := make([]mountSpace, 0, len(all))
	for _, s := range all {
		slices.Sort(s.pids)
		out = append(out, *s)
	}
	sorting.By(out, func(a, b mountSpace) int {
		switch {
		case a.ours:
			return -1
		case b.ours:
			return 1
		}
		return cmp.Compare(a.inode, b.inode)
	})
	return out
}

// read gives the mountinfo of the namespace through the first of its processes
// that still lets it be read.
func (s mountSpace) read(h *collector.Host) (text []byte, pid int, err error) {
	if s.ours {
		text, err = h.ReadFile("/proc/self/mountinfo", proc.MaxMountinfo)
		return text, 0, err
	}
	err = evidence.Gone("no process of the namespace is left")
	for _, pid = range s.pids {
		text, err = h.ReadFile("/proc/"+strconv.Itoa(pid)+"/mountinfo", proc.MaxMountinfo)
		if err == nil {
			return text, pid, nil
		}
	}
	return text, pid, err
}

// putMounts puts the raw mountinfo of each namespace, then the table of all.
func putMounts(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	spaces, tally := mountSpaces(ctx, h)
	rows := make(chan []MountRow, len(spaces))
	for _, s := range spaces {
		id := strconv.FormatUint(s.inode, 10)
		item := evidence.Item{Path: "volatile/kernel/mountinfo/" + id, Source: "/proc/PID/mountinfo of mnt:[" + id + "]"}
		err := to.Put(ctx, item, func(w io.Writer) error {
			text, pid, err := s.read(h)
			if errors.Is(err, collector.ErrTooLong) {
				err = evidence.Cut("%v", err)
			}
			_, werr := w.Write(text)
			rows <- mountRows(s, pid, string(text))
			return fault.Join(err, werr)
		})
		if err != nil {
			return err
		}
	}
	item := evidence.Item{Path: "volatile/kernel/mounts.jsonl", Source: "/proc/PID/mountinfo of every mount namespace"}
	return to.Put(ctx, item, asked(h, func(w io.Writer) error {
		out := jsonl.NewWriter(w)
		for n := range len(spaces) {
			select {
			case some := <-rows:
				for _, row := range some {
					if err := out.Row(row); err != nil {
						return err
					}
				}
			default:
				tally.Add("mountinfo", evidence.Cut("%d of %d namespaces did not answer", len(spaces)-n, len(spaces)))
				return fault.Join(out.Flush(), tally.Err())
			}
		}
		return fault.Join(out.Flush(), tally.Err())
	}))
}

func mountRows(s mountSpace, pid int, text string) (rows []MountRow) {
	mounts, _, _ := proc.ParseMounts(text) // a line that is not understood is in the raw item
	for _, m := range mounts {
		rows = append(rows, MountRow{
			Kind: "mount", Namespace: s.inode, PID: pid, Ours: s.ours, ID: m.ID, Parent: m.Parent, Device: jsonl.Text(m.Device),
			Root: jsonl.Text(m.Root), Point: jsonl.Text(m.Point), Type: jsonl.Text(m.Type), Source: jsonl.Text(m.Source),
			Options: jsonl.Text(m.Options), Optional: jsonl.Texts(m.Optional), Super: jsonl.Text(m.Super),
		})
	}
	return rows
}
