//go:build !windows

package walk

import (
	"hozen/collector"
	"hozen/collector/proc"
)

// drives lists those of a host that looks like a live Windows: a directory, in tests.
func drives(h *collector.Host, _ bool) (out []Mount, err error) {
	for _, d := range h.Drives {
		out = append(out, Mount{Path: d, Mount: proc.Mount{Root: "/", Point: d, Type: "directory"}})
	}
	return out, nil
}
