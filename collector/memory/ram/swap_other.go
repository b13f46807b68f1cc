//go:build !linux

package ram

import (
	"os"

	"hozen/collector"
)

// openSwap opens a swap file.
func openSwap(h *collector.Host, name string) (*os.File, error) {
	f, err := h.Open(name)
	if err != nil {
		return nil, notSwap(name)
	}
	return f, nil
}
