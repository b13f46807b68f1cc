package packages

import (
	"fmt"
	"strconv"
	"strings"
)

// A DpkgPackage is a stanza of dpkg's status file.
type DpkgPackage struct {
	Package
	// State is the third word of Status: installed, unpacked, config-files …
	State     string
	Conffiles []File // of the status file: with MD5, in Path order of the file
}

// ParseDpkgStatus reads /var/lib/dpkg/status (deb-control(5)). It gives what it
// understood, and how many stanzas had no name or state.
func ParseDpkgStatus(text string) (list []DpkgPackage, bad int) {
	for text != "" {
		stanza, rest, _ := strings.Cut(text, "\n\n")
		text = strings.TrimLeft(rest, "\n")
		if strings.TrimSpace(stanza) == "" {
			continue
		}
		p := DpkgPackage{Package: Package{Manager: "dpkg"}}
		field := ""
		for line := range strings.Lines(stanza) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
				if field == "conffiles" {
					p.conffile(strings.TrimSpace(line))
				}
				continue
			}
			name, value, _ := strings.Cut(line, ":")
			field, value = strings.ToLower(name), strings.TrimSpace(value)
			p.set(field, value)
		}
		if p.Name == "" || p.State == "" {
			bad++
			continue
		}
		list = append(list, p)
	}
	return list, bad
}

func (p *DpkgPackage) set(field, value string) {
	switch field {
	case "package":
		p.Name = value
	case "version":
		p.Version = value
	case "architecture":
		p.Arch = value
	case "status":
		if words := strings.Fields(value); len(words) == 3 {
			p.State = words[2]
		}
	}
}

// conffile takes " /etc/file md5 [obsolete]". A new one that was not installed yet has
// the word newconffile for its hash.
func (p *DpkgPackage) conffile(line string) {
	for _, word := range []string{" remove-on-upgrade", " obsolete"} {
		line = strings.TrimSuffix(line, word)
	}
	name, sum, ok := cutLast(line, " ")
	if !ok || !isHex(sum, 32) {
		return
	}
	p.Conffiles = append(p.Conffiles, File{Path: name, Algorithm: "md5", Digest: strings.ToLower(sum), Size: -1, Flags: Config})
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// ParseDpkgSums reads PACKAGE.md5sums: lines of md5sum(1) with paths below "/". It
// gives the sums by absolute path, and how many lines it did not understand.
func ParseDpkgSums(text string) (sums map[string]string, bad int) {
	sums = map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		sum, name, ok := strings.Cut(line, " ")
		name = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, " "), "*"), "./")
		if !ok || !isHex(sum, 32) || name == "" {
			bad++
			continue
		}
		sums["/"+strings.TrimPrefix(name, "/")] = strings.ToLower(sum)
	}
	return sums, bad
}

// ParseDpkgList reads PACKAGE.list: a path a line, directories included, the first "/.".
func ParseDpkgList(text string) (paths []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "/") && line != "/." {
			paths = append(paths, line)
		}
	}
	return paths
}

// A Diversion says that the file From of all packages but one lies at To instead
// (dpkg-divert(1)).
type Diversion struct{ From, To, By string } // By is ":" for one of the administrator

// ParseDiversions reads /var/lib/dpkg/diversions: three lines each.
func ParseDiversions(text string) (list []Diversion) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for ; len(lines) >= 3; lines = lines[3:] {
		list = append(list, Diversion{lines[0], lines[1], lines[2]})
	}
	return list
}

// ParseStatoverride reads /var/lib/dpkg/statoverride (dpkg-statoverride(1)): lines of
// user, group, mode in octal and path. It gives files with only these.
func ParseStatoverride(text string) (list []File, bad int) {
	for line := range strings.Lines(text) {
		part := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		if len(part) < 4 {
			bad++
			continue
		}
		mode, err := strconv.ParseUint(part[2], 8, 12)
		if err != nil {
			bad++
			continue
		}
		user, group := strings.TrimPrefix(part[0], "#"), strings.TrimPrefix(part[1], "#")
		list = append(list, File{Path: part[3], Size: -1, Mode: uint32(mode), HasMode: true, User: user, Group: group})
	}
	return list, bad
}

// InfoName gives the beginning of the names of a package's files below
// /var/lib/dpkg/info: with the architecture where several may be installed at once.
func (p *DpkgPackage) InfoName(has func(name string) bool) string {
	if full := fmt.Sprintf("%s:%s", p.Name, p.Arch); has(full + ".list") {
		return full
	}
	return p.Name
}

// Installs makes the package's files of its list, its sums and its conffiles, as dpkg
// --verify sees them: only what has a sum can be compared. Diverted files are where
// they were diverted to.
func (p *DpkgPackage) Installs(paths []string, sums map[string]string, diverted map[string]Diversion, overrides map[string]File) {
	conf := map[string]string{}
	for _, c := range p.Conffiles {
		conf[c.Path] = c.Digest
	}
	p.Files = make([]File, 0, len(paths))
	for _, name := range paths {
		f := File{Path: name, Size: -1}
		if sum := sums[name]; sum != "" {
			f.Algorithm, f.Digest = "md5", sum
		}
		if sum, ok := conf[name]; ok {
			f.Flags |= Config
			if f.Digest == "" {
				f.Algorithm, f.Digest = "md5", sum
			}
		}
		if d, ok := diverted[name]; ok && d.By != p.Name {
			f.Path = d.To
		}
		if o, ok := overrides[f.Path]; ok {
			f.Mode, f.HasMode, f.User, f.Group = o.Mode, true, o.User, o.Group
		}
		p.Files = append(p.Files, f)
	}
}
