package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hozen/collector"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A Match is a file that a pattern names.
type Match struct {
	Path string // its true name on the host: no component but the last is a symbolic link
	Meta *evidence.FileMeta
	// Via is the name by which the pattern came here, if symbolic links that the
	// pattern writes out lead from it to Path; else "".
	Via string
}

// Bounds is what one Find may do at most. What goes beyond is cut, and said.
type Bounds struct {
	Entries int // names looked at
	Matches int // matches given
}

// A Finder finds on one host what sources name. It remembers directories, and so is
// for one collection. It is not safe for concurrent use.
type Finder struct {
	Bounds   Bounds
	host     *collector.Host
	system   System
	drives   []string // of a live Windows (collector.Host.Drives); else nil
	environ  values
	users    []User
	problems evidence.Tally
	lists    map[string]listing // directories that were listed
	listed   int                // bytes of names in lists
	entered  map[string]entry   // directories that were entered by their names
}

type listing struct {
	names []string
	err   error
}

type entry struct {
	real string // without links; "" if it is no directory
	err  error
}

const (
	maxListed  = 16 << 20 // bytes of names that a Finder remembers
	maxEntered = 1 << 16  // directories that a Finder remembers
)

// NewFinder looks up the users and the environment of the host; see Problems.
func NewFinder(h *collector.Host, system System) *Finder {
	f := &Finder{Bounds: Bounds{Entries: 1 << 20, Matches: 1 << 17}, host: h, system: system, drives: h.Drives}
	f.lists, f.entered = map[string]listing{}, map[string]entry{}
	f.findUsers()
	return f
}

// Find calls yield for each match, in the order of the names, until it says false:
// for FILE what is not a directory, and a directory only where the path writes out
// its name; for PATH whatever it is; for DIRECTORY the directory, then each of its
// entries; each once. A symbolic link that a glob meets is a match, and is not walked
// into (but for those within /sys, which the kernel makes); one that the path writes
// out is a match, and what it leads to is another. The error is that of an
// evidence.Tally: what was denied, failed or cut; nothing being there is none.
//
// ctx ends it between two names. A file system that never answers holds it for good:
// on a live host the caller keeps away from such mounts (Host.Avoid), or watches
// Host.Pulse from beside.
func (f *Finder) Find(ctx context.Context, p Pattern, yield func(Match) bool) error {
	if p.Err != nil {
		return p.Err
	}
	w := &walk{f: f, ctx: ctx, pattern: &p, yield: yield, seen: map[string]bool{}}
	if err := ctx.Err(); err != nil {
		w.stop(err)
	} else if root, err := f.host.Lstat("/"); err != nil {
		w.tally.Add("/", err)
	} else {
		w.from(place{path: "/", meta: root}, p.parts)
	}
	return w.tally.Err()
}

// list gives the names in a directory, and remembers them. Names that no file can
// have, which a damaged or hostile image may hold, are left out and said.
func (f *Finder) list(dir string) ([]string, error) {
	if l, ok := f.lists[dir]; ok {
		return l.names, l.err
	}
	names, err := f.host.Names(dir)
	if errors.Is(err, collector.ErrTooLong) {
		err = evidence.Cut("%s: only %d names are listed: %v", dir, len(names), collector.ErrTooLong)
	}
	if all := len(names); all > 0 {
		names = slices.DeleteFunc(names, func(s string) bool {
			return s == "" || s == "." || s == ".." || strings.ContainsAny(s, "/\x00")
		})
		if bad := all - len(names); bad > 0 {
			err = fault.Join(err, fmt.Errorf("%s: %d names that no file can have", dir, bad))
		}
	}
	size := len(dir)
	for _, name := range names {
		size += len(name) + 16
	}
	if f.listed += size; f.listed > maxListed {
		clear(f.lists)
		f.listed = size
	}
	if size < maxListed {
		f.lists[dir] = listing{names, err}
	}
	return names, err
}
