package indicators

import (
	"fmt"
	"path"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
)

func identityKinds() []Kind {
	return []Kind{
		{ID: "identity-kernel-thread-lookalike", Technique: "T1036.004", Level: memory.High,
			Doc: "a process of users has the name of a thread of the kernel"},
		{ID: "identity-system-name", Technique: "T1036.005", Level: memory.Medium,
			Doc:    "an image is called like a program of the system, and lies elsewhere",
			Benign: []string{"software that was installed by hand or by its own package manager"}},
		{ID: "identity-argv-mismatch", Technique: "T1036.011", Level: memory.Medium,
			Doc:    "the first argument names another program than the one that runs",
			Benign: []string{"programs may give themselves any title (setproctitle(3))", "scripts that name themselves"}},
		{ID: "identity-argv-overwritten", Technique: "T1036.011", Level: memory.Medium,
			Doc:    "the arguments are not those that the program was started with",
			Benign: []string{"daemons that show their state as a title: sshd, nginx, postgres"}},
		{ID: "identity-environ-overwritten", Technique: "T1036.011", Level: memory.Medium,
			Doc:    "the environment is not the one that the program was started with",
			Benign: []string{"a long title written over the arguments runs on into the environment"}},
		{ID: "identity-parent-broken", Technique: "T1036.009", Level: memory.Medium,
			Doc:    "the process was handed over to init or a subreaper by a parent that ended",
			Benign: []string{"daemons fork twice to leave their terminal (daemon(7))", "nohup, disown, tmux and screen"}},
	}
}

// checkIdentity compares what the process says it is with what it runs.
func checkIdentity(s *survey, p *process) {
	if p.kernelThread() || p.stat.State == "Z" || p.stat.State == "X" {
		return
	}
	argv := p.argv()
	identityPlace(p)
	if !kernelLookalike(p, argv) {
		identityTitle(p, argv)
	}
	identityStart(p)
	identityParent(p)
}

// kernelLookalike: only the kernel can set PF_KTHREAD; whoever has the name
// without it pretends. systemd's "(sd-pam)" is in round brackets, so no case of it.
func kernelLookalike(p *process, argv []string) bool {
	first := ""
	if len(argv) > 0 {
		first = argv[0]
	}
	name := p.comm
	if !kernelThreadName(name) {
		name = first
	}
	if !kernelThreadName(name) {
		return false
	}
	p.report(finding{id: "identity-kernel-thread-lookalike", seen: fmt.Sprintf("calls itself %q, which threads of the kernel are called; it is none", name),
		views: []memory.View{
			{Source: p.path("stat") + " comm", Says: jsonl.Text(p.comm)},
			{Source: p.path("cmdline"), Says: jsonl.Text(first)},
			{Source: p.path("stat") + " flags", Says: jsonl.Text(fmt.Sprintf("%#x, without PF_KTHREAD", uint64(p.stat.Field[proc.StatFlags])))},
			{Source: p.path("exe"), Says: jsonl.Text(p.exe)},
		}})
	return true
}

// identityPlace looks for an image that has a system program's name in a place
// where none belongs. What lies in a directory of packages without being in a
// package is for the check of packages.
func identityPlace(p *process) {
	name := strings.TrimSuffix(p.exe, proc.DeletedMark)
	if !systemName(path.Base(name)) || systemPlace(name) || !strings.HasPrefix(name, "/") {
		return
	}
	f := finding{id: "identity-system-name", seen: "runs " + name + ", which is called like a program of the system"}
	switch {
	case strings.HasPrefix(name, "/memfd:"), anyonesPlace(name):
		f.level = memory.High
	case addedPlace(name) && p.imageInstalled():
		f.explained = "software that was installed beside the packages lies there"
	}
	p.report(f)
}

