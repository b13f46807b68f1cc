package walk

import (
	"strings"

	"hozen/collector"
	"hozen/collector/proc"
)

// stopsOf gives the mount points below a root that are not entered through it: those
// that the caller names, and those that the host is to avoid.
func stopsOf(h *collector.Host, r Root, isRoot map[string]bool) map[string]string {
	stops := map[string]string{}
	for _, point := range h.Avoid {
		stops[point] = "what is mounted here may never answer"
	}
	for point, why := range r.Stops {
		stops[point] = why
	}
	for point := range stops {
		switch {
		case !proc.Beneath(point, r.Path):
			delete(stops, point)
		case isRoot[point]:
			stops[point] = ""
		}
	}
	return stops
}

// parents gives the directories that names lie in.
func parents(names map[string]string) map[string]bool {
	out := map[string]bool{}
	for name := range names {
		dir := name[:strings.LastIndexByte(name, '/')]
		if dir == "" {
			dir = "/"
		}
		out[dir] = true
	}
	return out
}
