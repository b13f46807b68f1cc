package volatile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// memMount is one line of /proc/PID/mountinfo, as far as a walk needs it; the
// fields are those of proc_pid_mountinfo(5).
type memMount struct {
	ID, Parent   int
	Dev          string // "major:minor" of the superblock
	Root, Point  string // unescaped: the directory of the file system, and where it is mounted
	Options      string
	FSType       string
	Source       string
	SuperOptions string
}

// maxMountLines bounds what one mountinfo may make us keep. The kernel's own
// default limit is 100,000 mounts a namespace (fs.mount-max).
const maxMountLines = 200_000

// parseMemMounts reads a mountinfo text. Lines that are not of the documented
// form are counted, not guessed at.
func parseMemMounts(text []byte) (mounts []memMount, damaged int) {
	for line := range strings.Lines(string(text)) {
		if len(mounts) >= maxMountLines {
			damaged++
			continue
		}
		m, ok := parseMemMount(strings.TrimSuffix(line, "\n"))
		if !ok {
			damaged++
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts, damaged
}

func parseMemMount(line string) (m memMount, ok bool) {
	left, right, ok := strings.Cut(line, " - ")
	f, g := strings.Split(left, " "), strings.Split(right, " ")
	if !ok || len(f) < 6 || len(g) < 2 {
		return m, false
	}
	var err, err2 error
	m.ID, err = strconv.Atoi(f[0])
	m.Parent, err2 = strconv.Atoi(f[1])
	if err != nil || err2 != nil || !strings.Contains(f[2], ":") || !strings.HasPrefix(f[4], "/") {
		return m, false
	}
	m.Dev, m.Root, m.Point, m.Options = f[2], unescapeMount(f[3]), unescapeMount(f[4]), f[5]
	m.FSType, m.Source = unescapeMount(g[0]), unescapeMount(g[1])
	if len(g) > 2 {
		m.SuperOptions = strings.Join(g[2:], " ")
	}
	return m, true
}

// unescapeMount undoes the octal escapes of mountinfo (space, tab, newline,
// backslash and #, see seq_path in fs/seq_file.c of the kernel).
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// inMemory says whether a file system keeps its contents in memory only.
func inMemory(fstype string) bool {
	switch fstype {
	case "tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "rootfs":
		return true
	}
	return false
}

// mayHang says whether looking a name up in a file system can wait for a
// program or another machine, for ever if that is gone.
func mayHang(fstype string) bool {
	for _, p := range []string{"fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "autofs", "glusterfs", "lustre", "virtiofs", "coda", "ocfs2", "gfs2", "ncpfs", "orangefs", "davfs", "beegfs"} {
		if strings.HasPrefix(fstype, p) {
			return true
		}
	}
	return false
}

// mountTree answers questions about one mount namespace.
type mountTree struct {
	all      []memMount
	byID     map[int]int
	children map[int][]int
}

func newMountTree(mounts []memMount) *mountTree {
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
				return "overmounted by a " + t.all[c].FSType + " on the same directory (mount " + strconv.Itoa(t.all[c].ID) + ")"
			}
		}
		p, ok := t.byID[m.Parent]
		if !ok || p == i {
			return ""
		}
		for _, s := range t.children[m.Parent] {
			if s != i && beneath(m.Point, t.all[s].Point) {
				return "hidden beneath a " + t.all[s].FSType + " on " + t.all[s].Point
			}
		}
		if mayHang(t.all[p].FSType) && t.all[p].Point != "/" { // with a root that hangs, nothing would run at all
			return "reached only through a " + t.all[p].FSType + " on " + t.all[p].Point + ", which may hang"
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
		if beneath(o.Point, m.Point) {
			out[strings.TrimPrefix(strings.TrimPrefix(o.Point, m.Point), "/")] = o.FSType
		}
	}
	return out
}

// beneath says whether path a lies strictly below directory b.
func beneath(a, b string) bool {
	return a != b && strings.HasPrefix(a, strings.TrimSuffix(b, "/")+"/")
}

// memTree is one place from which a file system in memory is walked.
type memTree struct {
	memMount
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
		for _, j := range walked[t.Dev] {
			w := &trees[j]
			if t.Why == "" && (t.Root == w.Root || beneath(t.Root, w.Root)) {
				t.Why = "the same file system as " + w.Point + " (mount " + strconv.Itoa(w.ID) + ")"
			}
		}
		if t.Why == "" {
			walked[t.Dev] = append(walked[t.Dev], i)
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
