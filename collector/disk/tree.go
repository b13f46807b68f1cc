package disk

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"hozen/collector"
	"hozen/collector/disk/artifact"
	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

const (
	maxDepth   = 512  // directories within each other
	lookAtOnce = 1024 // entries of a directory that are looked at before some are taken
)

// takeTree takes a file, or a directory with all that is below it on the same mount.
func (r *run) takeTree(name string) error {
	return r.take(r.tree(path.Clean("/" + r.host.Name(name))))
}

// tree walks a tree, directories before what is in them, names in order.
func (r *run) tree(root string) iter.Seq[*unit] {
	return func(yield func(*unit) bool) {
		root := r.trueName(root)
		meta, err := lstat(r.ctx, r.watch, r.host, root)
		if err != nil { // somebody asked for it by name: that it is not there is said as loudly
			if errors.Is(err, fs.ErrNotExist) {
				err = evidence.Cut("asked for, and not there")
			}
			r.tally.Add(root, err)
			return
		}
		w := &treeWalk{run: r, host: r.host, root: root, dev: meta.Dev, yield: yield, links: map[collector.FileID]string{}, dirs: map[collector.FileID]string{}}
		w.units(w.file(root, meta))
		if meta.Mode&evidence.ModeType == evidence.ModeDir {
			w.list(root, meta, 0)
		}
	}
}

