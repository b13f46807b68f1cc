package volatile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/proc"
)

// inMemory says whether a file system keeps its contents in memory only.
func inMemory(fstype string) bool {
	switch fstype {
	case "tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "rootfs":
		return true
	}
	return false
}

// mountTree answers questions about one mount namespace.
type mountTree struct {
	all      []proc.Mount
	byID     map[int]int
	children map[int][]int
}

func newMountTree(mounts []proc.Mount) *mountTree {
	t := &mountTree{all: mounts, byID: map[int]int{}, children: map[int][]int{}}
	for i, m := range mounts {
		t.byID[m.ID] = i
	}
	for i, m := range mounts {
		if m.Parent != m.ID {
			t.children[m.Parent] = append(t.children[m.Parent], i)
		}
	}
	return t
}

// unreachable says why a mount cannot be entered by its name without harm: it
// is hidden by another mount, or the way there leads through a file system
// that may hang. Empty if it can be entered.
func (t *mountTree) unreachable(i int) string {
	from := -1 // the child that we came from: it may well cover its parent
	for steps := 0; steps <= len(t.all); steps++ {
		m := t.all[i]
		for _, c := range t.children[m.ID] {
			if c != from && t.all[c].Point == m.Point {
				return "overmounted by a " + t.all[c].Type + " on the same directory (mount " + strconv.Itoa(t.all[c].ID) + ")"
			}
		}
		p, ok := t.byID[m.Parent]
		if !ok || p == i {
			return ""
		}
		for _, s := range t.children[m.Parent] {
			if s != i && proc.Beneath(m.Point, t.all[s].Point) {
				return "hidden proc.Beneath a " + t.all[s].Type + " on " + t.all[s].Point
			}
		}
		if mayHang(t.all[p].Type) && t.all[p].Point != "/" { // with a root that hangs, nothing would run at all
			return "reached only through a " + t.all[p].Type + " on " + t.all[p].Point + ", which may hang"
		}
		if from, i = i, p; t.all[i].Point == "/" {
			return ""
		}
	}
	return "the mount table has a loop"
}

// below lists the mount points on mount i, relative to its own ("" for itself).
func (t *mountTree) below(i int) map[string]string {
	out := map[string]string{}
	m := t.all[i]
	for _, o := range t.all {
		if proc.Beneath(o.Point, m.Point) {
			out[strings.TrimPrefix(strings.TrimPrefix(o.Point, m.Point), "/")] = o.Type
		}
	}
	return out
}

// memTree is one place from which a file system in memory is walked.
type memTree struct {
	proc.Mount
	Namespace uint64 // inode of the mount namespace; 0 for a fixture
	Ours      bool   // the namespace is our own
	PID       int    // a process through whose root it is entered; 0 for our own
	Below     map[string]string
	Why       string // why it is not walked; empty if it is
}

// choose decides which mounts are walked, so that each superblock is seen once:
// the whole of it where some mount shows its root, else the largest parts that
// are shown; our own namespace first. The others get the reason.
func choose(trees []memTree) {
	slices.SortStableFunc(trees, func(a, b memTree) int {
		return cmp.Or(flag(a.Why != "", b.Why != ""), cmp.Compare(len(a.Root), len(b.Root)), flag(!a.Ours, !b.Ours),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Point, b.Point), cmp.Compare(a.ID, b.ID))
	})
	walked := map[string][]int{}
	for i := range trees {
		t := &trees[i]
		for _, j := range walked[t.Device] {
			w := &trees[j]
			if t.Why == "" && proc.Under(t.Root, w.Root) {
				t.Why = "the same file system as " + w.Point + " (mount " + strconv.Itoa(w.ID) + ")"
			}
		}
		if t.Why == "" {
			walked[t.Device] = append(walked[t.Device], i)
		}
	}
	slices.SortStableFunc(trees, func(a, b memTree) int {
		return cmp.Or(flag(!a.Ours, !b.Ours), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Point, b.Point), cmp.Compare(a.ID, b.ID))
	})
}

// flag orders false before true.
func flag(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
