package volatile

import (
	"cmp"
	"strconv"

	"hozen/collector/proc"
	"hozen/packager/evidence/sorting"
)

// inMemory says whether a file system keeps its contents in memory only.
func inMemory(fstype string) bool {
	switch fstype {
	case "tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "rootfs":
		return true
	}
	return false
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
	sorting.By(trees, func(a, b memTree) int {
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
	sorting.By(trees, func(a, b memTree) int {
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
