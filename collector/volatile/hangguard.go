package volatile

import (
	"path"
	"slices"

	"hozen/collector"
	"hozen/collector/proc"
)

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
		if proc.MayHang(fstype) && point != "/" {
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
		if proc.MayHang(m.Type) && m.Point != "/" && proc.Under(name, m.Point) {
			return "not looked at: it is on a " + m.Type + " mounted on " + m.Point + ", which may hang"
		}
	}
	return ""
}
