package artifact

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/packager/evidence"
)

// hosts makes one host in two ways: as an image, and, on Linux, as a folder. A name
// that ends in / is a directory, "a -> b" a link, all else a file that holds what
// comes after " = ".
func hosts(t testing.TB, names ...string) map[string]*collector.Host {
	t.Helper()
	h := imageOf(names...)
	all := map[string]*collector.Host{"image": h}
	if runtime.GOOS == "linux" { // elsewhere not every name and link can be made
		all["folder"] = &collector.Host{Root: h.Image.(image).write(t), Now: hosttest.Epoch.UTC}
	}
	return all
}

// imageOf makes an image only.
func imageOf(names ...string) *collector.Host {
	im := image{"/": {meta: evidence.FileMeta{Mode: evidence.ModeDir | 0o755}}}
	for _, name := range names {
		name, body, _ := strings.Cut(name, " = ")
		name, target, link := strings.Cut(name, " -> ")
		switch {
		case strings.HasSuffix(name, "/"):
			im.add(strings.TrimSuffix("/"+name, "/"), node{meta: evidence.FileMeta{Mode: evidence.ModeDir | 0o755}})
		case link:
			im.add("/"+name, node{meta: evidence.FileMeta{Mode: evidence.ModeSymlink | 0o777, LinkTarget: target}})
		default:
			im.add("/"+name, node{meta: evidence.FileMeta{Mode: evidence.ModeRegular | 0o644, Size: int64(len(body))}, body: body})
		}
	}
	return &collector.Host{Root: "/", Image: im, Now: hosttest.Epoch.UTC}
}

// An image is a file system in memory.
type image map[string]*node

type node struct {
	meta  evidence.FileMeta
	body  string
	names []string
}

func (im image) add(name string, n node) {
	im[name] = &n
	for name != "/" {
		dir := path.Dir(name)
		parent := im[dir]
		if parent == nil {
			parent = &node{meta: evidence.FileMeta{Mode: evidence.ModeDir | 0o755}}
			im[dir] = parent
		}
		if !slices.Contains(parent.names, path.Base(name)) {
			parent.names = append(parent.names, path.Base(name))
			slices.Sort(parent.names)
		}
		name = dir
	}
}

func (im image) Lstat(name string) (*evidence.FileMeta, error) {
	if n := im[name]; n != nil {
		m := n.meta
		return &m, nil
	}
	return nil, fs.ErrNotExist
}

func (im image) Names(dir string) ([]string, error) {
	if n := im[dir]; n != nil {
		return slices.Clone(n.names), nil
	}
	return nil, fs.ErrNotExist
}

func (im image) Open(name string) (collector.Reader, error) {
	n := im[name]
	if n == nil {
		return nil, fs.ErrNotExist
	}
	r := strings.NewReader(n.body)
	return struct {
		io.Reader
		io.ReaderAt
		io.Closer
	}{r, r, io.NopCloser(nil)}, nil
}

// write makes a folder of the image.
func (im image) write(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	var names []string
	for name := range im {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		at, n, err := filepath.Join(root, name), im[name], error(nil)
		switch n.meta.Mode & evidence.ModeType {
		case evidence.ModeDir:
			err = os.MkdirAll(at, 0o755)
		case evidence.ModeSymlink:
			err = os.Symlink(n.meta.LinkTarget, at)
		default:
			err = os.WriteFile(at, []byte(n.body), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// find gives the paths that a source's patterns come to, "via" after those that
// were come to by a link, and the errors.
func find(t testing.TB, f *Finder, s Source) (paths []string, errs []string) {
	t.Helper()
	for _, p := range f.Expand(s) {
		err := f.Find(t.Context(), p, func(m Match) bool {
			text := m.Path
			if m.Via != "" {
				text += " via " + m.Via
			}
			if m.Meta == nil {
				t.Errorf("%s: no metadata", m.Path)
			}
			paths = append(paths, text)
			return true
		})
		if err != nil {
			errs = append(errs, p.Text+": "+err.Error())
		}
	}
	return paths, errs
}
