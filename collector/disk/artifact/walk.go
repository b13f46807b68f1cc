package artifact

import (
	"context"
	"strings"

	"hozen/packager/evidence"
)

// A walk is one Find.
type walk struct {
	f                *Finder
	ctx              context.Context
	pattern          *Pattern
	yield            func(Match) bool
	tally            evidence.Tally
	seen             map[string]bool // matches given: links and ** may come to one twice
	entries, matches int
	stopped          bool
}

// A place is a file that the walk has come to.
type place struct {
	path string // true name
	via  string // the name as the pattern has it, if that differs
	meta *evidence.FileMeta
}

// from looks for the parts in a directory.
func (w *walk) from(dir place, parts []part) {
	if w.stopped {
		return
	}
	if len(parts) == 0 { // the pattern is the root itself
		w.match(dir, true)
		return
	}
	p, rest := parts[0], parts[1:]
	switch {
	case p.depth > 0 && len(rest) == 0:
		w.everything(dir, p.depth)
	case p.depth > 0:
		w.recurse(dir, p.depth, rest)
	case p.literal != "" && p.glob == nil:
		w.step(dir, p.literal, rest, true)
	default:
		w.matching(dir, &p, rest)
	}
}

// matching takes the names that match a part. Where case does not matter, a name
// that is written out is looked for like a glob, and at last as it is written: a
// directory may be closed to listing, or have names that it does not list.
func (w *walk) matching(dir place, p *part, rest []part) {
	names, err := w.f.list(dir.path)
	if p.colon > 0 && w.f.drives != nil {
		names = w.withStreams(dir, p, names)
	}
	written, found := p.literal != "", false
	for _, name := range names {
		if w.stopped || !w.count() {
			return
		}
		if p.glob.match(name) {
			found = true
			w.step(dir, name, rest, written)
		}
	}
	if written && !found {
		found = w.step(dir, p.literal, rest, true)
	}
	if !written || !found {
		w.tally.Add(dir.path, err)
	}
}

// withStreams adds the alternate streams of the files of which the part may mean one: a
// live Windows does not list them beside their files.
func (w *walk) withStreams(dir place, p *part, names []string) (all []string) {
	file := glob{tokens: p.glob.tokens[:p.colon-1], folded: p.glob.folded}
	for _, name := range names {
		if w.stopped || !w.count() {
			break
		}
		if !file.match(name) {
			continue
		}
		_, streams, err := w.f.host.LstatStreams(below(dir.path, name))
		w.tally.Add(below(dir.path, name), err)
		for _, s := range streams {
			all = append(all, name+":"+s.Name)
		}
	}
	return all
}

// step goes to one name in a directory, and says whether it is there. written says
// that the pattern writes it out, so that a link is followed.
func (w *walk) step(dir place, name string, rest []part, written bool) bool {
	if w.stopped || !w.count() {
		return false
	}
	at := dir.down(name)
	meta, err := w.f.host.Lstat(at.path)
	if notThere(err) || w.tally.Add(at.path, err) != nil {
		return false
	}
	at.meta = meta
	link := meta.Mode&evidence.ModeType == evidence.ModeSymlink
	if len(rest) == 0 {
		w.match(at, written)
	}
	switch {
	case link && (written || len(rest) > 0 && strings.HasPrefix(at.path, "/sys/")):
		w.through(dir, at, rest, written)
	case link && len(rest) > 0:
		w.tally.Add(at.path, errLinkMet)
	case isDir(meta) && len(rest) > 0:
		w.from(at, rest)
	}
	return true
}

// errLinkMet is the outcome of a link that a glob met on the way to more.
var errLinkMet = evidence.Skip("a symbolic link: not walked into")

// through follows a link that the pattern writes out, or one from /sys to /sys.
func (w *walk) through(dir, link place, rest []part, written bool) {
	real, meta, err := w.f.follow(dir.path, link.meta.LinkTarget)
	if notThere(err) || w.tally.Add(link.path, err) != nil {
		return
	}
	if !written && !strings.HasPrefix(real, "/sys/") {
		w.tally.Add(link.path, errLinkMet)
		return
	}
	at := place{path: real, via: link.path, meta: meta}
	if link.via != "" {
		at.via = link.via
	}
	switch {
	case len(rest) == 0:
		w.match(at, true)
	case isDir(meta):
		w.from(at, rest)
	}
}

// recurse looks for the parts in a directory and in those below it.
func (w *walk) recurse(dir place, depth int, rest []part) {
	w.from(dir, rest)
	if depth == 0 {
		return
	}
	w.eachBelow(dir, func(at place) {
		if isDir(at.meta) {
			w.recurse(at, depth-1, rest)
		}
	})
}

// everything matches all that is below a directory.
func (w *walk) everything(dir place, depth int) {
	w.eachBelow(dir, func(at place) {
		w.match(at, false)
		if isDir(at.meta) && depth > 1 {
			w.everything(at, depth-1)
		}
	})
}

// eachBelow goes to each entry of a directory, but not into what the kernel makes up.
func (w *walk) eachBelow(dir place, visit func(place)) {
	names, err := w.f.list(dir.path)
	w.tally.Add(dir.path, err)
	for _, name := range names {
		if w.stopped || !w.count() {
			return
		}
		at := dir.down(name)
		if dir.path == "/" && w.f.system != Windows && (name == "proc" || name == "sys" || name == "dev") {
			w.tally.Add(at.path, evidence.Skip("not walked into from above: made up by the kernel"))
			continue
		}
		meta, err := w.f.host.Lstat(at.path)
		if w.tally.Add(at.path, err) == nil {
			at.meta = meta
			visit(at)
		}
	}
}

// match gives one match, by the rules of its type.
func (w *walk) match(at place, written bool) {
	dir := isDir(at.meta)
	if w.pattern.Type == File && dir && !written {
		return
	}
	w.give(at)
	if w.pattern.Type == Directory && dir {
		w.eachBelow(at, w.give)
	}
}

func (w *walk) give(at place) {
	if w.stopped || w.seen[at.path] {
		return
	}
	if w.matches++; w.matches > w.f.Bounds.Matches {
		w.stop(evidence.Cut("more than %d matches: the rest is passed over", w.f.Bounds.Matches))
		return
	}
	w.seen[at.path] = true
	if !w.yield(Match{Path: at.path, Meta: at.meta, Via: at.via}) {
		w.stopped = true
	}
}

// count counts one name that is looked at, and says whether there may be more.
func (w *walk) count() bool {
	if w.entries++; w.entries > w.f.Bounds.Entries {
		w.stop(evidence.Cut("more than %d names looked at: the rest is passed over", w.f.Bounds.Entries))
	} else if w.entries%64 == 0 && w.ctx.Err() != nil {
		w.stop(w.ctx.Err())
	}
	return !w.stopped
}

func (w *walk) stop(err error) {
	w.tally.Add(w.pattern.Text, err)
	w.stopped = true
}

// down gives the place of a name in a directory.
func (p place) down(name string) place {
	at := place{path: below(p.path, name)}
	if p.via != "" {
		at.via = below(p.via, name)
	}
	return at
}

func below(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}
