package onwindows

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
	"hozen/collector/ntapi"
)

func moduleKinds() []indicators.Kind {
	return []indicators.Kind{
		{ID: "module-unlisted", Technique: "T1055.001", Level: memory.High,
			Doc:    "a library is mapped and loaded that is in none of the loader's lists",
			Benign: []string{"a library that is mapped for its resources or its version", "images made ahead by .NET, which it maps itself"}},
		{ID: "module-half-listed", Technique: "T1055.001", Level: memory.High,
			Doc: "a library is in one of the loader's lists and not in another"},
		{ID: "module-not-image", Technique: "T1055.001", Level: memory.High,
			Doc:    "the loader's lists have a library where no image is mapped",
			Benign: []string{"a library that was being unloaded"}},
		{ID: "module-name", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "the loader's lists call a library by another name than its file has",
			Benign: []string{"short names of directories (PROGRA~1); links; the 32-bit view of System32"}},
		{ID: "module-beside", Technique: "T1574.001", Level: memory.Low,
			Doc:    "a library lies beside its program where users may write, and is called like one of the system's",
			Benign: []string{"programs that bring a library of their own; programs installed for one user"}},
	}
}

// checkModules holds the loader's lists against what is mapped.
func checkModules(p *process) {
	if len(p.modules) == 0 || len(p.regions) == 0 || p.gone {
		return // not started, or not read
	}
	listed := map[uint64]ntapi.Module{}
	for _, m := range p.modules {
		listed[m.Base] = m
	}
	for i := range p.images {
		m := &p.images[i]
		if e, ok := listed[m.start]; ok {
			checkListed(p, m, e)
		} else if p.modulesErr == nil {
			checkUnlisted(p, m)
		}
		checkBeside(p, m)
	}
	for _, e := range p.modules {
		if e.Base != 0 && p.image(e.Base) == nil {
			notImage(p, e)
		}
	}
}

func notImage(p *process, e ntapi.Module) {
	f := finding{id: "module-not-image", seen: fmt.Sprintf("the loader lists %s at %#x, where no image is mapped", clipped(e.FullName), e.Base),
		views: []memory.View{{Source: "loader", Says: jsonl.Text(e.FullName)}, {Source: "memory map", Says: "nothing"}}}
	if r, ok := p.region(e.Base); ok {
		f.views[1].Says = jsonl.Text(r.TypeName() + " memory")
		f.regions = []memory.Region{regionOf(p.allocation(r.AllocationBase), f.id)}
	} else {
		f.explained = "nothing is mapped there: it was being unloaded, or its entry was left behind"
	}
	p.report(f)
}

// checkListed compares the entry of a library with its mapping.
func checkListed(p *process, m *imageMap, e ntapi.Module) {
	if e.InLoad > 0 != (e.InMemory > 0) && p.modulesErr == nil {
		p.report(finding{id: "module-half-listed", seen: fmt.Sprintf("%s at %#x is in one of the loader's lists only", clipped(e.FullName), e.Base), regions: []memory.Region{regionOf(m.span, "module-half-listed")},
			views: []memory.View{{Source: "InLoadOrderModuleList", Says: jsonl.Text(fmt.Sprint("place ", e.InLoad))}, {Source: "InMemoryOrderModuleList", Says: jsonl.Text(fmt.Sprint("place ", e.InMemory))}}})
	}
	if !onDrive(m.path) || e.FullName == "" || sameName(m.path, e.FullName) {
		return
	}
	f := finding{id: "module-name", seen: fmt.Sprintf("the loader calls %s at %#x %s", clipped(m.path), m.start, clipped(e.FullName)), regions: []memory.Region{regionOf(m.span, "module-name")},
		views: []memory.View{{Source: "loader", Says: jsonl.Text(e.FullName)}, {Source: "file mapped", Says: jsonl.Text(m.path)}}}
	switch {
	case p.sameFile(m.path, e.FullName):
		f.explained = "both names lead to the same file"
	case !e.Wide && below(m.path, p.s.places.windows+`\SysWOW64`) && strings.EqualFold(base(m.path), base(e.FullName)) && below(e.FullName, p.s.places.windows):
		f.explained = "the 32-bit view of the directory of the system"
	}
	p.report(f)
}

// sameFile says whether two names lead to one file, by number.
func (p *process) sameFile(a, b string) bool {
	x, err1 := p.s.host.Stat(hostName(a))
	y, err2 := p.s.host.Stat(hostName(b))
	return err1 == nil && err2 == nil && x.Inode != 0 && x.Inode == y.Inode && x.Dev == y.Dev
}

// checkUnlisted looks at an image that the loader does not know: was it loaded, or
// only mapped?
func checkUnlisted(p *process, m *imageMap) {
	f := finding{id: "module-unlisted", seen: fmt.Sprintf("%s is mapped at %#x, and in none of the loader's lists", clipped(firstOf(m.path, "an image without a file")), m.start), regions: []memory.Region{regionOf(m.span, "module-unlisted")},
		views: []memory.View{{Source: "memory map", Says: jsonl.Text(m.path)}, {Source: "loader's lists", Says: "not there"}}}
	file, err := p.s.files.get(m.path)
	switch {
	case err != nil:
	case m.start == p.peb.ImageBase && p.info.Threads != nil && len(p.modules) == 0:
		return
	case file.dirs[dirCLR].size > 0 && p.engine("the .NET runtime"):
		f.explained = "an assembly of .NET, whose runtime is loaded here and maps them itself"
	case !hasCode(file):
		f.explained = "it has no code"
	case p.s.places.installed(m.path) && p.mapped(m) && p.neverLinked(m, file):
		f.explained = "mapped without being loaded, as for its resources: its imports were never filled in"
	}
	p.report(f)
}

func hasCode(f *peFile) bool {
	for _, s := range f.sections {
		if s.flags&sectionExecute != 0 {
			return true
		}
	}
	return false
}

// neverLinked says whether the addresses of imported functions are still what the
// file has: the loader fills them in. An image without imports gives no answer.
func (p *process) neverLinked(m *imageMap, f *peFile) bool {
	tables := f.imports()
	for _, t := range tables {
		n := min(t.end-t.start, 1<<16)
		is, err := p.read(m.start+t.start, int(n))
		want := make([]byte, n)
		f.at(want, t.start)
		if err != nil || !bytes.Equal(is, want) {
			return false
		}
	}
	return len(tables) > 0
}

// checkBeside looks for a library that a program finds before the system's.
func checkBeside(p *process, m *imageMap) {
	program := p.image(p.peb.ImageBase)
	if !p.pebRead || program == nil || m == program || m.path == "" || p.s.places.installed(m.path) || !strings.EqualFold(parent(m.path), parent(program.path)) {
		return
	}
	name := p.s.places.windows + `\System32\` + base(m.path)
	if _, err := p.s.host.Lstat(path.Clean(hostName(name))); err != nil {
		return
	}
	p.report(finding{id: "module-beside", seen: clipped(m.path) + " was loaded from the directory of its program; the system has one of that name", regions: []memory.Region{regionOf(m.span, "module-beside")},
		views: []memory.View{{Source: "memory map", Says: jsonl.Text(m.path)}, {Source: "the system's", Says: jsonl.Text(name)}}})
}
