package indicators

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A procMount is a mount on /proc or below it that calls for a row.
type procMount struct {
	proc.Mount
	pid       int // on whose directory, or on something in it; 0: on another part of /proc
	explained string
	level     memory.Level
}

// checkHiddenMounts looks at what is mounted on /proc.
func checkHiddenMounts(s *survey) {
	text, name, err := proc.OwnMountinfo(s.host)
	mounts, bad, why := proc.ParseMounts(string(text))
	if bad > 0 && err == nil {
		err = fmt.Errorf("%d lines not understood: %w", bad, why)
	}
	found := mountsOnProc(mounts)
	hidepid := hidepidIn(mounts)
	if len(found) == 0 && hidepid == "" {
		s.note(name, err)
		return
	}
	member := s.putBytes("mountinfo.txt", name, text, err)
	for _, m := range found {
		s.report(s.mountFinding(m, member))
	}
	if hidepid != "" {
		s.report(finding{id: "hidden-by-hidepid", object: "mount /proc", seen: "/proc is mounted with " + hidepid, evidence: []string{member},
			explained: "a setting by which ordinary users see their own processes only"})
	}
}

func (s *survey) mountFinding(m procMount, member string) finding {
	f := finding{id: "hidden-by-mount", object: "mount " + m.Point, level: m.level, explained: m.explained, evidence: []string{member}}
	f.seen = fmt.Sprintf("%s (%s, its directory %s) is mounted on %s", m.Type, m.Source, m.Root, m.Point)
	f.views = []memory.View{{Source: "/proc/self/mountinfo", Says: "a mount on it: " + jsonl.Text(m.Type+" "+m.Root)}}
	if m.pid == 0 {
		return f
	}
	f.subject = s.subjectOf(m.pid)
	if f.subject.StartTicks == 0 {
		s.beneath(m.pid, f.subject, &f)
	}
	return f
}

// beneath finds out what it can of a process whose directory is covered, without
// touching the mounts: each of its threads has a directory of its own in /proc,
// by its number (proc(5)), which is not covered; threads tell their process.
func (s *survey) beneath(pid int, sub *memory.Subject, f *finding) {
	f.views = append(f.views, memory.View{Source: "lookup of /proc/" + strconv.Itoa(pid), Says: "leads into another file system"})
	parents := childrenOf(s)
	if parent, ok := parents[pid]; ok {
		f.views = append(f.views, memory.View{Source: fmt.Sprintf("/proc/%d/task/%d/children", parent, parent), Says: "it is a child of that process"})
	}
	open, end, err := proc.Open(s.host)
	if err != nil {
		return
	}
	defer end()
	dir := open()
	for tid := pid + 1; tid <= pid+256; tid++ { // threads are most often numbered after their process
		d, err := dir(tid)
		if err != nil {
			continue
		}
		status, _ := d.Get(nil, "status", false, limitText)
		exe, _ := d.Get(nil, "exe", true, limitText)
		d.Close()
		tgid, comm := 0, ""
		proc.EachLine(string(status), func(key, value string) {
			switch key {
			case "Tgid":
				tgid, _ = strconv.Atoi(value)
			case "Name":
				comm = value
			}
		})
		if tgid == pid {
			sub.Comm, sub.Exe = jsonl.Text(comm), jsonl.Text(string(exe))
			f.views = append(f.views, memory.View{Source: fmt.Sprintf("/proc/%d/status", tid), Says: jsonl.Text("a thread of it, " + comm)})
			return
		}
	}
}

// childrenOf reads which processes the listed ones have as children; the parent
// is given by child.
func childrenOf(s *survey) map[int]int {
	out := map[int]int{}
	open, end, err := proc.Open(s.host)
	if err != nil {
		return out
	}
	defer end()
	dir := open()
	for pid := range s.seen {
		d, err := dir(pid)
		if err != nil {
			continue
		}
		text, _ := d.Get(nil, "task/"+strconv.Itoa(pid)+"/children", false, limitText)
		d.Close()
		eachNumber(text, func(child int) { out[child] = pid })
	}
	return out
}