// identityTitle compares the first argument with the image.
func identityTitle(p *process, argv []string) {
	if len(argv) == 0 || p.exe == "" || argv[0] == "" {
		return
	}
	exe := imageName(p.exe)
	word, _, _ := strings.Cut(strings.TrimPrefix(argv[0], "-"), " ")
	title := path.Base(strings.TrimSuffix(word, ":"))
	if alike(title, exe) || alike(title, p.comm) && !systemName(title) {
		return
	}
	f := finding{id: "identity-argv-mismatch", seen: fmt.Sprintf("the first argument is %q; the image is %s", clipped(argv[0]), p.exe),
		views: []memory.View{
			{Source: p.path("cmdline"), Says: jsonl.Text(clipped(argv[0]))},
			{Source: p.path("stat") + " comm", Says: jsonl.Text(p.comm)},
			{Source: p.path("exe"), Says: jsonl.Text(p.exe)},
		}}
	named, other := p.program(word, title)
	switch {
	case named && !other:
		return // a link or an applet: the same file
	case !named && !systemName(title):
		f.explained = "no program has that name; a program may give itself any title"
	}
	p.report(f)
}

// alike says whether two names of a program are one with a suffix more: sshd and
// sshd-session, python and python3.11.
func alike(a, b string) bool {
	a, b = strings.Trim(a, "()[]"), strings.Trim(b, "()[]")
	return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// program looks for the program that a first argument names: whether there is one
// (named), and whether it is another file than the running image (other). A
// script is no other program: its interpreter runs it.
func (p *process) program(word, title string) (named, other bool) {
	image, err := p.host.Stat(p.path("exe"))
	if err != nil {
		return false, false
	}
	names := []string{}
	if path.IsAbs(word) {
		names = append(names, word)
	} else {
		for _, dir := range []string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/", "/usr/lib/systemd/", "/usr/libexec/"} {
			names = append(names, dir+title)
		}
	}
	for _, name := range names {
		m, err := p.host.Stat(p.inRoot(name))
		if err != nil || !m.Regular() {
			continue
		}
		named = true
		if m.Inode == image.Inode && m.Dev == image.Dev || isInterpreter(p.exe) && p.isScript(name) {
			return true, false
		}
	}
	return named, named
}

func (p *process) isScript(name string) bool {
	f, err := p.host.OpenFollow(p.inRoot(name))
	if err != nil {
		return false
	}
	defer f.Close()
	var head [2]byte
	n, _ := f.Read(head[:])
	return string(head[:n]) == "#!"
}

// clipped bounds a text that goes into a sentence; the raw text has all of it.
func clipped(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// identityParent looks for a process whose parent is not the one that made it. A
// child is in its parent's session unless it leads its own; one that is in
// neither was handed over, to init or to a subreaper (prctl(2)), when its parent
// ended. Daemons do that too: so what it runs decides.
func identityParent(p *process) {
	session, parent := p.stat.Field[proc.StatSession], p.stat.Field[proc.StatPPID]
	if parent == 0 || session == int64(p.pid) || session == 0 {
		return
	}
	now, err := proc.ReadStat(p.host, fmt.Sprintf("/proc/%d", parent))
	if err != nil || now.Field[proc.StatSession] == session {
		return
	}
	f := finding{id: "identity-parent-broken", seen: fmt.Sprintf("its parent is %d (%s) now, which did not make it: it is in session %d", parent, clipped(now.Comm), session),
		views: []memory.View{
			{Source: p.path("stat"), Says: jsonl.Text(fmt.Sprintf("parent %d, session %d", parent, session))},
			{Source: fmt.Sprintf("/proc/%d/stat", parent), Says: jsonl.Text(fmt.Sprintf("session %d", now.Field[proc.StatSession]))},
		}}
	f.explained = whyLeft(p)
	p.report(f)
}

// whyLeft explains an installed program that runs on without its parent.
func whyLeft(p *process) string {
	name := strings.TrimSuffix(p.exe, proc.DeletedMark)
	switch {
	case name != p.exe || !p.imageInstalled():
		return ""
	case !isInterpreter(name):
		return "an installed program that left its parent, as daemons do"
	case p.stat.Field[proc.StatTTY] != 0:
		return "it still has a terminal"
	}
	return "a script that was left to run on, as nohup and disown do"
}
