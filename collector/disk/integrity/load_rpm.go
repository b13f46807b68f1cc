package integrity

import (
	"fmt"
	"io"

	"hozen/collector"
	"hozen/collector/disk/integrity/rpmdb"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// rpmDirs are where systems keep the database of rpm; one may be a link to another.
var rpmDirs = [...]string{"/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"}

// rpmFiles are the forms of that database. Packages is the old one of Berkeley DB: it is
// taken, and not read.
var rpmFiles = [...]string{"rpmdb.sqlite", "Packages.db", "Packages"}

// maxDatabase is how many bytes of one database are taken.
const maxDatabase = 4 << 30

func (l *loader) rpm() error {
	names := newLinks(l.host)
	seen := map[string]bool{}
	for _, dir := range rpmDirs {
		for _, file := range rpmFiles {
			name := names.real(dir + "/" + file)
			m, err := l.host.Lstat(name)
			if err != nil || !m.Regular() || seen[name] {
				continue
			}
			seen[name] = true
			if err := l.rpmTake(name, file, len(seen)); err != nil {
				return err
			}
			l.rpmRead(name, file, m.Size)
		}
	}
	return nil
}

// rpmTake puts a database and its write-ahead log as they are.
func (l *loader) rpmTake(name, file string, n int) error {
	folder := "disk/integrity/rpm/"
	if n > 1 {
		folder = fmt.Sprintf("disk/integrity/rpm-%d/", n)
	}
	for _, end := range []string{"", "-wal"} {
		m, err := l.host.Lstat(name + end)
		if err != nil && end != "" {
			continue
		}
		item := evidence.Item{Path: folder + file + end, Source: name + end, File: m, Limit: maxDatabase}
		if err := l.to.Put(l.ctx, item, func(w io.Writer) error { return l.host.Copy(w, name+end, maxDatabase) }); err != nil {
			return err
		}
	}
	return nil
}

// rpmRead reads what packages it has.
func (l *loader) rpmRead(name, file string, size int64) {
	say := func(level, note string) {
		l.rows = append(l.rows, Row{Kind: "database", Level: level, Path: jsonl.Text(name), Manager: "rpm", Note: note})
	}
	if file == "Packages" {
		say("medium", "of Berkeley DB: taken, and not read; its files were not compared")
		return
	}
	db, err := l.host.Reader(name)
	if err != nil {
		l.tally.Add(name, err)
		return
	}
	defer db.Close()
	bad := 0
	each := func(blob []byte) error {
		p, err := rpmdb.Header(blob)
		if p.Name == "gpg-pubkey" {
			return nil // a key, no package
		}
		if err != nil {
			bad++
		}
		if p.Name != "" {
			l.add(p)
		}
		return l.ctx.Err()
	}
	if file == "rpmdb.sqlite" {
		wal, walSize, closeLog := l.log(name + "-wal")
		err = rpmdb.SQLite(db, size, wal, walSize, each)
		closeLog()
	} else {
		err = rpmdb.NDB(db, size, each)
	}
	if l.tally.Add(name, err); err != nil {
		say("medium", err.Error())
	}
	if bad > 0 {
		say("medium", fmt.Sprintf("%d packages were not understood", bad))
	}
	l.managers = append(l.managers, "rpm")
}

// log opens a write-ahead log, if there is one.
func (l *loader) log(name string) (r io.ReaderAt, size int64, done func()) {
	var f collector.Reader
	m, err := l.host.Lstat(name)
	if err == nil && m.Regular() {
		f, err = l.host.Reader(name)
	}
	if err != nil || f == nil {
		return nil, 0, func() {}
	}
	return f, m.Size, func() { f.Close() }
}
