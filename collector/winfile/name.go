// Package winfile knows how Windows names and describes files: the names of a live
// Windows as a collector.Host has them ("/C:/Windows/x"), as people see them
// ("C:\Windows\x") and as the kernel wants them (`\??\C:\Windows\x`), and the
// structures in which the kernel tells of files and directories. It calls nothing:
// host_windows.go fetches the bytes.
//
// Begin with Shown and Native in name.go; then Info in info.go, which becomes a
// evidence.FileMeta; list.go has directories and streams, reparse.go what leads
// elsewhere.
package winfile

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"hozen/collector/utf16"
)

// Shown gives the name of a file on a live Windows as people see it: "/C:/Windows" is
// `C:\Windows`, "/C:" `C:\`. A name that does not begin with a drive stays as it is.
func Shown(name string) string {
	if !HasDrive(name) {
		return name
	}
	if len(name) == 3 {
		return name[1:] + `\`
	}
	return strings.ReplaceAll(name[1:], "/", `\`)
}

// HasDrive says whether a Host's name begins with a drive: "/C:" or "/C:/…".
func HasDrive(name string) bool {
	return len(name) >= 3 && name[0] == '/' && letter(name[1]) && name[2] == ':' && (len(name) == 3 || name[3] == '/')
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// HostName gives the Host's name, clean, of one that people or programs write: `C:\x`,
// "c:/x", `\\?\C:\x`, `\??\C:\x`, "/C:/x". The drive is upper-case. A name without a
// drive is given with "/" between components, and means nothing on a live Windows; so
// does one on another machine (`\\server\share`).
func HostName(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	for _, before := range []string{"//?/", "/??/", "//./"} {
		if rest, ok := strings.CutPrefix(name, before); ok {
			name = rest
			break
		}
	}
	name = path.Clean("/" + name)
	if HasDrive(name) {
		return "/" + strings.ToUpper(name[1:2]) + name[2:]
	}
	return name
}

// maxUnits is how many units a UNICODE_STRING can count, in a kernel's name.
const maxUnits = 32767

// Native gives the name that the kernel looks up (NtCreateFile), in UTF-16 without a
// NUL: an absolute one below the object directory \??, where no name is reserved and
// none is made shorter. Links and ".." are resolved as text. What is no name below a
// drive or a volume is fs.ErrNotExist: on Windows nothing else is a file.
func Native(name string) ([]uint16, error) {
	name = HostName(name)
	top, rest, _ := strings.Cut(name[1:], "/")
	volume := len(top) == 2 && letter(top[0]) && top[1] == ':' || strings.HasPrefix(top, "Volume{") && strings.HasSuffix(top, "}")
	if !volume {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if strings.IndexByte(rest, 0) >= 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EINVAL}
	}
	units, err := utf16.Units(`\??\` + top + `\` + strings.ReplaceAll(rest, "/", `\`))
	if err == nil && len(units) > maxUnits {
		err = fmt.Errorf("%d units, more than %d: %w", len(units), maxUnits, syscall.ENAMETOOLONG)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return units, nil
}

// Split cuts a Host's name into that of its volume ("/C:") and what lies below, with \
// between components and without one at its ends, as NtCreateFile takes it below a
// RootDirectory.
func Split(name string) (volume, below string) {
	name = HostName(name)
	top, rest, _ := strings.Cut(name[1:], "/")
	return "/" + top, strings.ReplaceAll(rest, "/", `\`)
}

// Stream gives the name of the stream that a Host's name means: "Zone.Identifier" of
// "/C:/x:Zone.Identifier"; "" for a file itself.
func Stream(name string) string {
	last := name[strings.LastIndexByte(name, '/')+1:]
	at := strings.IndexByte(last, ':')
	if at < 0 || at == 1 && len(last) == 2 && strings.LastIndexByte(name, '/') <= 0 { // a drive
		return ""
	}
	stream, kind, _ := strings.Cut(last[at+1:], ":")
	if stream == "" && (kind == "" || strings.EqualFold(kind, "$DATA")) {
		return ""
	}
	return stream
}

// Metadata says whether a Host's name is one of NTFS's own files, or a stream of one,
// or lies in $Extend, or is the index of a directory ("folder:$I30"): no ordinary open
// reaches them ("Master File Table", Microsoft).
func Metadata(name string) bool {
	if !HasDrive(name) || len(name) < 5 {
		return false
	}
	if lower := strings.ToLower(name); strings.HasSuffix(lower, ":$i30") || strings.HasSuffix(lower, ":$i30:$index_allocation") {
		return true
	}
	if name[4] != '$' {
		return false
	}
	top, _, _ := strings.Cut(name[4:], "/")
	top, _, _ = strings.Cut(top, ":")
	switch strings.ToLower(top) {
	case "$mft", "$mftmirr", "$logfile", "$volume", "$attrdef", "$bitmap", "$boot", "$badclus", "$secure", "$upcase", "$extend":
		return true
	}
	return false
}
