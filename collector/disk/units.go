package disk

import (
	"context"
	"io/fs"
	"path"

	"errors"

	"hozen/collector"
	"hozen/collector/disk/artifact"
	"hozen/packager/evidence"
)

// A unit is what is read together: one file, or a set, its main file first.
type unit struct {
	files []*file
}

func (u *unit) main() *file { return u.files[0] }

// set says whether the unit is more than one file.
func (u *unit) set() bool { return len(u.files) > 1 }

// cost is how many bytes of a unit are taken.
func (u *unit) cost(l Options) (bytes int64) {
	for _, f := range u.files {
		if f.why == nil {
			bytes += l.cost(f.meta)
		}
	}
	return bytes
}

// formSets makes the units of what was found, in order. Files that a database keeps
// beside a file that is taken are looked for, whether a definition names them or not.
func (f *finding) formSets(ctx context.Context, w *watch) {
	for _, n := range f.files[:len(f.files):len(f.files)] {
		if n.set != nil || n.why == nil && f.belongs(n) {
			continue
		}
		u := &unit{files: []*file{n}}
		n.set = u
		f.units = append(f.units, u)
		if n.why != nil {
			continue
		}
		for _, beside := range f.beside(ctx, n, w) {
			if c := f.companion(ctx, n, beside, w); c != nil && c.why == nil && c.set == nil {
				c.set = u
				u.files = append(u.files, c)
			}
		}
	}
}

// belongs says whether a file is a companion of one that is taken, which will bring it.
func (f *finding) belongs(n *file) bool {
	main := mainOf(path.Base(n.path))
	if main == "" {
		return false
	}
	m := f.byPath[path.Join(path.Dir(n.path), main)]
	return m != nil && m.why == nil
}

// beside gives the names of what may lie beside a file and belong to it.
func (f *finding) beside(ctx context.Context, n *file, w *watch) (out []string) {
	dir, base := path.Split(n.path)
	if mainOf(base) == "" {
		for _, s := range sqliteSuffixes() {
			out = append(out, n.path+s)
		}
	}
	if f.system != artifact.Windows || logsOf(base) == nil {
		return out
	}
	names, err := ask(ctx, w, f.host, func(h *collector.Host) []string {
		names, _ := h.Names(dir) // what cannot be listed has no companions that are known
		return names
	})
	if err != nil {
		return out
	}
	out = nil
	for _, c := range companions(base, names) {
		out = append(out, dir+c)
	}
	return out
}

// companion gives a file that belongs to main, if it is there.
func (f *finding) companion(ctx context.Context, main *file, name string, w *watch) *file {
	if known := f.byPath[name]; known != nil {
		if !known.wanted {
			known.wanted = true
			f.decide(known)
		}
		return known
	}
	meta, err := lstat(ctx, w, f.host, name)
	if err != nil || !meta.Regular() || len(f.files) >= maxFound {
		if !errors.Is(err, fs.ErrNotExist) {
			f.tally.Add(name, err)
		}
		return nil
	}
	return f.enter(&file{path: name, meta: meta, value: main.value, first: main.first, artifacts: main.artifacts, wanted: true})
}

// lstat is Lstat that a host which does not answer cannot hold.
func lstat(ctx context.Context, w *watch, h *collector.Host, name string) (*evidence.FileMeta, error) {
	type answer struct {
		meta *evidence.FileMeta
		err  error
	}
	a, err := ask(ctx, w, h, func(h *collector.Host) answer {
		m, err := h.Lstat(name)
		return answer{m, err}
	})
	if err != nil {
		return nil, err
	}
	return a.meta, a.err
}
