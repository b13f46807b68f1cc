package indicators

import (
	"path"
	"strings"

	"hozen/collector/proc"
)

// checkScript looks for an interpreter whose script has no name any more. Shells
// keep it open (bash at 255, dash at 10); others read it and close it, so that
// only their arguments tell its name.
func checkScript(p *process) {
	if !isInterpreter(p.exe) {
		return
	}
	script := scriptOf(p.argv(), isShell(p.exe))
	if isShell(p.exe) {
		for _, d := range p.fds {
			name, marked := strings.CutSuffix(d.target, proc.DeletedMark)
			switch {
			case d.fd != 255 && d.fd != 10 || !strings.HasPrefix(name, "/"):
			case marked:
				p.report(finding{id: "script-deleted", seen: imageName(p.exe) + " runs the script " + name + ", which has no name any more"})
				return
			case path.Base(name) == path.Base(script):
				return // it has its script open, under a name that leads there
			}
		}
	}
	if script == "" {
		return
	}
	cwd := ""
	if !path.IsAbs(script) {
		var err error
		if cwd, err = p.link("cwd"); err != nil || strings.HasSuffix(cwd, proc.DeletedMark) {
			return
		}
	}
	names, sure := scriptNames(script, cwd, p.environ)
	for _, name := range names {
		if _, err := p.host.Lstat(p.inRoot(name)); !proc.IsGone(err) {
			return
		}
	}
	f := finding{id: "script-deleted", seen: imageName(p.exe) + " was given the script " + names[0] + ", and nothing has that name"}
	if !sure {
		f.explained = "its name is relative, and the process may have changed its directory since"
	}
	p.report(f)
}

// scriptNames gives the names that a script may have that was given by this one: a
// relative name is below the directory in which the process began, which is the one
// where it is now, unless it left, or PWD, if a shell began it. It is sure if it
// must be one of them.
func scriptNames(script, cwd string, environ []byte) (names []string, sure bool) {
	if path.IsAbs(script) {
		return []string{script}, true
	}
	names = []string{path.Join(cwd, script)}
	for variable := range strings.SplitSeq(string(environ), "\x00") {
		if began, ok := strings.CutPrefix(variable, "PWD="); ok && path.IsAbs(began) {
			return append(names, path.Join(began, script)), true
		}
	}
	return names, false
}

// scriptOf gives the argument that names the script of an interpreter: the first
// that is no option. Where an option may take it as its value, there is none.
func scriptOf(argv []string, shell bool) string {
	alone := "uBOsSIqwTtv" // options without a value of python, perl, ruby and others
	if shell {
		alone = "aefhiklmnrtuvxBCEHPT"
	}
	for i, a := range argv {
		switch {
		case i == 0:
		case a == "" || a == "-" || strings.HasPrefix(a, "--"):
			return ""
		case a[0] == '-':
			if strings.Trim(a[1:], alone) != "" {
				return ""
			}
		case strings.ContainsAny(a, " \n;|&="):
			return "" // a program, or a title
		default:
			return a
		}
	}
	return ""
}
