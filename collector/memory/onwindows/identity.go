package onwindows

import (
	"fmt"
	"path"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
)

func identityKinds() []indicators.Kind {
	return []indicators.Kind{
		{ID: "identity-system-name", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "an image is called like a program of the system, and lies elsewhere",
			Benign: []string{"programs that bring tools such as curl, tar or ssh with them"}},
		{ID: "identity-system-parent", Technique: "T1036.005", Level: memory.Medium,
			Doc: "a program of the system was started by another one than the one that alone starts it"},
		{ID: "identity-path-differs", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "the process says that its image is another file than the kernel says",
			Benign: []string{"short names of directories (PROGRA~1); links"}},
		{ID: "identity-command-line", Technique: "T1564.010", Level: memory.Medium,
			Doc:    "the command line that the process shows is not the one that it began with",
			Benign: []string{"programs that hide a password that was given to them"}},
		{ID: "identity-command-encoded", Technique: "T1059.001", Level: memory.Medium,
			Doc:    "PowerShell runs a command that was given to it encoded",
			Benign: []string{"management software encodes commands so that no quotation marks are lost"}},
		{ID: "identity-parent-younger", Technique: "T1134.004", Level: memory.Low,
			Doc:    "the process that is named as the parent began later",
			Benign: []string{"the parent has ended, and its number was given away again"}},
		{ID: "identity-parent-other", Technique: "T1134.004", Level: memory.Medium,
			Doc:    "another process than its parent holds what only the creator of a process is given",
			Benign: []string{"debuggers and sandboxes; launchers that start programs on behalf of others (elevation, run as)"}},
	}
}

// checkIdentity compares what a process says it is with what the kernel says.
func checkIdentity(p *process) {
	name := firstOf(p.path, p.kernelPath)
	if name == "" {
		return
	}
	identityPlace(p, name)
	if p.params.ImagePath != "" {
		identityPath(p, name)
	}
	identityCommand(p)
	identityEncoded(p, name)
}

