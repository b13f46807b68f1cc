package indicators

import (
	"bytes"
	"path"
	"strings"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// Bounds of what is read of a package database.
const (
	maxPackages    = 1 << 16
	maxPackageList = 64 << 20 // one list of files; that of linux-source has 10 MiB
)

// owned tells which of some files a package owns, and which names of programs
// packages have, both looked for among the wanted ones.
type owned struct {
	kind  string            // "dpkg", "apk", "pacman"; "" where no database can be read
	files map[string]bool   // by path, /usr merged
	names map[string]string // the path of a packaged program, by its last component
}

// packagesOf looks the wanted paths up in the host's package database. Lists are
// streamed: what is wanted is small, what is installed is large. The database of
// rpm is no text, so that there nothing is said.
func packagesOf(h *collector.Host, wanted []string, tally *evidence.Tally) *owned {
	o := &owned{files: map[string]bool{}, names: map[string]string{}}
	paths, names := map[string]bool{}, map[string]bool{}
	for _, w := range wanted {
		paths[merged(w)], names[path.Base(w)] = true, true
	}
	look := func(file []byte) {
		i := bytes.LastIndexByte(file, '/')
		if i < 0 || !names[string(file[i+1:])] {
			return
		}
		full := merged(string(file))
		if paths[full] {
			o.files[full] = true
		}
		if dir := path.Dir(full); systemPlace(full) && (strings.HasSuffix(dir, "bin") || strings.HasSuffix(dir, "/libexec") || dir == "/usr/lib/systemd") {
			o.names[path.Base(full)] = full
		}
	}
	switch {
	case o.dpkg(h, look, tally):
		o.kind = "dpkg"
	case o.apk(h, look, tally):
		o.kind = "apk"
	case o.pacman(h, look, tally):
		o.kind = "pacman"
	}
	return o
}

// dpkg reads /var/lib/dpkg/info/PACKAGE.list: a path a line (dpkg-query(1)).
func (o *owned) dpkg(h *collector.Host, look func([]byte), tally *evidence.Tally) bool {
	const dir = "/var/lib/dpkg/info"
	all, err := h.Names(dir)
	if err != nil {
		return false
	}
	o.eachList(h, dir, all, ".list", look, tally)
	text, _ := h.ReadFile("/var/lib/dpkg/diversions", maxPackageList) // three lines each: from, to, package
	for line := range bytes.Lines(text) {
		look(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	return true
}

func (o *owned) eachList(h *collector.Host, dir string, all []string, suffix string, look func([]byte), tally *evidence.Tally) {
	var buf []byte
	for i, name := range all {
		if !strings.HasSuffix(name, suffix) || i > maxPackages {
			continue
		}
		var err error
		buf, err = h.AppendFile(buf[:0], dir+"/"+name, maxPackageList)
		tally.Add(dir+"/"+name, err)
		for rest := buf; len(rest) > 0; {
			var line []byte
			line, rest, _ = bytes.Cut(rest, []byte{'\n'})
			look(line)
		}
	}
}

// apk reads /lib/apk/db/installed: F:directory, then R:file (apk-package(5)).
func (o *owned) apk(h *collector.Host, look func([]byte), tally *evidence.Tally) bool {
	text, err := h.ReadFile("/lib/apk/db/installed", maxPackageList)
	if proc.IsGone(err) {
		return false
	}
	tally.Add("/lib/apk/db/installed", err)
	dir := ""
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		switch {
		case bytes.HasPrefix(line, []byte("F:")):
			dir = "/" + string(line[2:]) + "/"
		case bytes.HasPrefix(line, []byte("R:")):
			look(append([]byte(dir), line[2:]...))
		}
	}
	return true
}

// pacman reads /var/lib/pacman/local/PACKAGE/files: paths without the first slash.
func (o *owned) pacman(h *collector.Host, look func([]byte), tally *evidence.Tally) bool {
	const dir = "/var/lib/pacman/local"
	all, err := h.Names(dir)
	if err != nil {
		return false
	}
	for i := range all {
		all[i] += "/files"
	}
	o.eachList(h, dir, all, "/files", func(line []byte) { look(append([]byte{'/'}, line...)) }, tally)
	return true
}
