package indicators

import (
	"fmt"
	"slices"
	"strings"

	"hozen/collector/memory"
)

// A mapGroup is what makes one row: areas of one kind with one explanation.
type mapGroup struct {
	id, what, explained string
	level               memory.Level
	areas               []*mapArea
}

// reportAreas makes rows of the areas. One area can be in two: where it came from
// is one sign, that it may be written and executed at once another.
func (l *mapLook) reportAreas() {
	var groups []*mapGroup
	add := func(id, what string, level memory.Level, a *mapArea) {
		i := slices.IndexFunc(groups, func(g *mapGroup) bool {
			return g.id == id && g.what == what && g.explained == a.explained && g.level == level
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, &mapGroup{id: id, what: what, explained: a.explained, level: level})
		}
		groups[i].areas = append(groups[i].areas, a)
	}
	for _, a := range l.areas {
		if id, what, level := a.kind.indicator(); id != "" {
			add(id, what, level, a)
		}
		if a.first.Writable() {
			add("map-rwx", "memory that may be written and executed", 0, a)
		}
	}
	for _, g := range groups {
		l.reportGroup(g)
	}
}

// indicator says which indicator a kind of area is, and what it is in words; "" if none.
func (kind areaKind) indicator() (id, what string, level memory.Level) {
	switch kind {
	case areaAnonymous:
		return "map-anonymous-exec", "executable memory of no file", 0
	case areaMemfd:
		return "map-memfd-exec", "executable mappings of files in memory", 0
	case areaTmpfs:
		return "map-memfd-exec", "executable mappings of files on a tmpfs", memory.Medium
	case areaDeleted:
		return "map-deleted-file", "executable mappings of files that have no name any more", 0
	case areaHeap:
		return "map-heap-exec", "an executable heap", 0
	case areaStack:
		return "map-stack-exec", "an executable stack", 0
	}
	return "", "", 0
}

// mapNamed is how many areas a row names.
const mapNamed = 4

func (l *mapLook) reportGroup(g *mapGroup) {
	f := finding{id: g.id, level: g.level, explained: g.explained}
	var size, resident, swapped uint64
	var names []string
	for i, a := range g.areas {
		size, resident, swapped = size+a.size(), resident+a.resident, swapped+a.swapped
		if i < mapNamed {
			names = append(names, strings.TrimSpace(span(a.start, a.end)+" "+a.first.Perms+" "+a.name()))
		}
		l.region(&f, a.start, a.end)
		if len(a.head) > 0 {
			l.show(&f, a.headAt, a.head)
		}
	}
	if n := len(g.areas) - mapNamed; n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
	}
	f.seen = fmt.Sprintf("%s: %s in %s, %s in RAM", g.what, many(size, "byte"), many(len(g.areas), "area"), many(resident, "page"))
	if swapped > 0 {
		f.seen += fmt.Sprintf(", %d in swap (not read)", swapped)
	}
	f.seen += ": " + strings.Join(names, "; ")
	l.p.report(f)
}

func (a *mapArea) name() string {
	if a.first.Deleted {
		return a.first.Path + " (deleted)"
	}
	return a.first.Path
}

// region names a region for the collector contents, up to the bound.
func (l *mapLook) region(f *finding, start, end uint64) {
	if len(f.regions) < mapRegions {
		f.regions = append(f.regions, memory.Region{Start: start, End: end, Why: f.id})
	}
}

// show makes a page a proof of a finding, up to the bound; one that another finding
// of this process has shown already is named again.
func (l *mapLook) show(f *finding, addr uint64, page []byte) {
	if len(f.proofs)+len(f.evidence) >= mapProofs {
		return
	}
	name := fmt.Sprintf("page-%x.bin", addr)
	if l.shown[addr] {
		f.evidence = append(f.evidence, stem(l.p.pid, l.p.stat.Start())+"/"+name)
		return
	}
	l.shown[addr] = true
	f.proofs = append(f.proofs, proof{name: name, source: fmt.Sprintf("%s at %#x", l.p.path("mem"), addr), data: slices.Clone(page)})
}

// addresses writes the first addresses of a list.
func addresses(at []uint64) string {
	var b strings.Builder
	for i, a := range at {
		if i == mapNamed {
			fmt.Fprintf(&b, " and %d more", len(at)-i)
			break
		}
		fmt.Fprintf(&b, " %#x", a)
	}
	return strings.TrimPrefix(b.String(), " ")
}
