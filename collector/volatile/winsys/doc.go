// Package winsys has what Windows itself says of the machine, as far as both the
// collectors of package onwindows and the agent's screen need it: who this host is,
// which volumes it has, and which of them lock at power-off (BitLocker).
//
// Neutral files parse; files ending in _windows.go only fetch bytes. Pieces, in
// pieces.go, is how answers with pointers in them are kept: as copied memory.
package winsys
