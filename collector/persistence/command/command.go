// Package command reads command lines and paths as Windows does when it starts a
// program, a driver or a DLL from the registry: with quotes and without them (where a
// blank may end the program's name at several places), with %NAME% in it, with the
// kernel's names (\SystemRoot\, \??\), and with programs whose work is another file
// (rundll32, regsvr32, script hosts). It asks no system: who calls it looks which of
// the paths are there.
//
// Begin with Parse; Env has the variables of the examined system.
package command

import (
	"path"
	"strings"
)

// maxCandidates bounds the places at which an unquoted line may end its program's name.
const maxCandidates = 16

// A Line is a command line, taken apart.
type Line struct {
	// Images are the programs that CreateProcess would try, in its order: one if the name
	// is quoted or has no blank in it (CreateProcessW, lpApplicationName being NULL).
	Images []string
	// Arguments is what follows each of them.
	Arguments []string
	Quoted    bool
}

// Parse takes a command line apart. %NAME% is left as it is: expand it before, as Windows does.
func Parse(s string) Line {
	s = strings.TrimLeft(s, " \t")
	if rest, ok := strings.CutPrefix(s, `"`); ok {
		image, arguments, _ := strings.Cut(rest, `"`)
		return Line{Images: []string{image}, Arguments: []string{strings.TrimLeft(arguments, " \t")}, Quoted: true}
	}
	var l Line
	for at := 0; at <= len(s) && len(l.Images) < maxCandidates; at++ {
		if at < len(s) && s[at] != ' ' && s[at] != '\t' {
			continue
		}
		if at > 0 && s[at-1] != ' ' && s[at-1] != '\t' {
			l.Images = append(l.Images, s[:at])
			l.Arguments = append(l.Arguments, strings.TrimLeft(s[at:], " \t"))
		}
	}
	return l
}

// Env are variables of the environment, by their names in upper case.
type Env map[string]string

// Expand replaces %NAME% by its value; names that are not known stay.
func (e Env) Expand(s string) string {
	var out strings.Builder
	for out.Len() < maxExpanded {
		before, rest, ok := strings.Cut(s, "%")
		out.WriteString(before)
		if !ok {
			break
		}
		name, after, ok := strings.Cut(rest, "%")
		if !ok {
			out.WriteString("%" + rest)
			break
		}
		if v, known := e[strings.ToUpper(name)]; known {
			out.WriteString(v)
			s = after
			continue
		}
		out.WriteString("%" + name)
		s = rest[len(name):] // its second mark may be the first of another
	}
	return out.String()[:min(out.Len(), maxExpanded)]
}

// maxExpanded bounds an expanded text; Windows' own has at most 32767 characters
// (ExpandEnvironmentStrings). A name of a few bytes may stand for a text of megabytes.
const maxExpanded = 128 << 10

