//go:build !windows

package volatile

// powerItself: what feeds this system is in files, or is not told.
func powerItself() ([]PowerSupply, bool) { return nil, false }
