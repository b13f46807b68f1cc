//go:build !windows

package packet

import (
	"strings"

	"hozen/collector"
)

func newTables(h *collector.Host) socketTables {
	r := newSocketReader(h)
	return &r
}

// systemWords name the system, for the head of each file: a kernel with /proc, and its
// release.
func systemWords(h *collector.Host) string {
	word := func(name string) string {
		b, _ := h.ReadFile("/proc/sys/kernel/"+name, 1<<10)
		return strings.TrimSpace(string(b))
	}
	return strings.TrimSpace(word("ostype") + " " + word("osrelease"))
}
