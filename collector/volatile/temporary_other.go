//go:build !linux

package volatile

import (
	"hozen/collector"
)

func openMemTree(*collector.Host, *memTree) (memDir, bool, error) {
	return nil, false, notOnThisSystem()
}
