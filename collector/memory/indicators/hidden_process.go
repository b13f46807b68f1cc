package indicators

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/memory"
	"hozen/packager/evidence/sorting"
)

// A pidfdAt is a descriptor by which a process holds another.
type pidfdAt struct{ pid, fd int }

// checkHiddenProcesses compares the views of processes. What it saw stands in
// memory/indicators/host/hidden-processes.txt, disagreements or none.
func checkHiddenProcesses(s *survey) {
	const item = "memory/indicators/host/hidden-processes.txt"
	same, first, err := ownPIDs(s.host)
	if err != nil || !same {
		s.otherProc(first, err)
		return
	}
	if !first {
		s.report(finding{id: "hidden-pid-namespace", object: "pid namespace", evidence: []string{item},
			seen: "this search was made in a pid namespace of its own", explained: "processes outside of it have no pid in it: no view shows them"})
	}
	f := &pidSearch{}
	sys, end, err := newPIDSystem(s.host, s.pidfds(), &f.tally)
	if err != nil {
		s.note("hidden processes", err)
		return
	}
	defer end()
	f.sys = sys
	f.search(s.ctx)
	s.putBytes("hidden-processes.txt", "/proc, system calls on every pid, control groups and others", []byte(f.summary()), f.tally.Err())
	s.reportProcesses(f, item)
}

// reportProcesses makes rows of what disagrees. A hidden process that /proc still
// shows by its number is then read as all others are, so that its raw text and
// its other indicators are had, too.
func (s *survey) reportProcesses(f *pidSearch, item string) {
	hidepid := hidepidOf(s.host)
	hiddenPIDs := map[int]bool{}
	for _, c := range f.hidden {
		hiddenPIDs[c.pid] = true
	}
	var again []int
	for _, c := range f.hidden {
		if c.thread && c.tgid != 0 && hiddenPIDs[c.tgid] {
			continue // told with its process
		}
		fd := c.finding()
		fd.evidence = []string{item}
		if hidepid != "" && !s.host.Elevated {
			fd.explained = "/proc is mounted with " + hidepid + ", and we are an ordinary user"
		}
		if c.always&byLookup != 0 && !c.thread && fd.explained == "" {
			s.hidden[c.pid] = fd
			again = append(again, c.pid)
			continue
		}
		s.report(fd)
	}
	if err := s.pass(again); err != nil {
		s.stop(err)
	}
	for _, pid := range again {
		if seen := s.seen[pid]; seen == nil || seen.err != nil { // it could not be read
			s.report(s.hidden[pid])
		}
	}
	for _, c := range f.denied {
		s.report(finding{id: "hidden-process", subject: s.subjectOf(c.pid), object: "pid " + strconv.Itoa(c.pid), evidence: []string{item},
			seen: fmt.Sprintf("readdir of /proc showed it at %d looks, and %v denied each time that it exists", c.looks, c.always),
			views: []memory.View{
				{Source: "readdir /proc", Says: "there is a process of this number"},
				{Source: c.always.String(), Says: "there is none"},
			}})
	}
}

// checkHiddenSubject notes which files the process knows, and reports what the host check found of the process that is
// being read. The host check fills s.hidden before it has processes read again.
func checkHiddenSubject(s *survey, p *process) {
	s.noteNames(p)
	if f, ok := s.hidden[p.pid]; ok {
		p.report(f)
	}
}

// finding tells of a pid that was never listed.
func (c *pidCase) finding() finding {
	f := finding{id: "hidden-process", object: "pid " + strconv.Itoa(c.pid), subject: &memory.Subject{PID: c.pid, StartTicks: c.start}}
	list, what := "readdir /proc", "process"
	if c.thread {
		f.id, list, what = "hidden-thread", "readdir of the thread lists", "thread"
		if c.tgid != 0 {
			f.object = fmt.Sprintf("thread %d of process %d", c.pid, c.tgid)
		}
		f.subject = nil
	}
	f.seen = fmt.Sprintf("a %s that %v showed before and after each of %d listings, none of which showed it", what, c.always, c.looks)
	f.views = []memory.View{
		{Source: list, Says: "there is none of this number"},
		{Source: c.always.String(), Says: "there is a process or thread of this number"},
	}
	if c.always&byAsking == 0 {
		f.level = memory.Medium // a list alone: no system call confirms it
	}
	return f
}

// subjectOf names a process as the pass saw it.
func (s *survey) subjectOf(pid int) *memory.Subject {
	if seen := s.seen[pid]; seen != nil {
		sub := seen.Subject
		return &sub
	}
	return &memory.Subject{PID: pid}
}

// pidfds are the descriptors that hold processes.
func (s *survey) pidfds() (out []pidfdAt) {
	for pid, seen := range s.seen {
		for _, d := range seen.fds {
			if d.target == "anon_inode:[pidfd]" || strings.HasPrefix(d.target, "pidfd:[") {
				out = append(out, pidfdAt{pid, d.fd})
			}
		}
	}
	sorting.By(out, func(a, b pidfdAt) int { return a.pid - b.pid })
	return out
}

// summary is the text item: how many each view showed, and what disagreed.
func (f *pidSearch) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "readdir of /proc: %d processes %s\nthread lists: %d threads\n", len(f.listed), ranges(f.listed), f.threads)
	fmt.Fprintf(&b, "views by asking: %v\n", f.sys.views)
	fmt.Fprintf(&b, "pids that the lists did not show at first: %d (born since, ended, or hidden)\n", f.cases)
	for v := pidViews(1); v != 0; v <<= 1 {
		if n := f.count[v]; n > 0 {
			fmt.Fprintf(&b, "  shown by %v: %d\n", v, n)
		}
	}
	if f.left != "" {
		b.WriteString("not asked: " + f.left)
	}
	fmt.Fprintf(&b, "hidden after %d looks: %d\n", pidLooks, len(f.hidden))
	for _, c := range f.hidden {
		fmt.Fprintf(&b, "  pid %d start %d thread group %d looks %d always shown by: %v; first named by: %v\n", c.pid, c.start, c.tgid, c.looks, c.always, c.named)
	}
	fmt.Fprintf(&b, "listed and denied at %d looks: %d\n", pidLooks, len(f.denied))
	for _, c := range f.denied {
		fmt.Fprintf(&b, "  pid %d denied by: %v\n", c.pid, c.always)
	}
	return b.String()
}

// ranges writes numbers compactly: "[1-40 52 60-61]".
func ranges(pids []int) string {
	pids = slices.Sorted(slices.Values(pids))
	b := []byte{'['}
	for i := 0; i < len(pids); {
		j := i
		for j+1 < len(pids) && pids[j+1] == pids[j]+1 {
			j++
		}
		if i > 0 {
			b = append(b, ' ')
		}
		if b = strconv.AppendInt(b, int64(pids[i]), 10); j > i {
			b = strconv.AppendInt(append(b, '-'), int64(pids[j]), 10)
		}
		i = j + 1
	}
	return string(append(b, ']'))
}
