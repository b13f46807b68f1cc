package onwindows

import "strings"

// Names of files here are those that programs know: C:\Windows\System32\x.dll, in WTF-8.

// fold makes names comparable as Windows compares them, for ASCII.
func fold(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
		if c == '/' {
			b[i] = '\\'
		}
	}
	return string(b)
}

// base gives the last part of a name.
func base(name string) string { return name[strings.LastIndexAny(name, `\/`)+1:] }

// parent gives a name without its last part and the separator.
func parent(name string) string { return name[:max(0, strings.LastIndexAny(name, `\/`))] }

// onDrive says whether a name is one that programs know, from a drive or a share on:
// names of the kernel that lead to no drive letter cannot be compared with such.
func onDrive(name string) bool {
	return len(name) > 2 && name[1] == ':' || strings.HasPrefix(name, `\\`)
}

// below says whether a name lies below a directory, in any case of letters.
func below(name, dir string) bool {
	name, dir = fold(name), fold(strings.TrimRight(dir, `\`))
	return dir != "" && strings.HasPrefix(name, dir+`\`)
}

// places are the directories of a host in which only administrators write, and those
// in which everybody does.
type places struct {
	windows  string   // C:\Windows
	programs []string // C:\Program Files, …
}

// system says whether a file lies in the directory of system programs, or in one for
// programs of another width.
func (p places) system(name string) bool {
	for _, dir := range []string{`\System32`, `\SysWOW64`, `\SysArm32`, `\SyChpe32`, `\Sysnative`} {
		if strings.EqualFold(parent(name), p.windows+dir) {
			return true
		}
	}
	return false
}

// installed says whether only administrators can have put a file where it lies. In
// \Windows a few directories are open to all.
func (p places) installed(name string) bool {
	for _, dir := range []string{`\Temp`, `\Tasks`, `\Tracing`, `\System32\Tasks`, `\System32\spool\drivers\color`, `\SysWOW64\Tasks`, `\System32\Microsoft\Crypto\RSA\MachineKeys`, `\Registration\CRMLog`, `\System32\com\dmp`, `\System32\FxsTmp`, `\debug\WIA`, `\ServiceProfiles`} {
		if below(name, p.windows+dir) {
			return false
		}
	}
	for _, dir := range append([]string{p.windows}, p.programs...) {
		if below(name, dir) {
			return true
		}
	}
	return false
}

// anyones says whether everybody can put a file there: places for temporary files, of
// users, or shared by all.
func (p places) anyones(name string) bool {
	if p.installed(name) {
		return false
	}
	folded := fold(name)
	for _, part := range []string{`\temp\`, `\tmp\`, `\users\`, `\perflogs\`, `\$recycle.bin\`, `\programdata\`, `\windows\tasks\`, `\windows\tracing\`, `\recycler\`} {
		if strings.Contains(folded, part) {
			return true
		}
	}
	return false
}
