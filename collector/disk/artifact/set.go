package artifact

import (
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Load reads every *.yaml of a folder tree, in the order of the names. label is
// put before the files' names in messages ("--definitions DIR").
func Load(label string, tree fs.FS) (all []Definition, err error) {
	err = fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		if ext := path.Ext(name); e.IsDir() || ext != ".yaml" && ext != ".yml" {
			return nil
		}
		some, err := loadFile(path.Join(label, name), tree, name)
		if all = append(all, some...); err == nil && len(all) > maxDefinitions {
			err = fmt.Errorf("%s: more than %d definitions", label, maxDefinitions)
		}
		return err
	})
	return all, err
}

// loadFile reads one file, after a look at what it is: a FIFO would wait for a writer.
func loadFile(label string, tree fs.FS, name string) ([]Definition, error) {
	st, err := fs.Stat(tree, name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", label, err)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", label)
	case st.Size() > maxFile:
		return nil, fmt.Errorf("%s: %d bytes: at most %d", label, st.Size(), maxFile)
	}
	b, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	return Parse(label, b)
}

// A Set is definitions that have been checked against each other. It is not
// changed after NewSet, and may be used concurrently.
type Set struct {
	all    []*Definition
	byName map[string]*Definition // aliases too
}

// NewSet joins the definitions of several loads. All of these are errors, which
// name the places: two definitions with one name (unless they come from different
// loads and say the same: one is kept), a group with a member that does not exist,
// a group that contains itself.
func NewSet(loads ...[]Definition) (*Set, error) {
	s := &Set{byName: map[string]*Definition{}}
	var errs []error
	for _, load := range loads {
		own := map[*Definition]bool{}
		for i := range load {
			copied := load[i]
			d := &copied
			if old := s.byName[d.Name]; old != nil && !own[old] && same(old, d) {
				continue
			}
			own[d] = true
			s.all = append(s.all, d)
			for _, name := range append([]string{d.Name}, d.Aliases...) {
				if old := s.byName[name]; old != nil {
					errs = append(errs, fmt.Errorf("%s: %s is defined already in %s", d.Where(), name, old.Where()))
					continue
				}
				s.byName[name] = d
			}
		}
	}
	errs = append(errs, s.checkGroups()...)
	if len(errs) > 0 {
		return nil, fault.Join(errs...)
	}
	return s, nil
}

// same says whether two definitions differ only in where they were read.
func same(a, b *Definition) bool {
	strip := func(d Definition) Definition {
		d.FileName, d.Line = "", 0
		d.Sources = append([]Source(nil), d.Sources...)
		for i := range d.Sources {
			d.Sources[i].Line = 0
		}
		return d
	}
	return reflect.DeepEqual(strip(*a), strip(*b))
}

// checkGroups finds members that do not exist, and cycles.
func (s *Set) checkGroups() (errs []error) {
	const walking, done = 1, 2
	state := map[*Definition]int{}
	var visit func(d *Definition, way []string)
	visit = func(d *Definition, way []string) {
		way = append(way, d.Name)
		state[d] = walking
		for i := range d.Sources {
			for _, name := range d.Sources[i].Names {
				where := fmt.Sprintf("%s:%d: %s", d.FileName, d.Sources[i].Line, d.Name)
				member := s.byName[name]
				switch {
				case member == nil:
					errs = append(errs, fmt.Errorf("%s: member %s does not exist", where, name))
				case state[member] == walking:
					errs = append(errs, fmt.Errorf("%s: the group contains itself: %s, %s", where, strings.Join(way, ", "), name))
				case state[member] != done:
					visit(member, way)
				}
			}
		}
		state[d] = done
	}
	for _, d := range s.all {
		if state[d] != done {
			visit(d, nil)
		}
	}
	return errs
}

// Definitions gives all definitions, in the order in which they were loaded.
func (s *Set) Definitions() []*Definition { return append([]*Definition(nil), s.all...) }

// Names gives the names of all definitions, in the order in which they were loaded.
func (s *Set) Names() []string {
	var names []string
	for _, d := range s.all {
		names = append(names, d.Name)
	}
	return names
}

// Get finds a definition by its name or an alias; nil if there is none.
func (s *Set) Get(name string) *Definition { return s.byName[name] }

// A Chosen is a definition that Resolve came to.
type Chosen struct {
	*Definition
	// Sources are those for the system; groups have been replaced by their members
	// and are not among them.
	Sources []Source
	// Skip, if not nil, says why nothing of it is taken (an evidence.Skip).
	Skip error
}

// Resolve flattens groups: it gives the definitions that the names come to, in
// order, each once, and says of each whether it is for the system. A group for
// another system is given with its Skip, without its members. A name that the set
// does not have is an error; what the others come to is given with it.
func (s *Set) Resolve(system System, names ...string) (chosen []Chosen, err error) {
	var errs []error
	seen := map[*Definition]bool{}
	var visit func(d *Definition)
	visit = func(d *Definition) {
		if seen[d] {
			return
		}
		seen[d] = true
		c, members := choose(d, system)
		if c.Skip != nil || len(c.Sources) > 0 {
			chosen = append(chosen, c)
		}
		for _, name := range members {
			visit(s.byName[name])
		}
	}
	for _, name := range names {
		if d := s.byName[name]; d != nil {
			visit(d)
		} else {
			errs = append(errs, fmt.Errorf("no definition is named %q", clip(name)))
		}
	}
	return chosen, fault.Join(errs...)
}

// choose takes what of a definition is for the system, and the members of its groups.
func choose(d *Definition, system System) (c Chosen, members []string) {
	c.Definition = d
	if !d.For(system) {
		c.Skip = evidence.Skip("not for %s, but for %s", orUnknown(system), join(d.SupportedOS))
		return c, nil
	}
	others := 0
	for _, src := range d.Sources {
		switch {
		case !src.For(system):
			others++
		case src.Type == Group:
			members = append(members, src.Names...)
		default:
			c.Sources = append(c.Sources, src)
		}
	}
	if others == len(d.Sources) {
		c.Skip = evidence.Skip("none of its %d sources is for %s", others, orUnknown(system))
	}
	return c, members
}

func orUnknown(s System) string {
	if s == "" {
		return "an unknown system"
	}
	return string(s)
}
