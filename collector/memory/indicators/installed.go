package indicators

import (
	"fmt"
	"strings"
	"sync"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// What explains a sign must not be what an ordinary user can put there. The names
// that /proc gives are strings of the process's own mount namespace: whoever may
// make a user namespace can mount files of its own on /usr/lib, and a file system
// in user space that was detached (umount -l) leaves names that begin at its root.

// installed says whether a mapped file is installed software: its name lies where
// packages or software beside them are put; the file of that name, as the process
// sees it, is the one that is mapped; root owns it, as seen from here, where a user
// namespace's root is an ordinary user; nobody else may write to it; and no file
// system on the way is one that a user can serve, and say anything of.
func (p *process) installed(m *proc.Mapping) bool {
	if m.Inode == 0 || m.Deleted || p.base == nil {
		return false
	}
	f := p.base.installed.at(p, unescaped(m.Path))
	return f.ok && f.inode == m.Inode && (f.overlay || f.device == m.Dev)
}

// imageInstalled says so of the running image.
func (p *process) imageInstalled() bool {
	for i := range p.maps {
		if m := &p.maps[i]; m.Executable() && !m.Deleted && unescaped(m.Path) == p.exe {
			return p.installed(m)
		}
	}
	return false
}

// takenOver says that a file without a name lay where software is installed, on the
// same file system, and that root has put another one there: an upgrade.
func (p *process) takenOver(m *proc.Mapping) bool {
	if m.Inode == 0 || p.base == nil {
		return false
	}
	f := p.base.installed.at(p, unescaped(m.Path))
	return f.ok && f.inode != m.Inode && (f.overlay || f.device == m.Dev)
}

// imageMapping gives the mapping of the image; nil where it has none.
func (p *process) imageMapping() *proc.Mapping {
	for i := range p.maps {
		if m := &p.maps[i]; m.Executable() && isImage(m, p.exe) {
			return m
		}
	}
	return nil
}

// other reads as much of another process as tells whether its image is installed.
func (p *process) other(pid int) *process {
	o := &process{ctx: p.ctx, host: p.host, base: p.base, pid: pid}
	o.exe, _ = o.host.Readlink(o.path("exe"))
	o.mountNS, _ = o.host.Readlink(o.path("ns/mnt"))
	o.ourMounts = p.base != nil && o.mountNS != "" && o.mountNS == p.base.mntNS()
	text, _ := o.host.ReadFile(o.path("maps"), limitMaps)
	o.maps, _, _ = proc.ParseMappings(string(text))
	return o
}

// An installedFile is what has a name where software is installed.
type installedFile struct {
	ok      bool
	inode   uint64
	device  string // of its file system, as maps writes it
	overlay bool   // maps may name a layer's device instead
}

// installedFiles remembers what was asked, by mount namespace and name. It is safe
// for concurrent use.
type installedFiles struct {
	mu     sync.Mutex
	files  map[string]installedFile
	mounts map[string][]proc.Mount
}

// maxInstalled bounds what is remembered; beyond it nothing is explained.
const maxInstalled = 1 << 16

func (f *installedFiles) at(p *process, name string) installedFile {
	if !systemPlace(name) && !addedPlace(name) || p.mountNS == "" {
		return installedFile{}
	}
	key := p.mountNS + name
	f.mu.Lock()
	known, ok := f.files[key]
	full := len(f.files) >= maxInstalled
	f.mu.Unlock()
	if ok || full {
		return known
	}
	known = look(p.host, f.mountsOf(p), p.inRoot(name), name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files == nil {
		f.files = map[string]installedFile{}
	}
	f.files[key] = known
	return known
}

// look looks at the file that has a name among some mounts; at is the name by which
// it is reached from here.
func look(h *collector.Host, mounts []proc.Mount, at, name string) (out installedFile) {
	for _, m := range mounts {
		if proc.Under(name, m.Point) && servedByUsers(m.Type) {
			return out
		}
	}
	m, ok := proc.MountAt(mounts, name)
	if !ok {
		return out
	}
	meta, err := h.Lstat(at)
	if err != nil || !rootsFile(meta) {
		return out
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(m.Device, "%d:%d", &major, &minor); err != nil {
		return out
	}
	return installedFile{ok: true, inode: meta.Inode, device: fmt.Sprintf("%02x:%02x", major, minor), overlay: m.Type == "overlay"}
}

// rootsFile says that root alone decides what is in a file.
func rootsFile(m *evidence.FileMeta) bool { return m.Regular() && m.UID == 0 && m.Mode&0o022 == 0 }

// servedByUsers says that programs of users can answer for a file system of a type,
// or another machine: they say what owner they like.
func servedByUsers(kind string) bool {
	return strings.HasPrefix(kind, "fuse") || strings.HasPrefix(kind, "9p") || strings.HasPrefix(kind, "cifs") || strings.HasPrefix(kind, "smb")
}

// mountsOf gives the mounts that a process sees; those of one namespace are read once.
func (f *installedFiles) mountsOf(p *process) []proc.Mount {
	if p.ourMounts {
		return p.base.mounts()
	}
	f.mu.Lock()
	known, ok := f.mounts[p.mountNS]
	f.mu.Unlock()
	if ok {
		return known
	}
	text, _ := p.host.ReadFile(p.path("mountinfo"), 1<<20)
	known, _, _ = proc.ParseMounts(string(text))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mounts == nil {
		f.mounts = map[string][]proc.Mount{}
	}
	if len(f.mounts) < 1<<10 {
		f.mounts[p.mountNS] = known
	}
	return known
}
