package volatile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
)

// Sessions takes who is logged in, who was, and by which way.
//
// The files that tell of it are taken as they are, each below
// volatile/sessions/ under its own path, wtmp and btmp with their rotations.
// The table volatile/sessions.jsonl has rows of several kinds; the first field
// of each, "kind", says which:
//
//   - utmp, wtmp, btmp: LoginRow, one for each record of those files;
//   - lastlog: LastlogRow; faillock: FaillockRow;
//   - logind: LogindRow, the state files of systemd-logind;
//   - ssh, multiplexer, remote, display, login: SessionProcess (from "process"),
//     SessionVariable (from "environment") or SessionFile (from "file");
//   - tty: TTYRow; sudo, database: SessionFile.
func Sessions() collector.Collector {
	return collector.Collector{
		Name: "sessions", Doc: "who is logged in and was: login records, logind, ssh, terminals, displays",
		Volatility: collector.Live,
		Limit:      collector.Limit{Time: time.Minute, Bytes: 512 << 20},
		Collect:    collectSessions,
	}
}

// maxLoginFile bounds what is taken of one login file. Of a longer one the
// newest part is kept: 128 MiB are some 350,000 logins.
const maxLoginFile = 128 << 20

// loginFile is a file to be taken raw, and how it is read into rows.
type loginFile struct {
	name string
	kind string // utmp, wtmp, btmp, lastlog, faillock, logind, database, tty
	same string // the name under which the same file was taken before
}

// loginFiles finds the files. Those of the first list are tried even where
// they are not there, so that their absence is recorded.
func loginFiles(h *collector.Host, note func(string, error)) []loginFile {
	files := []loginFile{
		{name: "/run/utmp", kind: "utmp"}, {name: "/var/run/utmp", kind: "utmp"},
		{name: "/var/log/wtmp", kind: "wtmp"}, {name: "/var/log/btmp", kind: "btmp"}, {name: "/var/log/lastlog", kind: "lastlog"},
		{name: "/var/log/faillog", kind: "raw"}, {name: "/var/log/tallylog", kind: "raw"},
		{name: "/var/lib/wtmpdb/wtmp.db", kind: "database"}, {name: "/var/lib/lastlog/lastlog2.db", kind: "database"},
		{name: "/proc/tty/drivers", kind: "raw"}, {name: "/sys/class/tty/console/active", kind: "raw"},
	}
	more := []loginFile{
		{name: "/var/log/wtmp[.\\-]*", kind: "wtmp"}, {name: "/var/log/btmp[.\\-]*", kind: "btmp"},
		{name: "/var/log/lastlog[.\\-]*", kind: "lastlog"},
		{name: "/var/lib/wtmpdb/*", kind: "database"}, {name: "/var/lib/lastlog/*", kind: "database"},
		{name: "/run/faillock/*", kind: "faillock"}, {name: "/run/systemd/seats/*", kind: "logind"},
		{name: "/run/systemd/sessions/*", kind: "logind"}, {name: "/run/systemd/users/*", kind: "logind"},
		{name: "/run/systemd/inhibit/*", kind: "logind"},
	}
	for _, p := range more {
		for _, name := range hostGlob(h, p.name, 4096, note) {
			if !slices.ContainsFunc(files, func(f loginFile) bool { return f.name == name }) {
				files = append(files, loginFile{name: name, kind: p.kind})
			}
		}
	}
	seen := map[collector.FileID]string{}
	for i := range files {
		m, err := h.Lstat(files[i].name)
		if err != nil || m.Inode == 0 {
			continue
		}
		id := collector.FileID{Dev: m.Dev, Inode: m.Inode}
		if files[i].same = seen[id]; files[i].same == "" {
			seen[id] = files[i].name
		}
	}
	return files
}

