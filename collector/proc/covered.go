package proc

import (
	"math"
	"strings"

	"hozen/collector"
)

// Covered finds what is mounted on a process's directory in /proc, or on
// something in it: that shows somebody else's files instead of the kernel's, and
// asking them may never be answered.
func Covered(h *collector.Host) map[int]string {
	text, err := h.ReadFile("/proc/self/mountinfo", MaxMountinfo)
	if err != nil && len(text) == 0 {
		return nil
	}
	covered := map[int]string{}
	mounts, _, _ := ParseMounts(string(text))
	for _, m := range mounts {
		rest, ok := strings.CutPrefix(m.Point, "/proc/")
		first, _, _ := strings.Cut(rest, "/")
		if pid, isPID := Number([]byte(first)); ok && isPID && pid <= math.MaxInt32 {
			covered[int(pid)] = m.Type + " on " + m.Point
		}
	}
	return covered
}
