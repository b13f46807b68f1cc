//go:build !linux && !darwin && !freebsd && !windows

package volatile

// fileSystemRoom is not known on this system.
func fileSystemRoom(string) (room, error) { return room{}, notOnThisSystem() }
