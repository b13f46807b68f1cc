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
	argv := p.argv()
	if isShell(p.exe) {
		for _, d := range p.fds {
			name, marked := strings.CutSuffix(d.target, proc.DeletedMark)
			if (d.fd == 255 || d.fd == 10) && marked && strings.HasPrefix(name, "/") {
				p.report(finding{id: "script-deleted", seen: imageName(p.exe) + " runs the script " + name + ", which has no name any more"})
				return
			}
		}
	}
	script := scriptOf(argv, isShell(p.exe))
	if script == "" {
		return
	}
	full := script
	if !path.IsAbs(full) {
		cwd, err := p.link("cwd")
		if err != nil || strings.HasSuffix(cwd, proc.DeletedMark) {
			return
		}
		full = path.Join(cwd, script)
	}
	if _, err := p.host.Lstat(p.inRoot(full)); proc.IsGone(err) {
		p.report(finding{id: "script-deleted", seen: imageName(p.exe) + " was given the script " + full + ", and nothing has that name"})
	}
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
