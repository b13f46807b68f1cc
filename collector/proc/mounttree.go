package proc

import (
	"strconv"
	"strings"
)

// MayHang says whether a look at a name in a file system of this type waits for a
// program or another machine, for ever if that is gone. ntfs-3g and exfat-fuse serve
// a disk of this machine (fuseblk), and are not among them.
func MayHang(fstype string) bool {
	switch fstype {
	case "fuseblk", "fusectl", "nfsd":
		return false
	}
	for _, p := range []string{"fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "autofs", "gluster", "lustre", "virtiofs", "coda", "ocfs2", "gfs",
		"ncp", "orangefs", "pvfs", "davfs", "beegfs", "gpfs", "vboxsf", "vmhgfs", "prl_fs", "sshfs", "s3fs", "acfs", "panfs", "moosefs"} {
		if strings.HasPrefix(fstype, p) {
			return true
		}
	}
	return false
}

// A MountTree answers questions about one mount namespace.
type MountTree struct {
	all      []Mount
	byID     map[int]int
	children map[int][]int
}

// NewMountTree takes the mounts of one namespace, in the order of the kernel's table.
func NewMountTree(mounts []Mount) *MountTree {
	t := &MountTree{all: mounts, byID: map[int]int{}, children: map[int][]int{}}
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

// Unreachable says why mount i cannot be entered by its name without harm: it is
// covered by another mount, or the way there leads through a file system that may
// hang. "" if it can be entered.
func (t *MountTree) Unreachable(i int) string {
	from := -1 // the child that we came from: it may well cover its parent
	for steps := 0; steps <= len(t.all); steps++ {
		m := t.all[i]
		for _, c := range t.children[m.ID] {
			if c != from && t.all[c].Point == m.Point {
				return "covered by a " + t.all[c].Type + " on the same directory (mount " + strconv.Itoa(t.all[c].ID) + ")"
			}
		}
		p, ok := t.byID[m.Parent]
		if !ok || p == i {
			return ""
		}
		for _, s := range t.children[m.Parent] {
			if s != i && Beneath(m.Point, t.all[s].Point) {
				return "covered by a " + t.all[s].Type + " on " + t.all[s].Point
			}
		}
		if MayHang(t.all[p].Type) && t.all[p].Point != "/" { // with a root that hangs, nothing would run at all
			return "reached only through a " + t.all[p].Type + " on " + t.all[p].Point + ", which may hang"
		}
		if from, i = i, p; t.all[i].Point == "/" {
			return ""
		}
	}
	return "the table of mounts has a loop"
}

// Below lists the mount points on mount i, relative to its own ("" for itself), with
// their types.
func (t *MountTree) Below(i int) map[string]string {
	out := map[string]string{}
	m := t.all[i]
	for _, o := range t.all {
		if Beneath(o.Point, m.Point) {
			out[strings.TrimPrefix(strings.TrimPrefix(o.Point, m.Point), "/")] = o.Type
		}
	}
	return out
}
