package indicators

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
)

// preloadFile is read by the dynamic linker before every program (ld.so(8)).
const preloadFile = "/etc/ld.so.preload"

// checkHookHost looks for what hooks every process, and for memory that somebody
// else has open.
func checkHookHost(s *survey) {
	hookPreloadFile(s)
	hookMemoryHeld(s)
}

func hookPreloadFile(s *survey) {
	text, err := s.host.ReadFile(preloadFile, limitText)
	if proc.IsGone(err) {
		return
	}
	member := s.putBytes("ld.so.preload", preloadFile, text, err)
	libraries := preloadLibraries(string(text))
	if len(libraries) == 0 && err == nil {
		return
	}
	f := finding{id: "hook-ld-so-preload", object: preloadFile, evidence: []string{member},
		seen: fmt.Sprintf("%s names %d libraries: %s", preloadFile, len(libraries), clipped(strings.Join(libraries, " ")))}
	if len(libraries) > 0 && !slices.ContainsFunc(libraries, func(l string) bool { return !systemPlace(l) || !strings.Contains(l, "libarmmem") }) {
		f.explained = "Raspberry Pi OS names this library there"
	}
	f.views = append(f.views, memory.View{Source: preloadFile, Says: jsonl.Text(clipped(string(text)))})
	for _, l := range libraries {
		n := s.mappedBy(l)
		f.views = append(f.views, memory.View{Source: "/proc/PID/maps", Says: jsonl.Text(fmt.Sprintf("%d of %d processes have %s mapped", n, len(s.seen), l))})
	}
	s.report(f)
}

// preloadLibraries reads the file as ld.so does: names between blanks, colons and
// newlines; # begins a comment.
func preloadLibraries(text string) (out []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		out = append(out, strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\n:", r) })...)
	}
	return out[:min(len(out), 64)]
}

// mappedBy counts the processes that have a library mapped. It reads their maps
// again: this is asked only where the file is there.
func (s *survey) mappedBy(library string) (n int) {
	for pid := range s.seen {
		if s.ctx.Err() != nil {
			return n
		}
		text, _ := s.host.ReadFile("/proc/"+strconv.Itoa(pid)+"/maps", limitMaps)
		for line := range strings.Lines(string(text)) {
			if i := strings.IndexByte(line, '/'); i > 0 && sameLibrary(strings.TrimSuffix(line[i:], "\n"), library) {
				n++
				break
			}
		}
	}
	return n
}

// hookMemoryHeld looks among the open files of all processes for the memory of
// another one, and for that of the machine.
func hookMemoryHeld(s *survey) {
	for _, holder := range s.bySeen() {
		for _, d := range holder.fds {
			if rest, ok := strings.CutPrefix(d.target, "/proc/"); ok {
				s.heldProcess(holder, d, rest)
			}
			switch d.target {
			case "/dev/mem", "/dev/kmem", "/dev/crash", "/proc/kcore":
				s.report(finding{id: "hook-memory-held", object: d.target, subject: &holder.Subject, evidence: s.prove(holder.PID),
					seen: fmt.Sprintf("has %s, the memory of the machine, open as descriptor %d", d.target, d.fd), explained: ownHand(holder)})
			}
		}
	}
}

func (s *survey) heldProcess(holder *summary, d descriptor, rest string) {
	number, file, _ := strings.Cut(rest, "/")
	pid, err := strconv.Atoi(number)
	if err != nil || pid == holder.PID {
		return
	}
	if i := strings.LastIndexByte(file, '/'); i >= 0 && strings.HasPrefix(file, "task/") {
		file = file[i+1:]
	}
	if file != "mem" {
		return
	}
	f := finding{id: "hook-memory-held", object: "pid " + number, subject: &holder.Subject, evidence: s.prove(holder.PID),
		seen: fmt.Sprintf("has the memory of process %d open as descriptor %d", pid, d.fd), explained: ownHand(holder),
		views: []memory.View{{Source: fmt.Sprintf("/proc/%d/fd/%d", holder.PID, d.fd), Says: jsonl.Text(d.target)}}}
	if isDebugger(string(holder.Exe)) && holder.installed {
		f.explained = "the holder is an installed debugger"
	}
	s.report(f)
}
