package volatile

import (
	"path"
	"slices"
	"sort"
	"strings"

	"hozen/collector"
)

// A hangGuard knows the mounts on which a mere look at a name may wait for ever.
type hangGuard struct{ mounts []memMount }

func newHangGuard(h *collector.Host) *hangGuard {
	g := &hangGuard{}
	text, _, err := ownMountinfo(h)
	if err != nil {
		return g
	}
	g.mounts, _ = parseMemMounts(text)
	return g
}

// refuse says why a name is not to be looked at; "" if it may be. A name is
// judged by the mounts along it, whichever of two on one directory is on top.
func (g *hangGuard) refuse(name string) string {
	name = path.Clean(name)
	for _, m := range g.mounts {
		if mayHang(m.FSType) && m.Point != "/" && (name == m.Point || beneath(name, m.Point)) {
			return "not looked at: it is on a " + m.FSType + " mounted on " + m.Point + ", which may hang"
		}
	}
	return ""
}

// maxHomes bounds the home directories that are looked into.
const maxHomes = 10_000

// homeDirs lists the home directories that passwd(5) names, each once, sorted.
func homeDirs(h *collector.Host) []string {
	b, _ := h.ReadFile("/etc/passwd", 4<<20)
	return parseHomes(string(b))
}

func parseHomes(passwd string) (homes []string) {
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) < 7 || !strings.HasPrefix(f[5], "/") {
			continue
		}
		home := path.Clean(f[5])
		switch {
		case home == "/", home == "/proc", home == "/dev", home == "/sys", strings.ContainsAny(home, "*?[\\"):
			continue
		}
		homes = append(homes, home)
	}
	sort.Strings(homes)
	homes = slices.Compact(homes)
	return homes[:min(len(homes), maxHomes)]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// contains looks into a sorted list.
func contains(sorted []string, s string) bool {
	_, ok := slices.BinarySearch(sorted, s)
	return ok
}
