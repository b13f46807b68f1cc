package integrity

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/disk/integrity/packages"
	"hozen/collector/jsonl"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// Bounds of what is read of databases.
const (
	maxStatus   = 256 << 20 // a database that is one text
	maxInfo     = 64 << 20  // one list of a package's files; that of linux-source has 10 MiB
	maxInfoAll  = 1 << 30   // all of them
	maxFiles    = 8 << 20   // files of all packages
	maxPackages = 1 << 18
)

// A loader puts databases as they are, and reads from the same bytes what they say.
type loader struct {
	ctx      context.Context
	host     *collector.Host
	to       evidence.Sink
	managers []string
	packages []packages.Package
	files    int
	rows     []Row
	tally    evidence.Tally
}

// text puts one file and gives its text; "" where it is not there.
func (l *loader) text(name, item string, limit int) (string, error) {
	got := make(chan []byte, 1)
	err := l.to.Put(l.ctx, evidence.Item{Path: "disk/integrity/" + item, Source: name}, func(w io.Writer) error {
		b, err := l.host.ReadFile(name, limit)
		if errors.Is(err, collector.ErrTooLong) {
			err = evidence.Cut("%v", err)
		}
		if _, werr := w.Write(b); werr != nil {
			return werr
		}
		got <- b
		return err
	})
	select {
	case b := <-got:
		return string(b), err
	default:
		return "", err
	}
}

// sections puts many small files as sections of one item (package section), and gives
// each to see as it was read.
func (l *loader) sections(item, dir string, names []string, see func(name string, text []byte)) error {
	type file struct {
		name string
		text []byte
	}
	seen := make(chan []file, 1)
	err := l.to.Put(l.ctx, evidence.Item{Path: "disk/integrity/" + item, Source: dir}, func(w io.Writer) error {
		var tally evidence.Tally
		var all []file
		var buf []byte
		total := 0
		for _, name := range names {
			if l.ctx.Err() != nil {
				tally.Add(name, evidence.Cut("the time was over"))
				break
			}
			b, err := l.host.ReadFile(name, maxInfo)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if total += len(b); total > maxInfoAll {
				tally.Add(name, evidence.Cut("more than %d bytes of lists", maxInfoAll))
				break
			}
			tally.Add(name, err)
			buf = section.Append(buf[:0], name, false, b, err)
			if _, err := w.Write(buf); err != nil {
				return err
			}
			all = append(all, file{name, b})
		}
		seen <- all
		return tally.Err()
	})
	select {
	case all := <-seen:
		for _, f := range all {
			see(f.name, f.text)
		}
	default:
	}
	return err
}

// add takes a package's files into the plan.
func (l *loader) add(p packages.Package) {
	if l.files+len(p.Files) > maxFiles || len(l.packages) >= maxPackages {
		l.tally.Add(p.Name, evidence.Cut("more than %d files or %d packages: not compared", maxFiles, maxPackages))
		return
	}
	l.files += len(p.Files)
	l.packages = append(l.packages, p)
}

// bad records lines that were not understood.
func (l *loader) bad(name string, n int) {
	if n > 0 {
		l.rows = append(l.rows, Row{Kind: "database", Level: "low", Path: jsonl.Text(name), Note: "parts of it were not understood: " + itoa(n)})
	}
}

const dpkgDir = "/var/lib/dpkg"

