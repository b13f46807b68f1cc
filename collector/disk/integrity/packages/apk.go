package packages

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// ParseAPK reads /lib/apk/db/installed (apk-tools, doc/apk-installed.5): a line is a
// letter, a colon and a value; an empty line ends a package. It gives how many lines it
// did not understand.
func ParseAPK(text string) (list []Package, bad int) {
	p, dir := Package{Manager: "apk"}, ""
	end := func() {
		if p.Name != "" {
			list = append(list, p)
		}
		p, dir = Package{Manager: "apk"}, ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			end()
			continue
		}
		if len(line) < 2 || line[1] != ':' {
			bad++
			continue
		}
		value := line[2:]
		last := func() *File {
			if len(p.Files) == 0 {
				return &File{}
			}
			return &p.Files[len(p.Files)-1]
		}
		switch line[0] {
		case 'P':
			p.Name = value
		case 'V':
			p.Version = value
		case 'A':
			p.Arch = value
		case 'F':
			dir = "/" + strings.Trim(value, "/")
			p.Files = append(p.Files, File{Path: dir, Size: -1, Mode: 0o040755})
		case 'R':
			p.Files = append(p.Files, File{Path: strings.TrimSuffix(dir, "/") + "/" + value, Size: -1, HasMode: true, Mode: 0o644, User: "0", Group: "0"})
		case 'M', 'a':
			owner := strings.SplitN(value, ":", 4)
			if len(owner) < 3 {
				bad++
				continue
			}
			mode, err := strconv.ParseUint(owner[2], 8, 12)
			if err != nil {
				bad++
				continue
			}
			f := last()
			f.User, f.Group, f.Mode, f.HasMode = owner[0], owner[1], uint32(mode), true
		case 'Z':
			f := last()
			if f.Algorithm, f.Digest = apkSum(value); f.Digest == "" {
				bad++
			}
			if strings.HasPrefix(f.Path, "/etc/") {
				f.Flags |= Config
			}
		}
	}
	end()
	return list, bad
}

// apkSum reads "Q1" and a SHA-1 in base64, "Q2" and a SHA-256, or an MD5 in hex.
func apkSum(text string) (algorithm, digest string) {
	if isHex(text, 32) {
		return "md5", strings.ToLower(text)
	}
	if len(text) < 2 {
		return "", ""
	}
	b, err := base64.StdEncoding.DecodeString(text[2:])
	switch {
	case err == nil && text[:2] == "Q1" && len(b) == 20:
		return "sha1", hex.EncodeToString(b)
	case err == nil && text[:2] == "Q2" && len(b) == 32:
		return "sha256", hex.EncodeToString(b)
	}
	return "", ""
}
