package volatile

import (
	"bytes"
	"context"
	"sort"
	"strconv"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A netNS is one network namespace of the host (network_namespaces(7)).
type netNS struct {
	Inode  uint64   // names the namespace while it lives: the N of "net:[N]"; 0 where nothing tells
	Path   string   // by which it can be opened: /proc/PID/ns/net, a mount such as /run/netns/NAME, or /proc/PID/fd/N
	Others []string // more such paths, a few: the first may be gone when it is used
	PIDs   int      // processes (and single threads that went their own way) inside
	// FirstPID is one process inside, the lowest; 0 if only a mount or a file
	// descriptor keeps the namespace alive: then /proc/PID/net cannot show it.
	FirstPID int
	Name     string // of the mount, "/run/netns/NAME"; "" if it has none
	Own      bool   // ours; on a fixture, that of process 1
}

const (
	maxNetNS       = 4096    // namespaces; more are counted as cut
	maxNSPaths     = 4       // ways kept to open one
	maxTaskReads   = 1 << 16 // threads whose namespace is looked at
	maxMountSpaces = 256     // mount namespaces whose mounts are looked through
)

// netNamespaces finds every network namespace that a process or thread is in,
// that a mount holds in any mount namespace (ip netns, docker), or that a file
// descriptor holds. Ours comes first, the others by inode. What could not be
// looked at is in the tally. A namespace that lives only through a socket that
// is on its way in a message, or through a device, cannot be found this way.
func netNamespaces(ctx context.Context, h *collector.Host) ([]netNS, *evidence.Tally) {
	s := scanProc(ctx, h)
	return s.namespaces(ctx, h), &s.tally
}

// A nsSet gathers namespaces from several sources.
type nsSet struct {
	at  map[uint64]*netNS
	cut int
}

// Not inlined, for the size of the program.
//
//go:noinline
func (s *nsSet) add(inode uint64, path string) *netNS {
	ns := s.at[inode]
	switch {
	case ns == nil && len(s.at) >= maxNetNS:
		s.cut++
		return &netNS{}
	case ns == nil:
		ns = &netNS{Inode: inode, Path: path}
		s.at[inode] = ns
	case ns.Path != path && len(ns.Others) < maxNSPaths-1:
		ns.Others = append(ns.Others, path)
	}
	return ns
}

// namespaces joins what the scan saw with the mounts of every mount namespace.
func (s *procScan) namespaces(ctx context.Context, h *collector.Host) []netNS {
	set := nsSet{at: map[uint64]*netNS{}}
	for i := range s.procs {
		p := &s.procs[i]
		if p.NetNS != 0 {
			ns := set.add(p.NetNS, "/proc/"+strconv.Itoa(p.PID)+"/ns/net")
			ns.inside(p.PID)
		}
		for _, t := range p.strayThreads {
			ns := set.add(t.netns, "/proc/"+strconv.Itoa(p.PID)+"/task/"+strconv.Itoa(t.tid)+"/ns/net")
			ns.inside(t.tid)
		}
	}
	s.mountedNamespaces(ctx, h, &set)
	for _, f := range s.nsFDs {
		set.add(f.inode, "/proc/"+strconv.Itoa(f.pid)+"/fd/"+strconv.Itoa(f.fd))
	}
	own := ownNetNS(h)
	if own == 0 && len(set.at) == 0 {
		return []netNS{{Own: true}} // a fixture without links, or a kernel without namespaces
	}
	if own != 0 && set.at[own] == nil {
		set.add(own, "/proc/thread-self/ns/net")
	}
	if set.cut > 0 {
		s.tally.Add("network namespaces", evidence.Cut("more than %d: %d finds left out", maxNetNS, set.cut))
	}
	out := make([]netNS, 0, len(set.at))
	for _, ns := range set.at {
		ns.Own = ns.Inode == own
		out = append(out, *ns)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Own != out[j].Own {
			return out[i].Own
		}
		return out[i].Inode < out[j].Inode
	})
	return out
}

func (ns *netNS) inside(pid int) {
	if ns.PIDs++; ns.FirstPID == 0 || pid < ns.FirstPID {
		ns.FirstPID = pid
	}
}

// procNet is the directory that shows the namespace's tables; "" if none does.
func (ns *netNS) procNet(h *collector.Host) string {
	switch {
	case ns.Own && h.Live:
		return "/proc/thread-self/net"
	case ns.Own && !h.Live:
		return "/proc/net"
	case ns.FirstPID == 0:
		return ""
	}
	return "/proc/" + strconv.Itoa(ns.FirstPID) + "/net"
}

func ownNetNS(h *collector.Host) uint64 {
	if h.Live {
		return namespaceOf(h, "/proc/thread-self", "net")
	}
	return namespaceOf(h, "/proc/1", "net")
}

// namespaceOf gives the inode number of a process's namespace of one kind, 0 if
// it cannot be told.
func namespaceOf(h *collector.Host, dir, kind string) uint64 {
	target, err := h.Readlink(dir + "/ns/" + kind)
	if err != nil {
		return 0
	}
	n, _ := proc.NamespaceInode([]byte(target), kind)
	return n
}

// mountedNamespaces looks through the mounts of one process of each mount
// namespace for namespaces that are mounted somewhere.
func (s *procScan) mountedNamespaces(ctx context.Context, h *collector.Host, set *nsSet) {
	seen := map[uint64]bool{}
	var buf []byte
	ownMounts := namespaceOf(h, "/proc/self", "mnt")
	for i := range s.procs {
		p := &s.procs[i]
		if ctx.Err() != nil || seen[p.MntNS] || p.MntNS == 0 && i > 0 {
			continue
		}
		if seen[p.MntNS] = true; len(seen) > maxMountSpaces {
			s.tally.Add("mounts", evidence.Cut("more than %d mount namespaces", maxMountSpaces))
			return
		}
		dir := "/proc/" + strconv.Itoa(p.PID)
		var err error
		buf, err = h.AppendFile(buf[:0], dir+"/mountinfo", proc.MaxMountinfo)
		s.tally.Add(dir+"/mountinfo", err)
		prefix := dir + "/root"
		if ownMounts != 0 && ownMounts == p.MntNS || !h.Live {
			prefix = ""
		}
		for inode, at := range nsMounts(buf) {
			if ns := set.add(inode, prefix+at); ns.Name == "" {
				ns.Name = at
			}
		}
	}
}

// nsMounts gives the network namespaces that a mountinfo text (proc_pid_mountinfo(5))
// shows as mounted: lines of type nsfs whose root is net:[N]. Of several mounts
// of one namespace the first is given.
func nsMounts(text []byte) map[uint64]string {
	out := map[uint64]string{}
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		if !bytes.Contains(line, []byte(" net:[")) {
			continue
		}
		m, err := proc.ParseMount(string(line))
		if err != nil || m.Type != "nsfs" {
			continue
		}
		n, ok := proc.NamespaceInode([]byte(m.Root), "net")
		if _, twice := out[n]; ok && !twice && len(out) < maxNetNS {
			out[n] = m.Point
		}
	}
	return out
}
