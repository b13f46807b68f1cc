package integrity

import (
	"path"
	"strings"

	"hozen/collector"
)

// links resolves symbolic links on the way to names, and remembers directories: of
// hundreds of thousands of files few directories are different.
type links struct {
	host *collector.Host
	dirs map[string]string
	left int // links that may still be followed for this name
}

func newLinks(h *collector.Host) *links { return &links{host: h, dirs: map[string]string{"/": "/"}} }

// maxLinks bounds the links on the way to one name (path_resolution(7)).
const maxLinks = 40

// maxDirs bounds what is remembered.
const maxDirs = 1 << 20

// real gives a name without links on the way or at its end: /bin/sh becomes
// /usr/bin/dash where /bin leads to /usr/bin. What is not there stays as it is.
func (l *links) real(name string) string {
	for range maxLinks {
		name = l.file(name)
		target, err := l.host.Readlink(name)
		if err != nil {
			return name
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Dir(name) + "/" + target
		}
		name = target
	}
	return name
}

// file gives a name without links on the way; the last component may be one.
func (l *links) file(name string) string {
	l.left = maxLinks
	name = path.Clean("/" + name)
	dir, base := path.Split(name)
	if base == "" {
		return "/"
	}
	return join(l.dir(path.Clean(dir)), base)
}

// dir resolves a directory.
func (l *links) dir(name string) string {
	if known, ok := l.dirs[name]; ok {
		return known
	}
	found := join(l.dir(path.Dir(name)), path.Base(name))
	if target, err := l.host.Readlink(found); err == nil && l.left > 0 {
		l.left--
		if !strings.HasPrefix(target, "/") {
			target = path.Dir(found) + "/" + target
		}
		found = l.dir(path.Clean(target))
	}
	if len(l.dirs) < maxDirs {
		l.dirs[name] = found
	}
	return found
}

func join(dir, base string) string {
	if dir == "/" {
		return "/" + base
	}
	return dir + "/" + base
}
