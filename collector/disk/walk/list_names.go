package walk

import (
	"errors"
	"io/fs"

	"hozen/collector"
	"hozen/collector/winfile"
	"hozen/packager/evidence"
)

// nameLister reads directories by their names: in a disk image, and on systems
// without a lister of their own. In an image no name leads through a link, for each
// is made of what was listed.
//
// A live Windows does not list alternate streams beside their files, as an image does:
// there they are asked for with each file, and visited after it as "file:stream".
type nameLister struct {
	streams []winfile.DataStream // of what was looked at last
}

func lstat(h *collector.Host, name string) (*evidence.FileMeta, []winfile.DataStream, error) {
	if h.Image != nil {
		m, err := h.Image.Lstat(name)
		return m, nil, err
	}
	return h.LstatStreams(name)
}

func list(h *collector.Host, dir string) ([]string, error) {
	if h.Image != nil {
		return h.Image.Names(dir)
	}
	return h.Names(dir)
}

// look fills the entry in; false if the worker was left behind.
func (l *nameLister) look(w *worker, e *Entry) bool {
	state := w.into()
	m, streams, err := lstat(w.s.host, string(e.Path))
	if !w.out(state) {
		return false
	}
	l.streams = streams
	switch {
	case m != nil: // with an error, if its streams could not be listed
		e.Meta, e.Known, e.Link, e.Err = metaOf(m), true, []byte(m.LinkTarget), err
		e.at = place{host: w.s.host, fd: -1, name: e.Name()}
	case errors.Is(err, fs.ErrNotExist):
		e.Err = evidence.Gone("gone since its directory was listed")
	default:
		e.Err = err
	}
	return true
}

// begin implements lister.
func (l *nameLister) begin(w *worker, root int) *node {
	name := w.s.options.Roots[root].Path
	w.path = append(w.path[:0], name...)
	w.entry = Entry{Root: root, Path: w.path}
	n := &node{name: name, root: root, length: len(name), fd: -1}
	w.s.roots[root].mount.Store(0) // no mount that could be told from others
	if w.s.host.Image != nil {     // links above the root are seen through
		if _, err := w.s.host.Lstat(name); err != nil {
			w.entry.Err = err
			w.s.giveUp(root, err)
			w.give()
			return nil
		}
	}
	return l.opened(w, n, &w.entry)
}

// enter implements lister.
func (l *nameLister) enter(w *worker, parent *node, name string) *node {
	w.in(parent)
	e := w.begins(parent, []byte(name))
	n := &node{parent: parent, name: name, root: parent.root, depth: parent.depth + 1, length: len(w.path), fd: -1}
	return l.opened(w, n, e)
}

func (l *nameLister) opened(w *worker, n *node, e *Entry) *node {
	if !l.look(w, e) {
		return nil
	}
	switch {
	case e.Known && !e.Meta.Directory() && n.parent == nil:
		w.known(e)
		return nil
	case e.Known && !e.Meta.Directory():
		e.Err = errReplaced
	case e.Known && n.length > maxPath:
		e.Err = evidence.Cut("not listed: its path has more than %d bytes", maxPath)
	case e.Known && w.walked(e):
		return nil
	}
	if !w.give() || e.Err != nil {
		if n.parent == nil && e.Err != nil {
			w.s.giveUp(n.root, e.Err)
		}
		return nil
	}
	n.inode = e.Meta.Inode
	n.refs.Store(1)
	w.count.directories++
	if len(l.streams) > 0 && !l.visitStreams(w, n, nil) {
		return nil
	}
	return n
}

// read implements lister.
func (l *nameLister) read(w *worker, n *node) (more bool) {
	dir := string(n.appendPath(nil))
	state := w.into()
	names, err := list(w.s.host, dir)
	if !w.out(state) {
		return false
	}
	for _, name := range names {
		if dots([]byte(name)) {
			continue
		}
		if !l.one(w, n, []byte(name)) {
			return false
		}
	}
	if err != nil {
		w.broke(n, err)
	}
	return false
}

func (l *nameLister) one(w *worker, n *node, name []byte) bool {
	e := w.begins(n, name)
	if !possible(name) {
		e.Err = errors.New("not looked at: no name that a file can have")
		return w.give()
	}
	if w.stopped(e) {
		return !w.s.stop.Load()
	}
	if !l.look(w, e) {
		return false
	}
	switch {
	case !e.Known:
		return w.give()
	case e.Meta.Directory():
		w.wait(name)
		return true
	}
	return w.known(e) && l.visitStreams(w, n, name)
}

// visitStreams visits the alternate streams of the file that was looked at, or, without
// a name, of the directory.
func (l *nameLister) visitStreams(w *worker, n *node, name []byte) bool {
	meta := w.entry.Meta
	meta.Mode, meta.Inode, meta.Nlink = evidence.ModeRegular|0o777, 0, 1
	for _, s := range l.streams {
		var e *Entry
		if name != nil {
			e = w.begins(n, []byte(string(name)+":"+s.Name))
		} else {
			w.entry = Entry{Root: n.root, Path: append(n.appendPath(nil), ":"+s.Name...), Covered: n.covered}
			e = &w.entry
		}
		e.Meta = meta
		e.Meta.Size, e.Meta.Blocks = s.Size, (s.Allocated+511)/512
		e.at = place{host: w.s.host, fd: -1}
		if !w.known(e) {
			return false
		}
	}
	return true
}
