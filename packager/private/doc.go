// Package private makes files and folders that only their owner may use, and says of
// those that are there who else may. On Unix that is in the mode (open_unix.go); on Windows
// mode bits say nothing: there everything that is made gets an explicit access list that
// inherits nothing (open_windows.go). descriptor.go reads such lists, on every system, and
// judges them: begin with Descriptor.
package private

// Who may use what is made.
type Who uint8

const (
	// Machine is the machine itself: root, or SYSTEM and Administrators.
	Machine Who = iota
	// Mine is Machine, and whoever runs this.
	Mine
)