func (l *loader) dpkg() error {
	if _, err := l.host.Lstat(dpkgDir + "/status"); err != nil {
		return nil
	}
	status, err := l.text(dpkgDir+"/status", "dpkg/status", maxStatus)
	if err != nil {
		return err
	}
	list, bad := packages.ParseDpkgStatus(status)
	l.bad(dpkgDir+"/status", bad)
	names, err := l.host.Names(dpkgDir + "/info")
	l.tally.Add(dpkgDir+"/info", err)
	slices.Sort(names)
	has := map[string]bool{}
	wanted := []string{dpkgDir + "/diversions", dpkgDir + "/statoverride"}
	for _, name := range names {
		has[name] = true
		if ext := name[strings.LastIndexByte(name, '.')+1:]; ext == "list" || ext == "md5sums" || ext == "conffiles" {
			wanted = append(wanted, dpkgDir+"/info/"+name)
		}
	}
	text := map[string]string{}
	err = l.sections("dpkg/info.txt", dpkgDir+"/info", wanted, func(name string, b []byte) { text[name] = string(b) })
	if err != nil {
		return err
	}
	diverted, overrides := map[string]packages.Diversion{}, map[string]packages.File{}
	for _, d := range packages.ParseDiversions(text[dpkgDir+"/diversions"]) {
		diverted[d.From] = d
	}
	over, bad := packages.ParseStatoverride(text[dpkgDir+"/statoverride"])
	l.bad(dpkgDir+"/statoverride", bad)
	for _, f := range over {
		overrides[f.Path] = f
	}
	for i := range list {
		p := &list[i]
		if p.State == "not-installed" {
			continue
		}
		base := dpkgDir + "/info/" + p.InfoName(func(name string) bool { return has[name] })
		sums, bad := packages.ParseDpkgSums(text[base+".md5sums"])
		l.bad(base+".md5sums", bad)
		l.dpkgTimes(p, base, has)
		paths := packages.ParseDpkgList(text[base+".list"])
		delete(text, base+".list")
		delete(text, base+".md5sums")
		p.Installs(paths, sums, diverted, overrides)
		l.add(p.Package)
	}
	l.managers = append(l.managers, "dpkg")
	return nil
}

// dpkgTimes takes the time of installation, and finds sums that were written later: a
// package's sums have the time at which it was built.
func (l *loader) dpkgTimes(p *packages.DpkgPackage, base string, has map[string]bool) {
	const grace = time.Minute
	list, err := l.host.Lstat(base + ".list")
	if err != nil {
		return
	}
	p.Installed = list.Mtime
	if !has[base[len(dpkgDir+"/info/"):]+".md5sums"] {
		return
	}
	sums, err := l.host.Lstat(base + ".md5sums")
	if err == nil && sums.Mtime.After(list.Mtime.Add(grace)) {
		r := of("database", &p.Package, &packages.File{Path: base + ".md5sums"})
		r.meta(sums)
		r.Level, r.Note = "medium", "the list of sums is newer than the installation of the package"
		l.rows = append(l.rows, r)
	}
}

const apkFile = "/lib/apk/db/installed"

func (l *loader) apk() error {
	if _, err := l.host.Lstat(apkFile); err != nil {
		return nil
	}
	text, err := l.text(apkFile, "apk/installed", maxStatus)
	if err != nil {
		return err
	}
	list, bad := packages.ParseAPK(text)
	l.bad(apkFile, bad)
	for _, p := range list {
		l.add(p)
	}
	l.managers = append(l.managers, "apk")
	return nil
}

const pacmanDir = "/var/lib/pacman/local"

func (l *loader) pacman() error {
	names, err := l.host.Names(pacmanDir)
	if err != nil {
		return nil
	}
	slices.Sort(names)
	var wanted []string
	for _, name := range names {
		wanted = append(wanted, pacmanDir+"/"+name+"/desc", pacmanDir+"/"+name+"/mtree")
	}
	desc := map[string]packages.Package{}
	err = l.sections("pacman/local.txt", pacmanDir, wanted, func(name string, b []byte) {
		dir, base := name[:strings.LastIndexByte(name, '/')], name[strings.LastIndexByte(name, '/')+1:]
		if base == "desc" {
			desc[dir] = packages.ParsePacmanDesc(string(b))
			return
		}
		p := desc[dir]
		text, err := gunzip(b)
		l.tally.Add(name, err)
		var bad int
		p.Files, bad = packages.ParseMtree(text)
		l.bad(name, bad)
		l.add(p)
	})
	if err == nil && len(desc) > 0 {
		l.managers = append(l.managers, "pacman")
	}
	return err
}

// gunzip gives whole lines, at most maxInfo bytes, and says where there are more.
func gunzip(b []byte) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxInfo+1))
	if len(text) > maxInfo {
		text = text[:bytes.LastIndexByte(text[:maxInfo], '\n')+1]
		err = evidence.Cut("more than %d bytes: the files after them are not known", maxInfo)
	}
	return string(text), err
}
