//go:build !linux

package timeline

import "hozen/collector"

func objectsOf(*collector.Host, string) int64 { return 0 }