// identityPlace looks for programs that are called like one of the system's.
func identityPlace(p *process, name string) {
	if p.s.places.system(name) || !strings.HasSuffix(fold(name), ".exe") {
		return
	}
	theirs := ""
	for _, dir := range []string{`\System32\`, `\`} {
		other := p.s.places.windows + dir + base(name)
		if _, err := p.s.host.Lstat(path.Clean(hostName(other))); err == nil && !sameName(other, name) {
			theirs = other
			break
		}
	}
	if below(name, p.s.places.windows) && p.s.places.installed(name) || theirs == "" {
		return
	}
	f := finding{id: "identity-system-name", seen: clipped(name) + " is called like " + theirs,
		views: []memory.View{{Source: "kernel", Says: jsonl.Text(name)}, {Source: "the system's", Says: jsonl.Text(theirs)}}}
	f.views = append(f.views, p.s.signatureViews(name)...)
	switch {
	case p.s.places.installed(name):
		f.explained = "it lies where only administrators write"
	case p.s.places.anyones(name):
		f.level = memory.High
	}
	p.report(f)
}

// identityPath compares the path in the process's own memory with the kernel's.
func identityPath(p *process, name string) {
	says := p.params.ImagePath
	if sameName(says, name) || p.kernelPath != "" && sameName(says, p.kernelPath) || sameName(p.s.win32(says), name) {
		return
	}
	f := finding{id: "identity-path-differs", seen: "says that it is " + clipped(says) + "; the kernel says " + clipped(name),
		views: []memory.View{{Source: "PEB ImagePathName", Says: jsonl.Text(says)}, {Source: "kernel", Says: jsonl.Text(name)}}}
	if p.sameFile(says, name) {
		f.explained = "both names lead to the same file"
	}
	p.report(f)
}

// identityEncoded looks for commands that PowerShell was given encoded.
func identityEncoded(p *process, name string) {
	if n := fold(base(name)); n != "powershell.exe" && n != "pwsh.exe" {
		return
	}
	for _, word := range strings.Fields(p.params.CommandLine) {
		w := fold(strings.TrimLeft(word, "-/\u2013\u2014\u2015"))
		// PowerShell takes any beginning of EncodedCommand, and ec (about_PowerShell_exe).
		if w != fold(word) && (w == "ec" || w == "e" || len(w) >= 2 && strings.HasPrefix("encodedcommand", w)) {
			p.report(finding{id: "identity-command-encoded", seen: "its command line is " + clipped(p.params.CommandLine)})
			return
		}
	}
}

// parents: which program alone starts which, on Windows 10 and later (Microsoft's
// documentation of Winlogon, the Session Manager and services.msc; "Windows Internals",
// part 1, chapter 2).
func onlyParent(name string) string {
	switch fold(name) {
	case "svchost.exe", "spoolsv.exe":
		return "services.exe"
	case "services.exe", "lsass.exe", "lsaiso.exe", "lsm.exe":
		return "wininit.exe"
	}
	return ""
}

// checkParents looks at who made whom.
func checkParents(s *survey) {
	for _, p := range s.processes {
		was := s.seen[p.PID]
		if was == nil || p.PID <= 4 || p.Parent == 0 {
			continue
		}
		parent, ok := s.process(p.Parent)
		switch {
		case !ok:
		case parent.Created > p.Created && p.Created != 0:
			s.report(finding{id: "identity-parent-younger", subject: was.subject(), seen: fmt.Sprintf("its parent is %d (%s), which began later", parent.PID, parent.Name),
				explained: "its parent has ended, and the number was given away again",
				evidence:  []string{s.listMember()},
				views: []memory.View{{Source: "create time", Says: jsonl.Text(stamp(p.Created))},
					{Source: fmt.Sprintf("create time of %d", parent.PID), Says: jsonl.Text(stamp(parent.Created))}}})
		case onlyParent(p.Name) != "" && s.places.system(was.path) && !strings.EqualFold(parent.Name, onlyParent(p.Name)):
			s.report(finding{id: "identity-system-parent", subject: was.subject(), seen: fmt.Sprintf("%s was started by %d (%s); on Windows %s alone starts it", p.Name, parent.PID, clipped(parent.Name), onlyParent(p.Name)),
				evidence: []string{s.listMember()}})
		}
		checkCreator(s, was)
	}
}

// The rights that CreateProcess gives its caller (winnt.h: PROCESS_ALL_ACCESS).
const processAllAccess = 0x1fffff

// checkCreator looks for a process that holds the creator's handle of another one whose
// parent it is not, while the parent holds none. A system that does not tell who holds
// what gives no handles, and no finding.
func checkCreator(s *survey, was *summary) {
	var other *summary
	for _, h := range s.held {
		if h.target != was.info.PID || h.access != processAllAccess || h.holder == was.info.PID {
			continue
		}
		holder := s.seen[h.holder]
		switch {
		case h.holder == was.info.Parent || holder == nil:
			return // the parent holds it, as it should be
		case holder.info.Created <= was.info.Created && !holder.unreadable && !s.isSystem(holder):
			other = holder
		}
	}
	parent, ok := s.process(was.info.Parent)
	if other == nil || !ok || parent.Created > was.info.Created || descends(s, other.info.PID, was.info.PID) {
		return
	}
	s.report(finding{id: "identity-parent-other", subject: was.subject(), evidence: []string{s.heldMember()},
		seen: fmt.Sprintf("its parent is said to be %d (%s), which holds no handle to it; %d (%s) holds the one that its creator was given", parent.PID, clipped(parent.Name), other.info.PID, clipped(other.info.Name)),
		views: []memory.View{{Source: "parent", Says: jsonl.Text(fmt.Sprintf("%d %s", parent.PID, parent.Name))},
			{Source: "holder of a handle with all rights", Says: jsonl.Text(fmt.Sprintf("%d %s", other.info.PID, other.path))}}})
}

// descends says whether a process is below another one.
func descends(s *survey, pid, from uint32) bool {
	for range 64 {
		p, ok := s.process(pid)
		if !ok || p.Parent == 0 || p.Parent == pid {
			return false
		}
		if pid = p.Parent; pid == from {
			return true
		}
	}
	return false
}

// isSystem says whether a process is one of the system's own: a program of the
// system's directory that runs as SYSTEM and is what lies there. The programs by which
// anything can be run there are none.
func (s *survey) isSystem(p *summary) bool {
	if p.info.PID <= 4 || p.protected {
		return true
	}
	switch fold(base(p.path)) {
	case "csrss.exe", "smss.exe", "wininit.exe", "winlogon.exe", "services.exe", "lsass.exe", "svchost.exe", "lsm.exe":
		return p.installed && s.places.system(p.path) && p.sid == "S-1-5-18"
	}
	return false
}
