//go:build !windows

package volatile

import "io"

// systemItself: what this system says of itself is in files.
func systemItself(*factReader) (ownSystem, bool) { return ownSystem{}, false }

// rawSystem lists the answers that a system keeps instead of files; none here.
func rawSystem() []rawAnswer { return nil }

// ownRights: they are in /proc, or not told.
func (row *ToolRow) ownRights() {}

// A rawAnswer is one call whose bytes are kept.
type rawAnswer struct {
	name, source string
	fill         func(io.Writer) error
}