// With gives the variables with those of one user in addition.
func (e Env) With(more Env) Env {
	out := make(Env, len(e)+len(more))
	for _, m := range []Env{e, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// System gives the variables of a system that follow from where Windows is
// (`C:\Windows`), as Windows sets them up.
func System(root string) Env {
	drive := "C:"
	if len(root) >= 2 && root[1] == ':' {
		drive = root[:2]
	}
	return Env{
		"SYSTEMROOT": root, "WINDIR": root, "SYSTEMDRIVE": drive, "COMSPEC": root + `\system32\cmd.exe`,
		"PROGRAMFILES": drive + `\Program Files`, "PROGRAMW6432": drive + `\Program Files`, "PROGRAMFILES(X86)": drive + `\Program Files (x86)`,
		"COMMONPROGRAMFILES": drive + `\Program Files\Common Files`, "COMMONPROGRAMW6432": drive + `\Program Files\Common Files`,
		"COMMONPROGRAMFILES(X86)": drive + `\Program Files (x86)\Common Files`,
		"PROGRAMDATA":             drive + `\ProgramData`, "ALLUSERSPROFILE": drive + `\ProgramData`, "PUBLIC": drive + `\Users\Public`,
		"TEMP": root + `\TEMP`, "TMP": root + `\TEMP`,
	}
}

// User gives the variables of a user whose profile is a directory.
func User(profile string) Env {
	if profile == "" {
		return nil
	}
	local := profile + `\AppData\Local`
	return Env{"USERPROFILE": profile, "APPDATA": profile + `\AppData\Roaming`, "LOCALAPPDATA": local, "TEMP": local + `\Temp`, "TMP": local + `\Temp`}
}

// Paths gives the full paths that a program's or DLL's name may mean, in the order in
// which Windows looks: with the ending that it adds where the name has none. wow says
// that a 32-bit program looks.
func (e Env) Paths(name, ending string, wow bool) []string {
	name = Plain(e.Expand(strings.Trim(strings.TrimSpace(name), `"`)), e["SYSTEMROOT"])
	if name == "" {
		return nil
	}
	name = strings.ReplaceAll(name, "/", `\`)
	endings := []string{""}
	if ending != "" && path.Ext(strings.ReplaceAll(name, `\`, "/")) == "" {
		endings = []string{ending, ""}
	}
	root := e["SYSTEMROOT"]
	var dirs []string
	switch {
	case len(name) > 2 && name[1] == ':' || strings.HasPrefix(name, `\\`):
		dirs = []string{""}
	case strings.HasPrefix(name, `\`):
		dirs = []string{e["SYSTEMDRIVE"]}
	case wow:
		dirs = []string{root + `\SysWOW64\`, root + `\System32\`, root + `\`, root + `\System32\wbem\`}
	default:
		dirs = []string{root + `\System32\`, root + `\`, root + `\System32\wbem\`, root + `\System32\WindowsPowerShell\v1.0\`}
	}
	var out []string
	for _, dir := range dirs {
		for _, end := range endings {
			p := dir + name + end
			if wow && dir == "" {
				p = redirect(p, root)
			}
			out = append(out, p)
		}
	}
	return out
}

// redirect is what the file system does for a 32-bit program ("File System Redirector").
func redirect(p, root string) string {
	prefix := root + `\System32\`
	if len(p) > len(prefix) && strings.EqualFold(p[:len(prefix)], prefix) {
		return root + `\SysWOW64\` + p[len(prefix):]
	}
	return p
}

// Plain turns the kernel's names into those of programs: \??\C:\x and \\?\C:\x into
// C:\x, \SystemRoot\x into C:\Windows\x.
func Plain(p, root string) string {
	for _, prefix := range []string{`\??\`, `\\?\`, `\\.\`, `\GLOBAL??\`, `\DosDevices\`} {
		if len(p) > len(prefix) && strings.EqualFold(p[:len(prefix)], prefix) {
			p = p[len(prefix):]
			if len(p) > 4 && strings.EqualFold(p[:4], `UNC\`) {
				return `\` + p[3:]
			}
			break
		}
	}
	const systemRoot = `\SystemRoot\`
	if len(p) > len(systemRoot) && strings.EqualFold(p[:len(systemRoot)], systemRoot) {
		return root + `\` + p[len(systemRoot):]
	}
	return p
}

// Driver gives the path of a driver as the kernel finds it: ImagePath below the Windows
// directory if it has no root, System32\drivers\NAME.sys if there is none.
func (e Env) Driver(imagePath, name string) string {
	root := e["SYSTEMROOT"]
	p := strings.Trim(strings.TrimSpace(e.Expand(imagePath)), `"`)
	switch p = Plain(strings.ReplaceAll(p, "/", `\`), root); {
	case p == "":
		return root + `\System32\drivers\` + name + ".sys"
	case len(p) > 2 && p[1] == ':' || strings.HasPrefix(p, `\\`):
		return p
	case strings.HasPrefix(p, `\`):
		return p // an object's name that we cannot follow: \Device\…
	}
	return root + `\` + p
}