// hostGlob lists the names that a pattern of path.Match matches, component by
// component, sorted, at most limit of them.
// What goes wrong, but for things that are not there, is noted.
func hostGlob(h *collector.Host, pattern string, limit int, note func(what string, err error)) []string {
	found := []string{""}
	for _, part := range strings.Split(strings.TrimPrefix(pattern, "/"), "/") {
		var next []string
		for _, dir := range found {
			if !strings.ContainsAny(part, "*?[") {
				next = append(next, dir+"/"+part)
				continue
			}
			names, err := h.Names(dir + "/")
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
				note(dir, err)
			}
			for _, n := range names {
				if ok, _ := path.Match(part, n); ok {
					next = append(next, dir+"/"+n)
				}
			}
		}
		if found = next; len(found) > limit {
			note(pattern, evidence.Cut("more than %d files", limit))
			found = found[:limit]
		}
	}
	return found
}

func collectSessions(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	var missed evidence.Tally
	files := loginFiles(h, func(what string, err error) { _ = missed.Add(what, err) })
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		if err := putLoginFile(ctx, h, to, f); err != nil {
			return err
		}
	}
	return to.Put(ctx, evidence.Item{Path: "volatile/sessions.jsonl", Source: "login records, /run, /proc, /dev/pts"}, asked(h, func(w io.Writer) error {
		t := &sessionTable{ctx: ctx, h: h, out: jsonl.NewWriter(w), names: readOwners(h)}
		t.tally.Merge(&missed)
		t.fill(files)
		if t.broken != nil {
			return t.broken
		}
		if err := t.out.Flush(); err != nil {
			return err
		}
		return t.tally.Err()
	}))
}

// putLoginFile takes one file raw. Of a lastlog with holes, which looks as large
// as the highest uid makes it, the data extents are taken, and a table of where
// they belong.
func putLoginFile(ctx context.Context, h *collector.Host, to evidence.Sink, f loginFile) error {
	item := evidence.Item{Path: "volatile/sessions" + f.name, Source: f.name}
	if f.same != "" {
		return to.Put(ctx, item, func(io.Writer) error { return evidence.Skip("the same file as %s", f.same) })
	}
	if m, err := h.Lstat(f.name); err == nil {
		item.File, item.Limit = m, sparseFrom
	}
	var table atomic.Pointer[[]sparse.Extent]
	err := to.Put(ctx, item, func(w io.Writer) error {
		extents, err := copyLoginFile(ctx, w, h, f)
		if extents != nil {
			table.Store(&extents)
		}
		return err
	})
	if err != nil || table.Load() == nil {
		return err
	}
	return to.Put(ctx, evidence.Item{Path: "volatile/sessions/extents" + f.name + ".jsonl", Source: f.name},
		func(w io.Writer) error { return jsonl.Write(w, *table.Load()) })
}

// sparseFrom is the size from which a lastlog is taken by its extents.
const sparseFrom = 16 << 20

func copyLoginFile(ctx context.Context, w io.Writer, h *collector.Host, f loginFile) ([]sparse.Extent, error) {
	if strings.HasPrefix(f.name, "/proc/") || strings.HasPrefix(f.name, "/sys/") {
		return nil, h.Copy(w, f.name, 1<<20)
	}
	// Some systems keep names such as /var/log/wtmp as a link to another disk.
	file, err := h.OpenFollow(f.name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, evidence.Skip("%s: a directory", f.name)
	}
	if f.kind == "lastlog" && st.Size() > sparseFrom {
		extents, err := sparse.Copy(ctx, w, file, st.Size(), maxLoginFile)
		if err == nil {
			err = evidence.Part("sparse: %d bytes, of which the %d data extents are here; see the table of extents", st.Size(), len(extents))
		}
		return extents, err
	}
	from := newestPart(st.Size(), f.kind)
	if _, err := io.Copy(w, sparse.UntilDone(ctx, io.NewSectionReader(file, from, st.Size()-from))); err != nil {
		return nil, err
	}
	if from > 0 {
		return nil, evidence.Cut("longer than %d bytes: the oldest %d bytes are left out", maxLoginFile, from)
	}
	return nil, nil
}

// newestPart says where to begin reading a file that grows at its end: at a
// multiple of every record size, so that no record is cut in two.
func newestPart(size int64, kind string) int64 {
	if size <= maxLoginFile || kind == "database" {
		return 0
	}
	const whole = 9600 // the least common multiple of 384 and 400
	return (size - maxLoginFile + whole - 1) / whole * whole
}
