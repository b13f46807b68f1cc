package indicators

import (
	"fmt"

	"hozen/collector/memory"
	"hozen/collector/proc"
)

// The family map looks at the address space of a process: what may be executed
// there and where it came from. Its files:
//
//	map_area.go     which mappings are of interest, and what kind each is
//	map_memory.go   their pages, read where they are resident only
//	map_engine.go   THE list of programs that make code while they run, and the rule by
//	                which they explain an area
//	map_report.go   areas to findings: one row for a kind, however many areas
//	map_elf.go      heads of programs in memory that came from no file
//	map_text.go     pages of program files that were written to; map_text_why.go: why
//	map_vdso.go     the page of code that the kernel gives to every process
//	map_stack.go    executable stacks; map_thread.go: threads that run in such areas
//
// Pages that are not resident are never read: that would bring them in from a
// disk, a swap area or another program's hands.

func mapKinds() []Kind {
	const (
		jit   = "a program that makes code while it runs (JIT, closures of libffi, emulators) that is not known here or lies in an unusual place"
		debug = "a debugger, tracer or profiler that sets breakpoints or hooks"
	)
	return []Kind{
		{ID: "map-anonymous-exec", Technique: "T1055", Level: memory.Medium,
			Doc:    "memory that may be executed and belongs to no file",
			Benign: []string{jit, "a packed program (UPX) that unpacks itself", "text moved onto huge pages"}},
		{ID: "map-memfd-exec", Technique: "T1620", Level: memory.High,
			Doc:    "an executable mapping of a file that lies in memory only: memfd, /dev/shm; medium where it has a name on another tmpfs",
			Benign: []string{jit, "a program in Java or Python that unpacks its libraries into /tmp", "a packed program (UPX) that unpacks itself"}},
		{ID: "map-rwx", Technique: "T1055", Level: memory.Medium,
			Doc:    "memory that may be written and executed at once",
			Benign: []string{jit, "an old program that was linked so"}},
		{ID: "map-elf-anonymous", Technique: "T1620", Level: memory.High,
			Doc:    "the head of an ELF program, or its table of segments with the head wiped, where a page begins in memory of no file or of a memfd; medium where it may not be executed",
			Benign: []string{"a debugger, linker or scanner that reads programs into its memory"}},
		{ID: "map-deleted-file", Technique: "T1070.004", Level: memory.Medium,
			Doc:    "an executable mapping of a file that has no name any more, other than the image",
			Benign: []string{"a package upgrade replaced a library while it was in use", "a program in Java that unpacks a library into /tmp and removes it"}},
		{ID: "map-text-patched", Technique: "T1055.009", Level: memory.High,
			Doc:    "pages of code that are mapped from a file and were written to in memory: they differ from the file; medium where they cannot be compared",
			Benign: []string{debug, "a library that patches itself for speed"}},
		{ID: "map-vdso-patched", Technique: "T1055.014", Level: memory.High,
			Doc:    "the vdso, code that the kernel gives to every process, differs from that of the others or was written to",
			Benign: []string{debug, "a process that was restored by CRIU"}},
		{ID: "map-stack-exec", Technique: "T1055", Level: memory.High,
			Doc:    "a stack that may be executed",
			Benign: []string{"a program with nested functions of GNU C, or in assembly without a note that it needs no such stack"}},
		{ID: "map-heap-exec", Technique: "T1055", Level: memory.Medium,
			Doc:    "a heap, the memory that brk(2) gives, that may be executed",
			Benign: []string{"a compiler that runs what it has made in its heap (tcc -run)", jit}},
		{ID: "map-thread-in-anonymous", Technique: "T1055.003", Level: memory.High,
			Doc:    "a thread waits in a system call, or was stopped, with its next instruction in executable memory of no file",
			Benign: []string{"a program that runs another one by emulation (valgrind, gVisor)"}},
	}
}

// A mapLook is the look at the memory of one process.
type mapLook struct {
	s     *survey
	p     *process
	pages mapPages
	areas []*mapArea
	// engines are those that the process has mapped.
	engines []mapEngine
	shown   map[uint64]bool // pages that are proofs already, by address
}

// checkMaps looks at the memory of one process.
func checkMaps(s *survey, p *process) {
	if len(p.maps) == 0 {
		return
	}
	l := &mapLook{s: s, p: p, pages: mapPages{p: p, budget: mapReadPages}, shown: map[uint64]bool{}}
	defer l.pages.close()
	if l.areas = areasOf(p.maps, p.exe, s.maps.memoryDevices(s.base.mounts)); len(l.areas) > 0 {
		l.engines = enginesIn(p.exe, p.maps, p.installed)
		l.lookIntoAreas()
		l.explainAreas()
		l.reportAreas()
		l.reportThreads()
	}
	l.pages.budget = mapReadPages // each part has its own, or one would starve the next
	l.reportHeads()
	l.pages.budget = mapReadPages
	l.lookAtText()
	l.noteVDSO()
}

// lookIntoAreas reads a little of the first areas. There is a bound on areas, for
// a process can have as many as it has mappings.
func (l *mapLook) lookIntoAreas() {
	for i, a := range l.areas {
		if i == mapAreas {
			l.p.note("mem", cutAreas(len(l.areas)-i))
			return
		}
		if a.kind != areaFile {
			l.pages.look(a)
		}
	}
}

// explainAreas finds the benign explanation of each area, if one fits.
func (l *mapLook) explainAreas() {
	stack := ""
	for _, a := range l.areas {
		switch a.kind {
		case areaStack:
			stack = l.explainStack()
			a.explained = stack
		case areaDeleted:
			a.explained = l.explainDeleted(a)
		case areaFile:
			a.explained = l.explainFile(a)
		default:
			a.explained = explainByEngine(l.engines, a)
		}
		if len(a.heads) > 0 {
			a.explained = ""
		}
	}
	l.explainImplied(stack)
}

// explainDeleted says that a package upgrade replaced the file: it lies where
// packages put files, and there is one of its name again.
func (l *mapLook) explainDeleted(a *mapArea) string {
	if why := explainByEngine(l.engines, a); why != "" {
		return why
	}
	if !l.p.takenOver(&a.first) {
		return ""
	}
	return "a file of the same name has taken its place, as in a package upgrade"
}

// inRoot gives the name of a mapped file as the process knows it, and the name by
// which we find it. The kernel writes names in maps as they are for us: with the
// folder before them that a process is confined to by chroot(2).
func (l *mapLook) inRoot(m *proc.Mapping) (inside, ours string) {
	inside = unescaped(m.Path)
	root, err := l.p.dir.Get(nil, "root", true, limitText)
	if err == nil && len(root) > 1 && proc.Beneath(inside, string(root)) {
		inside = inside[len(root):]
	}
	return inside, l.p.path("root") + inside
}

// span gives a range of addresses as maps writes it.
func span(start, end uint64) string { return fmt.Sprintf("%x-%x", start, end) }
