package volatile

import (
	"path"
	"slices"
	"strings"

	"hozen/collector"
	"hozen/collector/proc"
)

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

// A hangGuard knows the mounts on which a mere look at a name may wait for ever.
type hangGuard struct{ mounts []proc.Mount }

func newHangGuard(h *collector.Host) *hangGuard {
	g := &hangGuard{}
	text, _, err := proc.OwnMountinfo(h)
	if err != nil {
		return g
	}
	g.mounts, _, _ = proc.ParseMounts(string(text))
	return g
}

// MountsThatMayHang gives the mount points of our own mount namespace on which a
// look at a name may wait for ever: for Host.Avoid. Of several mounts on one
// directory the last lies on top (binfmt_misc on its autofs, on most machines).
func MountsThatMayHang(h *collector.Host) (points []string) {
	top := map[string]string{}
	for _, m := range newHangGuard(h).mounts {
		top[m.Point] = m.Type
	}
	for point, fstype := range top {
		if mayHang(fstype) && point != "/" {
			points = append(points, point)
		}
	}
	slices.Sort(points)
	return points
}

// refuse says why a name is not to be looked at; "" if it may be. A name is
// judged by the mounts along it, whichever of two on one directory is on top.
func (g *hangGuard) refuse(name string) string {
	name = path.Clean(name)
	for _, m := range g.mounts {
		if mayHang(m.Type) && m.Point != "/" && proc.Under(name, m.Point) {
			return "not looked at: it is on a " + m.Type + " mounted on " + m.Point + ", which may hang"
		}
	}
	return ""
}
