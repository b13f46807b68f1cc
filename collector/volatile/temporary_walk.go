package volatile

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"hozen/collector"
	"hozen/packager/evidence"
)

// A memDir is an open directory of a file system in memory. Names are single
// components, byte for byte.
type memDir interface {
	// names lists the directory, sorted by byte; what came before an error is given with it.
	names() ([]string, error)
	// stat describes an entry without opening it, and says on which mount it is
	// (0 if the system does not tell). The empty name is the directory itself.
	stat(name string) (*evidence.FileMeta, uint64, error)
	xattrs(name string) ([]memXattr, error)
	dir(name string) (memDir, error)
	// file opens a regular file for reading without changing its access time,
	// if it still is the file that meta describes.
	file(name string, meta *evidence.FileMeta) (*os.File, error)
	close()
}

type memXattr struct{ name, value string }

// errReplaced is the outcome of an entry that became another one between two looks.
var errReplaced = evidence.Gone("replaced by another file while it was looked at")

// memEntry is one entry as the walk meets it.
type memEntry struct {
	in    memDir
	name  string // in its directory; "" for the root of the tree
	path  string // below the mount point: "/a/b"; "" for the root of the tree
	meta  *evidence.FileMeta
	mount string // the type of the file system mounted here, "" if none
	// hidden says that a mount lies over a directory above, so that the host's
	// own programs cannot see the entry.
	hidden bool
	err    error // why meta is nil, or why a directory was not listed
}

// Bounds of a walk: each open directory above costs a descriptor, each name
// of one directory some bytes.
const (
	maxMemDepth = 256
	maxMemNames = 1 << 20
)

// memWalk visits every entry of one tree in a stable order.
type memWalk struct {
	ctx    context.Context
	tree   *memTree
	whole  bool // the directory handle shows what lies under other mounts, and no other mount
	mount  uint64
	rooted uint64 // st_dev of the root
	visit  func(*memEntry) error
}

// walkMemory visits the tree. It returns the error of opening the tree, of
// visit, or of ctx; what goes wrong below is in the entries.
func walkMemory(ctx context.Context, h *collector.Host, t *memTree, visit func(*memEntry) error) error {
	root, whole, err := openMemTree(h, t)
	if err != nil {
		return err
	}
	defer root.close()
	w := &memWalk{ctx: ctx, tree: t, whole: whole, visit: visit}
	meta, mount, err := root.stat("")
	if err != nil {
		return err
	}
	w.mount, w.rooted = mount, meta.Dev
	if err := visit(&memEntry{in: root, meta: meta}); err != nil {
		return err
	}
	return w.list(root, "", false, 0)
}

// list visits what is in d.
func (w *memWalk) list(d memDir, path string, hidden bool, depth int) error {
	names, err := d.names()
	for _, name := range names {
		if w.ctx.Err() != nil {
			return context.Cause(w.ctx)
		}
		if err := w.entry(&memEntry{in: d, name: name, path: path + "/" + name, hidden: hidden}, depth); err != nil {
			return err
		}
	}
	if err != nil {
		return w.visit(&memEntry{in: d, path: path, err: err, hidden: hidden})
	}
	return nil
}

func (w *memWalk) entry(e *memEntry, depth int) error {
	e.mount = w.tree.Below[e.path[1:]]
	if e.mount != "" && !w.whole {
		// Even a look at it could wait for ever: the way it hangs on is mounted here.
		return w.visit(e)
	}
	var mount uint64
	e.meta, mount, e.err = e.in.stat(e.name)
	switch {
	case errors.Is(e.err, fs.ErrNotExist):
		e.err = evidence.Gone("gone since its directory was listed")
		return w.visit(e)
	case e.err != nil:
		return w.visit(e)
	case mount != w.mount || e.meta.Dev != w.rooted:
		e.mount = "mounted since the mounts were listed"
	}
	if err := w.visit(e); err != nil || e.meta.Mode&evidence.ModeType != evidence.ModeDir {
		return err
	}
	if mount != w.mount || e.meta.Dev != w.rooted {
		return nil
	}
	return w.descend(e, depth)
}

func (w *memWalk) descend(e *memEntry, depth int) error {
	again := *e
	if depth >= maxMemDepth {
		again.err = evidence.Cut("not listed: deeper than %d directories", maxMemDepth)
		return w.visit(&again)
	}
	d, err := e.in.dir(e.name)
	if err != nil {
		again.err = err
		return w.visit(&again)
	}
	defer d.close()
	if m, mount, err := d.stat(""); err != nil || mount != w.mount || m.Inode != e.meta.Inode {
		again.err = errReplaced
		return w.visit(&again)
	}
	return w.list(d, e.path, e.hidden || e.mount != "", depth+1)
}

// memChooser decides whose contents are taken. Two of them that see the same
// entries in the same order decide alike.
type memChooser struct {
	host  *collector.Host
	quota *quota // nil while sizes are being counted
	links map[collector.FileID]string
}

// maxMemLinks bounds how many files with several names are remembered; beyond
// that a file may be taken once for each of its names.
const maxMemLinks = 1 << 16

func newMemChooser(h *collector.Host, q *quota) *memChooser {
	return &memChooser{host: h, quota: q, links: map[collector.FileID]string{}}
}

// choose gives the reason why contents are not taken ("" if they are), and the
// name under which the same file was met before.
func (c *memChooser) choose(source string, e *memEntry) (why, same string) {
	if !e.meta.Regular() || e.err != nil {
		return "not a regular file", ""
	}
	id := collector.FileID{Dev: e.meta.Dev, Inode: e.meta.Inode}
	if c.host.IsOwn(id) {
		return "our own output", ""
	}
	if e.meta.Nlink > 1 {
		if first, ok := c.links[id]; ok {
			return "another name of a file that was met before", first
		}
		if len(c.links) < maxMemLinks {
			c.links[id] = source
		}
	}
	if c.quota == nil {
		return "", ""
	}
	return c.quota.refuse(e.meta), ""
}
