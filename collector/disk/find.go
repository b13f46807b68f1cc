package disk

import (
	"context"
	"errors"
	"slices"

	"hozen/collector"
	"hozen/collector/disk/artifact"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// Bounds of what is found.
const (
	maxFound     = 1 << 18 // files of all definitions, which are kept in memory
	maxHangs     = 8       // file systems that did not answer while names were looked up
	triesPerHang = 3       // of one definition
)

// A file is one that was found.
type file struct {
	path, via string
	meta      *evidence.FileMeta
	artifacts []string
	tree      string
	value     int
	wanted    bool // its contents are, not only its row
	first     *artefact
	why       error  // why its contents are not taken; nil: they are
	same      string // the name under which they are
	set       *unit  // what it is read with

	outcome evidence.Outcome // of its contents, once it was tried
	taken   int64
	short   bool // it was left out though it was wanted
}

// An artefact is a definition and what was found for it.
type artefact struct {
	chosen   artifact.Chosen
	value    int
	patterns []PatternRow
	files    []*file
	tally    evidence.Tally // of looking for it
}

// A finding is what all definitions came to.
type finding struct {
	system    artifact.System
	artefacts []*artefact
	files     []*file // in the order of the definitions
	byPath    map[string]*file
	byID      map[collector.FileID]*file
	names     owners
	host      *collector.Host
	looker    *looker
	units     []*unit
	tally     evidence.Tally
	hangs     int
	cut       bool
}

// A looker looks for one definition after the other, until a file system does not
// answer: then it is left behind with what it knows.
type looker struct {
	host   collector.Host // with a pulse of its own
	system artifact.System
	finder *artifact.Finder
}

func (f *finding) newLooker() {
	f.looker = &looker{host: *f.host, system: f.system}
	f.looker.host.Pulse = &collector.Pulse{}
}

// find looks for what the definitions name.
func find(ctx context.Context, h *collector.Host, o Options, w *watch) *finding {
	f := &finding{byPath: map[string]*file{}, byID: map[collector.FileID]*file{}, host: h}
	type facts struct {
		system artifact.System
		names  owners
	}
	known, err := ask(ctx, w, h, func(h *collector.Host) facts { return facts{artifact.SystemOf(h), readOwners(h)} })
	f.tally.Add("the system", err)
	f.system, f.names = known.system, known.names
	if o.Set == nil {
		return f
	}
	f.newLooker()
	seen := map[string]bool{}
	for _, tier := range o.Tiers {
		chosen, err := o.Set.Resolve(f.system, tier.Artifacts...)
		f.tally.Add("definitions", err)
		for _, c := range chosen {
			if !seen[c.Name] {
				seen[c.Name] = true
				a := &artefact{chosen: c, value: tier.Value}
				f.artefacts = append(f.artefacts, a)
				f.look(ctx, a, w)
			}
		}
	}
	return f
}

// look looks for one definition. Where a file system does not answer, it is avoided
// from then on, and the definition is looked for once more.
func (f *finding) look(ctx context.Context, a *artefact, w *watch) {
	if a.chosen.Skip != nil {
		return
	}
	for range triesPerHang {
		if f.hangs > maxHangs {
			a.tally.Add(a.chosen.Name, evidence.Cut("not looked for: too many file systems gave no answer"))
			return
		}
		l := f.looker
		got, err := wait(ctx, w, l.host.Pulse, func() *search { return l.search(ctx, a.chosen) })
		var hung *errHung
		if errors.As(err, &hung) {
			a.tally.Add(hung.name, evidence.Cut("%v", hung))
			f.avoid(hung.name, w)
			continue
		}
		if err != nil {
			a.tally.Add(a.chosen.Name, err)
			return
		}
		a.patterns = got.patterns
		a.tally.Merge(&got.tally)
		for _, m := range got.matches {
			f.add(a, m)
		}
		return
	}
}

// avoid keeps away from the mount of a name that gave no answer; where that is the
// root, from the name alone.
func (f *finding) avoid(name string, w *watch) {
	f.hangs++
	h := *f.host
	if point := w.mountOf(name); point != "" {
		name = point
	}
	h.Avoid = append(slices.Clip(h.Avoid), name)
	f.host = &h
	f.newLooker()
}

// A search is what one definition came to on the goroutine that looked for it.
type search struct {
	patterns []PatternRow
	matches  []match
	tally    evidence.Tally
}

type match struct {
	artifact.Match
	wanted bool
}

func (l *looker) search(ctx context.Context, c artifact.Chosen) *search {
	s := &search{}
	if l.finder == nil {
		l.finder = artifact.NewFinder(&l.host, l.system)
		s.tally.Add("users", l.finder.Problems())
	}
	for _, src := range c.Sources {
		for _, p := range l.finder.Expand(src) {
			before := len(s.matches)
			err := l.finder.Find(ctx, p, func(m artifact.Match) bool {
				s.matches = append(s.matches, match{m, p.Type != artifact.Path && p.Type != artifact.Directory})
				return len(s.matches) < maxFound
			})
			p.Text = l.host.Shown(p.Text)
			s.pattern(p, len(s.matches)-before, err)
		}
	}
	return s
}

func (s *search) pattern(p artifact.Pattern, matches int, err error) {
	row := PatternRow{Type: string(p.Type), Text: jsonl.Text(p.Text), Matches: matches}
	if err != nil {
		o, note, _ := evidence.Classify(err, int64(matches))
		row.Outcome, row.Reason = o.String(), jsonl.Text(note)
		if o != evidence.Skipped {
			s.tally.Add(p.Text, err)
		} else if _, _, shortfall := evidence.Classify(err, 0); shortfall {
			s.tally.Add(p.Text, err)
		}
	}
	s.patterns = append(s.patterns, row)
}

// add notes a match, and decides what needs no limits to be decided.
func (f *finding) add(a *artefact, m match) {
	if m.Meta == nil {
		return
	}
	at := f.byPath[m.Path]
	if at == nil {
		if len(f.files) >= maxFound {
			if !f.cut {
				f.tally.Add(m.Path, evidence.Cut("more than %d files are named by the definitions", maxFound))
				f.cut = true
			}
			return
		}
		at = f.enter(&file{path: m.Path, via: m.Via, meta: m.Meta, value: a.value, first: a})
	}
	if !slices.Contains(at.artifacts, a.chosen.Name) {
		at.artifacts = append(at.artifacts, a.chosen.Name)
		a.files = append(a.files, at)
	}
	if m.wanted && !at.wanted {
		at.wanted = true
		f.decide(at)
	}
}

func (f *finding) enter(n *file) *file {
	f.names.fill(n.meta)
	f.files = append(f.files, n)
	f.byPath[n.path] = n
	f.decide(n)
	return n
}

// decide says why a file's contents are not taken, whatever the limits are.
func (f *finding) decide(n *file) {
	n.why, n.same = nil, ""
	switch id := (collector.FileID{Dev: n.meta.Dev, Inode: n.meta.Inode}); {
	case !n.meta.Regular():
		n.why = evidence.Skip("%s: only its row is taken", evidence.KindOf(n.meta.Mode))
	case !n.wanted:
		n.why = evidence.Skip("only its row is asked for")
	case id.Inode == 0:
	case f.host.IsOwn(id):
		n.why = evidence.Skip("our own output")
	case f.byID[id] != nil && f.byID[id] != n:
		n.why, n.same = evidence.Skip("another name of a file that is taken"), f.byID[id].path
	default:
		f.byID[id] = n
	}
}
