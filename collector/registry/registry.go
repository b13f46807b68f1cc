package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"hozen/collector"
	"hozen/collector/registry/hive"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// The roots. Those of the registry that are views of these (HKEY_CURRENT_USER,
// HKEY_CLASSES_ROOT, HKEY_CURRENT_CONFIG) are not given: their keys are at
// HKEY_USERS\SID, at SOFTWARE\Classes of machine and users, and at
// SYSTEM\CurrentControlSet\Hardware Profiles\Current.
const (
	LocalMachine = `HKEY_LOCAL_MACHINE`
	Users        = `HKEY_USERS`
)

// ErrNoRegistry is the outcome on a host that has no registry.
var ErrNoRegistry = evidence.Skip("no registry: neither a running Windows nor a disk with one")

// Registry is the registry of a host. It may be used concurrently.
type Registry struct {
	host   *collector.Host
	mounts map[string]*mount // by folded path
	users  []User

	mu      sync.Mutex
	sources []*source
}

// mount is a place of the registry whose keys have a source of their own.
type mount struct {
	at   string
	open func() (node, error)
}

// Open opens the registry of a host: that of the running system, if it is Windows and
// the host is live; else the hive files of a disk. There, files are opened when a key in
// them is first asked for. Hives of users who are not logged on are read from their
// files on a running system, too. The error is ErrNoRegistry, or of why there is none.
func Open(h *collector.Host) (*Registry, error) {
	r := &Registry{host: h, mounts: map[string]*mount{}}
	if h.Live {
		if err := r.mountSystem(); err != nil {
			return nil, err
		}
		return r, nil
	}
	if err := r.mountDisk(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close closes the files. Keys that are open must not be used any more.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all error
	for _, s := range r.sources {
		all = fault.Join(all, s.close())
	}
	return all
}

// mount puts a source at a place; a place that is taken stays as it is.
func (r *Registry) mount(at string, open func() (node, error)) {
	if r.mounts[hive.Fold(at)] == nil {
		r.mounts[hive.Fold(at)] = &mount{at, open}
	}
}

// maxLinks bounds the symbolic links on the way to one key.
const maxLinks = 32

// maxMountDepth is more than the names of the deepest place of a hive,
// HKEY_USERS\SID\Software\Classes.
const maxMountDepth = 8

// linkError is given by a node that met a symbolic link on its way.
type linkError struct{ target, rest string }

func (e *linkError) Error() string { return "leads through a symbolic link to " + e.target }

// Key opens a key by its whole name: `HKEY_LOCAL_MACHINE\SYSTEM\Select`, or with the
// short forms HKLM and HKU. Case is not looked at; links are followed. The error is
// fs.ErrNotExist or fs.ErrPermission where that is why.
func (r *Registry) Key(path string) (*Key, error) {
	path = wholePath(path)
	n, err := r.open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Key{reg: r, path: path, node: n}, nil
}

func (r *Registry) open(path string) (node, error) {
	for range maxLinks {
		m, rest := r.find(path)
		if m == nil {
			return nil, fs.ErrNotExist
		}
		n, err := m.open()
		if err != nil || rest == "" {
			return n, err
		}
		below, err := n.open(rest, -1)
		n.close()
		var link *linkError
		if !errors.As(err, &link) {
			return below, err
		}
		if path = userPath(link.target); path == "" {
			return nil, fmt.Errorf("a symbolic link leads to %q: %w", link.target, fs.ErrNotExist)
		}
		if link.rest != "" {
			path += `\` + link.rest
		}
	}
	return nil, fmt.Errorf("more than %d symbolic links on the way", maxLinks)
}

// find gives the source that a key is in, and the key's name in it.
func (r *Registry) find(path string) (*mount, string) {
	at, rest := path, ""
	for i, names := 0, 0; i < len(path); i++ {
		if path[i] != '\\' {
			continue
		}
		if names++; names == maxMountDepth { // a link may lead to a path of thousands of names
			at, rest = path[:i], path[i+1:]
			break
		}
	}
	for {
		if m := r.mounts[hive.Fold(at)]; m != nil {
			return m, rest
		}
		cut := strings.LastIndexByte(at, '\\')
		if cut < 0 {
			return nil, ""
		}
		at, rest = at[:cut], path[cut+1:]
	}
}

// wholePath writes the short form of a root in full.
func wholePath(path string) string {
	root, rest, more := strings.Cut(strings.Trim(path, `\`), `\`)
	switch hive.Fold(root) {
	case "HKLM", LocalMachine:
		root = LocalMachine
	case "HKU", Users:
		root = Users
	}
	if more {
		return root + `\` + rest
	}
	return root
}

// userPath gives the name of a key from that in the kernel's namespace; "" for one that
// is in neither root.
func userPath(name string) string {
	for prefix, root := range map[string]string{`\REGISTRY\MACHINE`: LocalMachine, `\REGISTRY\USER`: Users} {
		if len(name) >= len(prefix) && hive.Fold(name[:len(prefix)]) == prefix {
			rest := name[len(prefix):]
			if rest == "" || rest[0] == '\\' {
				return root + strings.TrimSuffix(rest, `\`)
			}
		}
	}
	return ""
}

// place is a root of which only the keys directly below are known.
type place struct {
	reg *Registry
	at  string
}

func (p place) read(want want) (c contents, err error) {
	for _, m := range p.reg.below(p.at) {
		c.names = append(c.names, m.at[len(p.at)+1:])
	}
	c.info.Keys = len(c.names)
	if want&wantNames == 0 {
		c.names = nil
	}
	return c, nil
}

func (p place) open(name string, _ int) (node, error) {
	first, rest, more := strings.Cut(name, `\`)
	m := p.reg.mounts[hive.Fold(p.at+`\`+first)]
	if m == nil {
		return nil, fs.ErrNotExist
	}
	n, err := m.open()
	if err != nil || !more {
		return n, err
	}
	defer n.close()
	return n.open(rest, -1)
}

func (p place) close() error { return nil }
