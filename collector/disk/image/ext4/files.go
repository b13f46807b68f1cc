package ext4

import (
	"fmt"
	"path"
	"sort"
	"strings"
	"syscall"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Lstat implements collector.Files. Dev is 0, and birth times are zero where the
// inodes have no room for them.
func (f *FS) Lstat(name string) (*evidence.FileMeta, error) {
	n, _, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	m := n.meta
	if n.kind() == evidence.ModeSymlink {
		if m.LinkTarget, err = f.link(n); err != nil {
			return nil, err
		}
	}
	return &m, nil
}

// Names implements collector.Files: sorted by byte.
func (f *FS) Names(dir string) ([]string, error) {
	d, err := f.directory(dir)
	if err != nil {
		return nil, err
	}
	names := append([]string(nil), d.names...)
	sort.Strings(names)
	return names, d.err
}

// Open implements collector.Files. What is opened has, beside collector.Reader's
// methods, Size() int64 and NextData(off int64) (from, to int64, err error).
func (f *FS) Open(name string) (collector.Reader, error) {
	n, _, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	if !n.meta.Regular() {
		return nil, &collector.NotRegularError{Name: name, Mode: n.meta.Mode}
	}
	if n.flags&flagEncrypt != 0 {
		return nil, errEncrypted(n)
	}
	c, err := f.contents(n)
	if err != nil {
		return nil, err
	}
	return &file{contents: c}, nil
}

// lookup finds the inode of a name, and the directory that holds it.
func (f *FS) lookup(name string) (*inode, *directory, error) {
	if name == "/" {
		n, err := f.inode(rootInode)
		return n, nil, err
	}
	d, err := f.directory(path.Dir(name))
	if err != nil {
		return nil, nil, err
	}
	number, ok := d.entries[path.Base(name)]
	if !ok {
		if d.err != nil {
			return nil, nil, fmt.Errorf("%s: not among what can be read: %w", name, d.err)
		}
		return nil, nil, notExist(name)
	}
	n, err := f.inode(number)
	return n, d, err
}

// directory gives a directory by its name, from what is kept or from the disk.
func (f *FS) directory(name string) (*directory, error) {
	if d, ok := f.dirs.Get(name); ok {
		return d, nil
	}
	if !strings.HasPrefix(name, "/") {
		return nil, fmt.Errorf("%q: not an absolute name", name)
	}
	n, parent, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	if n.kind() != evidence.ModeDir {
		return nil, syscall.ENOTDIR
	}
	if parent != nil {
		if err := f.enter(n, place{parent.number, path.Base(name)}); err != nil {
			return nil, err
		}
	}
	d := f.readDir(n)
	f.dirs.Put(name, d, int64(len(d.names))+1)
	return d, nil
}

// A place is an entry of a directory.
type place struct {
	dir  uint32 // inode
	name string
}

// enter holds directories to one place each, the first through which we came: a
// directory with two names, or below itself, would give a tree without end.
func (f *FS) enter(n *inode, at place) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.places[n.number]; ok && known != at {
		return fmt.Errorf("directory inode %d: %q in directory %d, and %q in %d too: not entered twice", n.number, known.name, known.dir, at.name, at.dir)
	}
	f.places[n.number] = at
	return nil
}
