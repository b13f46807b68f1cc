package volatile

import (
	"cmp"
	"slices"

	"hozen/collector"
)

// socketEnds finds the sockets of a process with an address, through its file
// descriptors and the tables of its own network namespace, each read once.
type socketEnds struct {
	h      *collector.Host
	tables map[string]map[uint64]SocketEnd // by link of the namespace
}

func newSocketEnds(h *collector.Host) *socketEnds {
	return &socketEnds{h, map[string]map[uint64]SocketEnd{}}
}

// Bounds of one process's descriptors and of one table; the collector sockets
// has all of them.
const (
	maxEnds     = 1024
	maxNetTable = 16 << 20
)

func (s *socketEnds) of(proc string) (out []SocketEnd, err error) {
	var inodes []uint64
	err = eachLink(s.h, proc+"/fd", func(_, target []byte) bool {
		if inode, ok := nsInode(target, "socket"); ok {
			inodes = append(inodes, inode)
		}
		return len(inodes) < maxEnds
	})
	if len(inodes) == 0 {
		return nil, err
	}
	table := s.table(proc)
	slices.Sort(inodes)
	for _, i := range slices.Compact(inodes) {
		if end, ok := table[i]; ok {
			out = append(out, end)
		}
	}
	slices.SortFunc(out, func(a, b SocketEnd) int { return cmp.Compare(a.Inode, b.Inode) })
	return out, err
}

func (s *socketEnds) table(proc string) map[uint64]SocketEnd {
	ns, err := s.h.Readlink(proc + "/ns/net")
	if err != nil {
		ns = proc
	}
	if t, ok := s.tables[ns]; ok {
		return t
	}
	t := map[uint64]SocketEnd{}
	for _, name := range []string{"tcp", "tcp6", "unix"} {
		text, _ := s.h.ReadFile(proc+"/net/"+name, maxNetTable) // the collector sockets records what is denied
		if name == "unix" {
			parseUnixEnds(text, t)
		} else {
			parseTCPEnds(name, text, t)
		}
	}
	s.tables[ns] = t
	return t
}
