package artifact

import (
	"context"

	"hozen/collector"
	"hozen/packager/evidence"
)

// A Pattern is one thing to look for on one host: a path without variables.
type Pattern struct {
	// Text is the path with the values of its variables, for people. For a command, a
	// query or a key without a file, what the definition names.
	Text string
	Type Type
	// Err, if not nil, says why it cannot be looked for: a variable without a value
	// on this host, a command. Find returns it.
	Err error
}

// A Match is a file that a pattern names.
type Match struct {
	Path string // its true name on the host: no component but the last is a symbolic link
	Meta *evidence.FileMeta
	// Via is the name by which the pattern came here, if symbolic links that the
	// pattern writes out lead from it to Path; else "".
	Via string
}

// A Finder finds on one host what sources name. It is not safe for concurrent use.
type Finder struct {
	host   *collector.Host
	system System
}

// NewFinder looks up the users and the environment of the host.
func NewFinder(h *collector.Host, system System) *Finder { return &Finder{host: h, system: system} }

// Expand gives the patterns of a source: one for each path and user. Keys of the
// registry become the hive files that hold them.
func (f *Finder) Expand(s Source) []Pattern {
	return []Pattern{{Type: s.Type, Err: evidence.Skip("not yet")}}
}

// Find calls yield for each match, in the order of the names, until it says false.
// The error is that of an evidence.Tally: what was denied, failed or cut.
func (f *Finder) Find(ctx context.Context, p Pattern, yield func(Match) bool) error { return p.Err }

// Lint says what is against the style of definitions, though it can be read.
func Lint(d Definition) []string { return nil }

// SystemOf says what system a host is: by the kernel if it is live, else by what
// lies in its root; "" if that tells nothing.
func SystemOf(h *collector.Host) System { return Linux }
