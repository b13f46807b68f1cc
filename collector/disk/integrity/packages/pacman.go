package packages

import (
	"strconv"
	"strings"
	"time"
)

// ParsePacmanDesc reads /var/lib/pacman/local/PACKAGE/desc: "%NAME%", then values, a
// line each, to an empty line.
func ParsePacmanDesc(text string) Package {
	p := Package{Manager: "pacman"}
	for section := range strings.SplitSeq(text, "\n\n") {
		name, value, _ := strings.Cut(strings.TrimLeft(section, "\n"), "\n")
		value, _, _ = strings.Cut(value, "\n")
		switch name {
		case "%NAME%":
			p.Name = value
		case "%VERSION%":
			p.Version = value
		case "%ARCH%":
			p.Arch = value
		case "%INSTALLDATE%":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 && n < 1<<40 {
				p.Installed = time.Unix(n, 0).UTC()
			}
		}
	}
	return p
}

// ParseMtree reads the text of PACKAGE/mtree (mtree(5), without its gzip): the files that
// the package installed. Names are below "/"; pacman's own (.PKGINFO …) are left out. It gives
// how many lines it did not understand.
func ParseMtree(text string) (files []File, bad int) {
	set := map[string]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0, words[0][0] == '#':
			continue
		case words[0] == "/set":
			pairs(words[1:], set)
			continue
		case words[0] == "/unset":
			for _, w := range words[1:] {
				delete(set, w)
			}
			continue
		case !strings.HasPrefix(words[0], "./"):
			bad++
			continue
		}
		name := unescape(words[0][1:])
		if strings.HasPrefix(name, "/.") && !strings.Contains(name[1:], "/") {
			continue
		}
		has := map[string]string{}
		for k, v := range set {
			has[k] = v
		}
		pairs(words[1:], has)
		files = append(files, mtreeFile(name, has))
	}
	return files, bad
}

func pairs(words []string, to map[string]string) {
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		to[k] = v
	}
}

func mtreeFile(name string, has map[string]string) File {
	f := File{Path: name, Size: -1, User: has["uid"], Group: has["gid"], Link: unescape(has["link"])}
	if mode, err := strconv.ParseUint(has["mode"], 8, 12); err == nil {
		f.Mode, f.HasMode = uint32(mode), true
	}
	switch has["type"] {
	case "dir":
		f.Mode |= 0o040000
		return f
	case "link":
		f.Mode |= 0o120000
		return f
	}
	f.Mode |= 0o100000
	if n, err := strconv.ParseInt(has["size"], 10, 64); err == nil && n >= 0 {
		f.Size = n
	}
	for _, a := range []struct {
		key, name string
		digits    int
	}{{"sha256digest", "sha256", 64}, {"sha256", "sha256", 64}, {"md5digest", "md5", 32}, {"md5", "md5", 32}} {
		if d := has[a.key]; isHex(d, a.digits) {
			f.Algorithm, f.Digest = a.name, strings.ToLower(d)
			break
		}
	}
	if strings.HasPrefix(name, "/etc/") {
		f.Flags |= Config
	}
	return f
}

// unescape reads \ooo, as vis(3) writes bytes in names.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
