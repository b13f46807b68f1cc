package indicators

import (
	"strconv"
	"strings"

	"hozen/collector/elf"
	"hozen/collector/proc"
)

// readImpliesExec is the bit of /proc/PID/personality by which the kernel makes all
// memory executable that may be read (personality(2)): i386 programs without
// PT_GNU_STACK.
const readImpliesExec = 0x0400000

// mapLibraries bounds the libraries that are asked whether they want such a stack.
const mapLibraries = 64

// explainStack says who asked for an executable stack: a program asks for it by
// PT_GNU_STACK with the flag to execute, or by having none (elf(5), execstack(8)).
func (l *mapLook) explainStack() string {
	if l.p.imageInstalled() && l.wantsStack(l.p.path("exe"), true) {
		return "the image asks for an executable stack"
	}
	seen := map[string]bool{}
	for i := range l.p.maps {
		m := &l.p.maps[i]
		if !m.Executable() || seen[m.Path] || !l.p.installed(m) {
			continue
		}
		if seen[m.Path] = true; len(seen) > mapLibraries {
			break
		}
		if l.wantsLibrary(m) {
			return "the library " + m.Path + " asks for an executable stack"
		}
	}
	return ""
}

func (l *mapLook) wantsStack(name string, absent bool) bool {
	file, err := l.s.host.OpenFollow(name)
	if err != nil {
		return false
	}
	defer file.Close()
	f, err := elf.Read(file)
	return err == nil && asksForStack(f, absent)
}

func (l *mapLook) wantsLibrary(m *proc.Mapping) bool {
	file, err := l.openMapped(m)
	if err != nil {
		return false
	}
	defer file.Close()
	f, err := elf.Read(file)
	// The loader itself is no reason, and what has no note needs none on some processors.
	return err == nil && asksForStack(f, false)
}

// asksForStack gives absent where there is no PT_GNU_STACK.
func asksForStack(f *elf.File, absent bool) bool {
	for _, p := range f.Segments {
		if p.Type == elf.Stack {
			return p.Flags&elf.Executable != 0
		}
	}
	return absent
}

// explainImplied explains the heap and memory of no file where the kernel makes
// all readable memory executable, at the wish of the image. stack is the
// explanation of the stack.
func (l *mapLook) explainImplied(stack string) {
	if stack == "" {
		return
	}
	text, err := l.p.dir.Get(nil, "personality", false, limitText)
	flags, bad := strconv.ParseUint(strings.TrimSpace(string(text)), 16, 64)
	if err != nil || bad != nil || flags&readImpliesExec == 0 {
		return
	}
	l.p.keep("personality", false, text, nil)
	for _, a := range l.areas {
		if a.explained == "" && len(a.heads) == 0 && (a.kind == areaHeap || a.kind == areaAnonymous) {
			a.explained = stack + ", and all that it may read is executable with it (READ_IMPLIES_EXEC)"
		}
	}
}

// explainFile explains a file mapping that may be written and executed: the
// file asks for it.
func (l *mapLook) explainFile(a *mapArea) string {
	if !l.p.installed(&a.first) {
		return ""
	}
	file, err := l.openMapped(&a.first)
	if err != nil {
		return ""
	}
	defer file.Close()
	f, err := elf.Read(file)
	if err != nil {
		return ""
	}
	from := a.first.Offset
	for _, p := range f.Segments {
		if selfWriting(p) && from+l.pages.pageSize() > p.Offset && from < p.Offset+p.Size {
			return "the file itself asks for code that may be written"
		}
	}
	return ""
}
