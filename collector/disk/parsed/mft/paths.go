package mft

import (
	"path"
	"strings"
	"sync"

	"hozen/collector/disk/image/ntfs/layout"
)

// Volumes keeps the paths of each volume whose $MFT was read, for other formats. The
// zero Volumes is ready, and safe for concurrent use.
type Volumes struct {
	mu     sync.Mutex
	byRoot map[string]*Paths
}

// set keeps the paths of the volume whose $MFT has this name on the host.
func (v *Volumes) set(mft string, p *Paths) {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.byRoot == nil {
		v.byRoot = map[string]*Paths{}
	}
	v.byRoot[path.Dir(mft)] = p
}

// Of gives the paths of the volume with this directory as its root ("/", "/C:"); nil if
// its $MFT was not read.
func (v *Volumes) Of(root string) *Paths {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.byRoot[root]
}

// Paths says where directories are. It is filled by one goroutine; then all may read it.
type Paths struct {
	dirs map[uint64]*dir
	text int // bytes of all names
}

type dir struct {
	name     string
	parent   layout.Ref
	sequence uint16
	inUse    bool
	better   bool // the name is of the namespace that programs see
}

// Bounds of what is kept of a volume.
const (
	maxDirs  = 4 << 20
	maxText  = 256 << 20
	maxDepth = 512
	maxPath  = 32 << 10 // bytes; Windows allows 32767 characters
)

func newPaths() *Paths { return &Paths{dirs: map[uint64]*dir{}} }

func (p *Paths) add(number uint64, r *layout.Record, name layout.FileName) {
	d := p.dirs[number]
	if d == nil {
		if len(p.dirs) >= maxDirs || p.text+len(name.Name) > maxText {
			return
		}
		d = &dir{sequence: r.Sequence, inUse: r.Flags&layout.InUse != 0}
		p.dirs[number] = d
	}
	if better := name.Space != layout.Posix; d.name == "" || better && !d.better {
		p.text += len(name.Name) - len(d.name)
		d.name, d.parent, d.better = name.Name, name.Parent, better
	}
}

// use notes how often the directory's own record was used: its name may lie in another.
func (p *Paths) use(number uint64, r *layout.Record) {
	if d := p.dirs[number]; d != nil {
		d.sequence, d.inUse = r.Sequence, r.Flags&layout.InUse != 0
	}
}

const root = 5

// Path gives the full path of a name in a directory, from the root of the volume, with \
// between its components. Where a directory of it is unknown, or its record was used
// again for another, "?" stands for it and for what is above it.
func (p *Paths) Path(parent layout.Ref, name string) string {
	parts, size := []string{name}, len(name)
	for range maxDepth {
		if parent.Number() == root {
			return p.join("", parts)
		}
		var d *dir
		if p != nil {
			d = p.dirs[parent.Number()]
		}
		if d == nil || !d.was(parent.Sequence()) || size > maxPath {
			return p.join("?", parts)
		}
		parts = append(parts, d.name)
		size += 1 + len(d.name)
		parent = d.parent
	}
	return p.join("?", parts)
}

// was says whether the directory is the one of a reference with this count of uses: its
// deletion counts as a use.
func (d *dir) was(sequence uint16) bool {
	return sequence == d.sequence || !d.inUse && sequence+1 == d.sequence
}

func (*Paths) join(top string, parts []string) string {
	var b strings.Builder
	b.WriteString(top)
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteByte('\\')
		b.WriteString(parts[i])
	}
	return b.String()
}