// mountsOnProc gives the mounts that hide something of /proc, of ours.
func mountsOnProc(mounts []proc.Mount) (out []procMount) {
	first := true
	for _, m := range mounts {
		if m.Point == "/proc" {
			switch {
			case m.Type != "proc":
				out = append(out, procMount{Mount: m, level: memory.High})
			case m.Root != "/":
				out = append(out, procMount{Mount: m, level: memory.High})
			case !first:
				out = append(out, procMount{Mount: m, explained: "a second procfs on /proc; whether it shows our processes is checked apart"})
			}
			first = false
			continue
		}
		rest, ok := strings.CutPrefix(m.Point, "/proc/")
		if !ok {
			continue
		}
		name, _, below := strings.Cut(rest, "/")
		pid, isPID := proc.Number([]byte(name))
		switch {
		case isPID && pid <= math.MaxInt32 || name == "self" || name == "thread-self":
			p := procMount{Mount: m, pid: int(pid), level: memory.High}
			out = append(out, p)
		case !below && slices.Contains([]string{"modules", "mounts", "net", "kallsyms"}, name):
			out = append(out, procMount{Mount: m, level: memory.Medium})
		default:
			out = append(out, procMount{Mount: m, explained: explainedMount(m)})
		}
	}
	return slices.DeleteFunc(out, func(m procMount) bool { return m.explained == everyday })
}

// everyday marks a mount that every machine has, and gives no row.
const everyday = "-"

func explainedMount(m proc.Mount) string {
	switch {
	case m.Type == "binfmt_misc" || m.Type == "autofs" && m.Point == "/proc/sys/fs/binfmt_misc" || m.Type == "nfsd":
		return everyday
	case m.Type == "proc":
		return "container runtimes mount parts of /proc on themselves, to be read only"
	case strings.HasPrefix(m.Type, "fuse") && strings.Contains(m.Type+m.Source, "lxcfs"):
		return "lxcfs shows a container its own share of the machine"
	case m.Type == "tmpfs" || m.Type == "devtmpfs" || m.Type == "overlay":
		return "container runtimes cover parts of /proc that tell of the whole machine (kcore, timer_list, scsi, …)"
	}
	return "on no process, nor on a list of the kernel that these checks use"
}

// hidepidIn gives the option by which the /proc on top hides processes; "" if none does.
func hidepidIn(mounts []proc.Mount) (option string) {
	for _, m := range mounts {
		if m.Point != "/proc" {
			continue
		}
		option = ""
		for _, o := range strings.Split(m.Options+","+m.Super, ",") {
			if v, ok := strings.CutPrefix(o, "hidepid="); ok && v != "0" && v != "off" {
				option = o
			}
		}
	}
	return option
}

func hidepidOf(h *collector.Host) string {
	text, _, _ := proc.OwnMountinfo(h)
	mounts, _, _ := proc.ParseMounts(string(text))
	return hidepidIn(mounts)
}

// otherProc is told where /proc does not show our own pid namespace: then the
// views of processes speak of different things and are not compared.
func (s *survey) otherProc(first bool, err error) {
	text, name, merr := proc.OwnMountinfo(s.host)
	member := s.putBytes("proc-of-others.txt", name, text, merr)
	s.note("hidden processes", evidence.Cut("not compared: /proc does not show our own pid namespace (%v)", err))
	f := finding{id: "hidden-by-mount", object: "mount /proc", evidence: []string{member},
		seen: "what is mounted on /proc does not show this process under its number"}
	if err != nil {
		f.seen += ": " + err.Error()
	}
	if err == nil && !first {
		f.explained = "we run in a pid namespace whose /proc is that of another"
	}
	s.report(f)
}
