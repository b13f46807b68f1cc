package artifact

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Lint says what is against the style of definitions, or will never find anything,
// though Parse reads it; nothing if all is well. It looks at one definition alone:
// what a group's members are is for NewSet.
func Lint(d Definition) []string {
	l := &linter{}
	l.head(&d)
	for i := range d.Sources {
		s := &d.Sources[i]
		l.where = fmt.Sprintf("line %d: ", s.Line)
		l.source(&d, s)
	}
	return l.found
}

type linter struct {
	where string
	found []string
}

func (l *linter) say(format string, a ...any) {
	l.found = append(l.found, l.where+fmt.Sprintf(format, a...))
}

func (l *linter) head(d *Definition) {
	camel := regexp.MustCompile(`^(iOS)?[A-Z][A-Za-z0-9]*$`)
	for _, name := range append([]string{d.Name}, d.Aliases...) {
		if !camel.MatchString(name) {
			l.say("name %q: not CamelCase of letters and digits", name)
		}
	}
	doc := strings.TrimRight(d.Doc, "\n")
	lines := strings.Split(doc, "\n")
	switch {
	case strings.TrimSpace(doc) != doc:
		l.say("doc begins or ends with a blank")
	case !strings.HasSuffix(doc, "."):
		l.say("doc does not end with a period")
	case !strings.HasSuffix(lines[0], "."):
		l.say("the first line of doc is not a sentence of its own")
	case len(lines) > 1 && lines[1] != "":
		l.say("doc has no empty line after its first line")
	}
	if len(d.SupportedOS) == 0 {
		l.say("no supported_os: say for which systems it is")
	}
	for _, url := range d.URLs {
		if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
			l.say("url %q: neither https:// nor http://", url)
		}
	}
	if d.Labels != nil || d.Conditions != nil || d.Provides != nil {
		l.say("labels, conditions and provides are of older versions of the format, and without effect")
	}
	for _, system := range d.SupportedOS {
		if !slices.ContainsFunc(d.Sources, func(s Source) bool { return s.For(system) }) {
			l.say("supported_os has %s, but none of the sources is for it", system)
		}
	}
}

func (l *linter) source(d *Definition, s *Source) {
	if s.Conditions != nil || s.Provides != nil || s.ReturnedTypes != nil {
		l.say("conditions, provides and returned_types are of older versions of the format, and without effect")
	}
	for _, system := range s.SupportedOS {
		if !d.For(system) {
			l.say("a source is for %s, but the definition is not", system)
		}
	}
	switch s.Type {
	case Command, WMI:
		l.say("%s: definitions name what to take, and never carry commands", s.Type)
	case File, Path, Directory:
		l.once("path", s.Paths)
		for _, path := range s.Paths {
			l.path(d, s, path)
		}
	case RegistryKey, RegistryValue:
		l.once("key", s.Keys)
		for _, key := range keysOf(s) {
			if _, err := HivesOf(key); err != nil {
				l.say("%v", err)
			}
			l.variables(key)
		}
		if s.For(Linux) && d.For(Linux) || s.For(Darwin) && d.For(Darwin) {
			l.say("%s: a source of the registry must be for Windows alone", s.Type)
		}
	case Group:
		l.once("member", s.Names)
	}
}

func (l *linter) once(what string, list []string) {
	seen := map[string]bool{}
	for _, s := range list {
		if seen[s] {
			l.say("%s %q is given twice", what, s)
		}
		seen[s] = true
	}
}

func (l *linter) path(d *Definition, s *Source, path string) {
	separator := s.Separator
	if separator == "" {
		separator = "/"
	}
	other := map[string]string{"/": `\`, `\`: "/"}[separator]
	parts := strings.Split(path, separator)
	switch {
	case path != strings.TrimSpace(path):
		l.say("path %q begins or ends with a blank", path)
	case strings.Contains(path, other):
		l.say("path %q has %s, but its separator is %s", path, other, separator)
	case !strings.HasPrefix(path, separator) && !strings.HasPrefix(path, "%%"):
		l.say("path %q begins neither with %s nor with a variable", path, separator)
	case slices.Contains(parts, "..") || slices.Contains(parts, "."):
		l.say("path %q has . or .. in it", path)
	case slices.Contains(parts[1:], ""):
		l.say("path %q has an empty component", path)
	case len(parts) > 1 && parts[0] == "" && strings.HasPrefix(parts[1], "**") && len(parts) == 2:
		l.say("path %q is the whole disk", path)
	}
	windows := separator == `\`
	for _, system := range slices.Concat(s.SupportedOS, d.SupportedOS) {
		if d.For(system) && s.For(system) && windows != (system == Windows) {
			l.say("path %q: the separator is %s, but the source is for %s", path, separator, system)
			break
		}
	}
	for _, part := range parts {
		if _, ok := recursion(part); !ok && strings.Contains(part, "**") {
			l.say("path %q: ** stands alone between separators, or with a number", path)
		}
	}
	l.variables(path)
}

func (l *linter) variables(text string) {
	if strings.Count(text, "%%")%2 != 0 {
		l.say("%q: a %%%% without its partner", text)
	}
	_, names := cutVariables(text)
	for _, name := range names {
		if !slices.Contains(Variables(), name) {
			l.say("%q: unknown variable %%%%%s%%%%", text, name)
		}
	}
}

// Variables lists the variables that may have a value on some host, in lower case
// and without their %%.
func Variables() []string {
	return []string{
		"environ_allusersappdata", "environ_allusersprofile", "environ_commonprogramfiles", "environ_commonprogramfilesx86",
		"environ_comspec", "environ_path", "environ_profilesdirectory", "environ_programdata", "environ_programfiles",
		"environ_programfilesx86", "environ_public", "environ_systemdrive", "environ_systemroot", "environ_temp", "environ_windir",
		"users.appdata", "users.cookies", "users.desktop", "users.homedir", "users.internet_cache", "users.local_settings",
		"users.localappdata", "users.localappdata_low", "users.personal", "users.recent", "users.sid", "users.startup",
		"users.temp", "users.uid", "users.username", "users.userprofile",
	}
}