// trueName gives a name without symbolic links on the way; the last component may be
// one. What cannot be resolved stays as it is: looking at it will say why.
func (r *run) trueName(name string) string {
	const maxLinks = 40 // path_resolution(7)
	left, at, links := strings.Split(strings.Trim(name, "/"), "/"), "/", 0
	for len(left) > 1 && links <= maxLinks {
		part := left[0]
		left = left[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		m, err := lstat(r.ctx, r.watch, r.host, join(at, part))
		if err != nil {
			return name
		}
		if m.Mode&evidence.ModeType != evidence.ModeSymlink {
			at = join(at, part)
			continue
		}
		target := r.linkTarget(m)
		if links++; strings.HasPrefix(target, "/") {
			at = "/"
		}
		left = append(strings.Split(target, "/"), left...)
	}
	return path.Join(at, path.Join(left...))
}

// linkTarget gives where a link leads, with / between components; on a live Windows
// from the drive on, if the target has one.
func (r *run) linkTarget(m *evidence.FileMeta) string {
	if r.host.Drives == nil {
		return m.LinkTarget
	}
	if name := r.host.Name(m.LinkTarget); winfile.HasDrive(name) || strings.HasPrefix(m.LinkTarget, `\`) {
		return name
	}
	return strings.ReplaceAll(m.LinkTarget, `\`, "/")
}

type treeWalk struct {
	*run
	host  *collector.Host // without the mounts that gave no answer
	root  string
	dev   uint64
	yield func(*unit) bool
	links map[collector.FileID]string // files with several names, by their first
	dirs  map[collector.FileID]string // directories that were listed: those of a damaged disk may lie in themselves
	full  bool                        // nobody takes any more
}

// maxLinks bounds the files with several names that are remembered, and the
// directories; beyond that one may be taken once for each name.
const maxLinks = 1 << 18

// list walks what is in a directory.
func (w *treeWalk) list(dir string, m *evidence.FileMeta, depth int) {
	if id := (collector.FileID{Dev: m.Dev, Inode: m.Inode}); id.Inode != 0 {
		if other, listed := w.dirs[id]; listed {
			w.tally.Add(dir, evidence.Cut("not listed: it is the same directory as %s", other))
			return
		}
		if len(w.dirs) < maxLinks {
			w.dirs[id] = dir
		}
	}
	if depth > maxDepth {
		w.tally.Add(dir, evidence.Cut("not listed: deeper than %d directories", maxDepth))
		return
	}
	names := tried(w, dir, func(h *collector.Host) answer[[]string] {
		names, err := h.Names(dir)
		return answer[[]string]{withStreams(h, dir, names), err}
	})
	for some := range slices.Chunk(names, lookAtOnce) {
		if err := w.over(); err != nil {
			w.tally.Add(dir, err)
			return
		}
		metas := tried(w, dir, func(h *collector.Host) answer[[]*evidence.FileMeta] { return lookAt(h, dir, some) })
		files := make([]*file, 0, len(metas))
		for i, m := range metas {
			if m != nil {
				files = append(files, w.file(join(dir, some[i]), m))
			}
		}
		w.units(files...)
		for _, f := range files {
			if w.full || w.stop.Load() {
				return
			}
			if f.meta.Mode&evidence.ModeType == evidence.ModeDir && w.inside(f) {
				w.list(f.path, f.meta, depth+1)
			}
		}
	}
}

func join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

type answer[T any] struct {
	value T
	err   error
}

func lookAt(h *collector.Host, dir string, names []string) (a answer[[]*evidence.FileMeta]) {
	var tally evidence.Tally
	a.value = make([]*evidence.FileMeta, len(names))
	for i, n := range names {
		m, err := h.Lstat(join(dir, n))
		if tally.Add(n, err); err == nil {
			a.value[i] = m
		}
	}
	a.err = tally.Err()
	return a
}

// tried asks the host, and once more without the mount that did not answer.
func tried[T any](w *treeWalk, dir string, f func(*collector.Host) answer[T]) (none T) {
	for range triesPerHang {
		got, err := ask(w.ctx, w.watch, w.host, f)
		var hung *errHung
		if err == nil {
			w.tally.Add(dir, got.err)
			return got.value
		}
		if w.tally.Add(dir, err); !errors.As(err, &hung) {
			return none
		}
		h := *w.host
		name := hung.name
		if point := w.watch.mountOf(name); point != "" {
			name = point
		}
		h.Avoid = append(slices.Clip(h.Avoid), name)
		w.host = &h
	}
	return none
}

// inside says whether a directory is on the tree's own mount.
func (w *treeWalk) inside(f *file) bool {
	if f.path == w.root {
		return true
	}
	if len(w.watch.mounts) > 0 {
		return !w.watch.isMount(f.path) // st_dev of another subvolume of btrfs is no other mount
	}
	return f.meta.Dev == w.dev
}

// file decides what can be decided of one entry.
func (w *treeWalk) file(name string, m *evidence.FileMeta) *file {
	w.known.names.fill(m)
	f := &file{path: name, meta: m, tree: w.root}
	id := collector.FileID{Dev: m.Dev, Inode: m.Inode}
	switch known := w.known.byID[id]; {
	case m.Mode&evidence.ModeType == evidence.ModeDir && !w.inside(f):
		f.why = evidence.Skip("another file system is mounted here: not entered")
	case !m.Regular():
		f.why = evidence.Skip("%s: only its row is taken", evidence.KindOf(m.Mode))
	case w.host.IsOwn(id):
		f.why = evidence.Skip("our own output")
	case known != nil && id.Inode != 0:
		f.why, f.same = evidence.Skip("a definition names it, too"), known.path
	case m.Nlink > 1 && w.links[id] != "":
		f.why, f.same = evidence.Skip("another name of a file that is taken"), w.links[id]
	case w.o.cost(m) > w.o.MaxFile:
		f.why = evidence.Cut("limit for one file: %d bytes, over %d", m.Size, w.o.MaxFile)
	case m.Nlink > 1 && len(w.links) < maxLinks:
		w.links[id] = name
	}
	return f
}

// units gives the files of one directory on, those of a set together.
func (w *treeWalk) units(files ...*file) {
	byName := map[string]*file{}
	for _, f := range files {
		if mainOf(path.Base(f.path)) != "" || w.known.system == artifact.Windows {
			byName[path.Base(f.path)] = f
		}
	}
	for _, f := range files {
		if w.full || f.set != nil || w.hasRow(f) || len(byName) > 0 && w.hasMain(f, files) {
			continue
		}
		u := &unit{files: []*file{f}}
		f.set = u
		if f.why == nil && len(byName) > 0 {
			w.gather(u, byName)
		}
		w.give(u)
	}
}

// hasRow says whether the row of a definition says all that there is to say of a file.
func (w *treeWalk) hasRow(f *file) bool {
	known := w.known.byPath[f.path]
	return known != nil && (known.wanted || !f.meta.Regular())
}

// hasMain says whether a file will be brought by the database that it belongs to.
func (w *treeWalk) hasMain(f *file, files []*file) bool {
	main := mainOf(f.path)
	i, ok := slices.BinarySearchFunc(files, main, func(f *file, name string) int {
		switch {
		case f.path < name:
			return -1
		case f.path > name:
			return 1
		}
		return 0
	})
	return main != "" && f.why == nil && ok && files[i].why == nil
}

// gather puts the companions of a file beside it.
func (w *treeWalk) gather(u *unit, byName map[string]*file) {
	base := path.Base(u.main().path)
	var names []string
	if w.known.system == artifact.Windows && logsOf(base) != nil {
		for n := range byName {
			names = append(names, n)
		}
		slices.Sort(names)
		names = companions(base, names)
	} else {
		for _, s := range sqliteSuffixes() {
			names = append(names, base+s)
		}
	}
	for _, n := range names {
		if c := byName[n]; c != nil && c.set == nil && c.why == nil {
			c.set = u
			u.files = append(u.files, c)
		}
	}
}

// give takes the unit's bytes from the budget and hands it on.
func (w *treeWalk) give(u *unit) {
	if cost := u.cost(w.o); cost > 0 && w.left.Add(-cost) < 0 {
		w.left.Add(cost)
		u.leave(evidence.Cut("budget: of %d bytes less than %d are left", w.o.MaxSize, cost))
	}
	if !w.yield(u) {
		w.full = true
	}
}

// finish ends the tables.
func (r *run) finish(err error) error {
	if more := r.victims - maxVictims; more > 0 {
		r.tally.Add("files", evidence.Cut("%d files over a limit beyond the %d that have a record: see their rows", more, maxVictims))
	}
	if e := r.files.close(r.tally.Err()); err == nil {
		err = e
	}
	ctx := context.WithoutCancel(r.ctx)
	if err == nil && len(r.unreadable) > 0 {
		err = r.to.Put(ctx, evidence.Item{Path: unreadableTable, Source: "files"}, r.writeUnreadable)
	}
	if err == nil {
		err = r.to.Put(ctx, evidence.Item{Path: artifactsTable, Source: "definitions"}, r.known.write)
	}
	return err
}
