//go:build !linux && !windows

package sparse

import "os"

// nextOf knows no holes here.
func nextOf(_ *os.File, at, size int64) (from, to int64, ok bool) { return at, size, at < size }
