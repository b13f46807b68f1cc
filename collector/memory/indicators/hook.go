package indicators

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
)

func hookKinds() []Kind {
	preloads := []string{"allocators (jemalloc, tcmalloc, mimalloc)", "stdbuf, fakeroot, eatmydata, faketime", "security and monitoring agents"}
	return []Kind{
		{ID: "hook-ld-preload", Technique: "T1574.006", Level: memory.Medium,
			Doc: "the dynamic linker was told to load a library before all others (LD_PRELOAD of ld.so(8))", Benign: preloads},
		{ID: "hook-ld-audit", Technique: "T1574.006", Level: memory.High,
			Doc: "the dynamic linker was told to load an auditing library (LD_AUDIT of ld.so(8))", Benign: []string{"tools that trace libraries, such as latrace"}},
		{ID: "hook-ld-so-preload", Technique: "T1574.006", Level: memory.High,
			Doc: "/etc/ld.so.preload makes every program load a library before all others", Benign: append([]string{"Raspberry Pi OS names libarmmem there"}, preloads...)},
		{ID: "hook-tracer", Technique: "T1055.008", Level: memory.High,
			Doc: "another process traces this one (ptrace(2))", Benign: []string{"debuggers, strace, sandboxes that watch their children, crash handlers"}},
		{ID: "hook-memory-held", Technique: "T1055.009", Level: memory.High,
			Doc: "another process has this one's memory, or the machine's, open", Benign: []string{"debuggers", "sandboxes that answer system calls (seccomp_unotify(2))"}},
	}
}

// A preload is one library that a process's environment has the linker load.
type preload struct {
	variable, library string
	mapped            bool // it is in the process's mappings
}

// checkHook looks at what was put between the process and its libraries or the kernel.
func checkHook(s *survey, p *process) {
	if p.kernelThread() {
		return
	}
	for _, l := range p.preloads() {
		id := "hook-ld-preload"
		if l.variable == "LD_AUDIT" {
			id = "hook-ld-audit"
		}
		p.report(preloadFinding(id, p, l))
	}
	hookTracer(p)
}

// preloads reads the environment; the linker takes the first of equal variables,
// blanks and colons stand between names (ld.so(8)).
func (p *process) preloads() (out []preload) {
	for variable := range strings.SplitSeq(string(p.environ), "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		if name != "LD_PRELOAD" && name != "LD_AUDIT" {
			continue
		}
		for _, library := range strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' }) {
			if len(out) < 64 {
				out = append(out, preload{name, library, p.maps != nil && p.hasMapped(library)})
			}
		}
	}
	return out
}

// hasMapped says whether a library is among the mappings, by its path or, where
// the linker looked for it, by its name.
func (p *process) hasMapped(library string) bool {
	return slices.ContainsFunc(p.maps, func(m proc.Mapping) bool { return sameLibrary(m.Path, library) })
}

func sameLibrary(mapped, library string) bool {
	if mapped == "" || mapped[0] != '/' {
		return false
	}
	if !strings.Contains(library, "/") || strings.Contains(library, "$") { // $LIB, $ORIGIN, $PLATFORM
		return path.Base(mapped) == path.Base(library)
	}
	return merged(mapped) == merged(path.Clean(library))
}

func preloadFinding(id string, p *process, l preload) finding {
	says := "not mapped"
	if l.mapped {
		says = "mapped"
	}
	f := finding{id: id, seen: fmt.Sprintf("its environment has %s=%s; the library is %s", l.variable, l.library, says),
		views: []memory.View{
			{Source: p.path("environ"), Says: jsonl.Text(l.variable + "=" + l.library)},
			{Source: p.path("maps"), Says: jsonl.Text(l.library + " is " + says)},
		}}
	full := p.mappedPath(l.library)
	switch known := knownPreload(path.Base(l.library)); {
	case anyonesPlace(full) || hidden(full) || strings.HasPrefix(full, "/memfd:"):
		f.level = memory.High
	case id == "hook-ld-preload" && known && (!l.mapped && !path.IsAbs(l.library) || p.libraryInstalled(l.library)):
		f.explained = "a library that is made to be preloaded, where installed software lies"
	}
	return f
}

// libraryInstalled says whether what is mapped as a library is installed software.
func (p *process) libraryInstalled(library string) bool {
	found := false
	for i := range p.maps {
		if m := &p.maps[i]; sameLibrary(m.Path, library) {
			if found = p.installed(m); !found {
				return false
			}
		}
	}
	return found
}

// mappedPath gives the path under which a library is mapped, else its own.
func (p *process) mappedPath(library string) string {
	for _, m := range p.maps {
		if sameLibrary(m.Path, library) {
			return m.Path
		}
	}
	if path.IsAbs(library) {
		return path.Clean(library)
	}
	return ""
}

// knownPreload knows libraries that are made to be preloaded.
func knownPreload(name string) bool {
	for _, known := range []string{"libjemalloc", "libtcmalloc", "libmimalloc", "libfakeroot", "libeatmydata", "libstdbuf", "libfaketime", "libnss_wrapper",
		"libuid_wrapper", "libsocket_wrapper", "libgtk3-nocsd", "libarmmem", "libhardened_malloc", "libasan", "libtsan", "libSegFault", "libmemusage", "libpcprofile",
		"libproxychains", "libtorsocks", "libdlfaker", "libvglfaker", "libgamemodeauto", "gameoverlayrenderer", "libsnoopy", "libtrace-preload"} {
		if strings.HasPrefix(name, known) {
			return true
		}
	}
	return false
}

// hookTracer names the tracer, and what it runs.
func hookTracer(p *process) {
	pid, err := strconv.Atoi(p.status["TracerPid"])
	if err != nil || pid == 0 {
		return
	}
	by := p.other(pid)
	tracer := by.exe
	f := finding{id: "hook-tracer", seen: fmt.Sprintf("process %d (%s) traces it", pid, tracer),
		views: []memory.View{{Source: p.path("status"), Says: jsonl.Text("TracerPid: " + strconv.Itoa(pid))}}}
	if isDebugger(tracer) && by.imageInstalled() {
		f.explained = "the tracer is an installed debugger"
	}
	p.report(f)
}
