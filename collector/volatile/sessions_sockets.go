package volatile

import (
	"cmp"
	"net/netip"
	"slices"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence/sorting"
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

// maxEnds bounds the descriptors of one process; the collector sockets has all of them.
const maxEnds = 1024

func (s *socketEnds) of(dir string) (out []SocketEnd, err error) {
	var inodes []uint64
	err = proc.EachLink(s.h, dir+"/fd", func(_, target []byte) bool {
		if inode, ok := proc.NamespaceInode(target, "socket"); ok {
			inodes = append(inodes, inode)
		}
		return len(inodes) < maxEnds
	})
	if len(inodes) == 0 {
		return nil, err
	}
	table := s.table(dir)
	slices.Sort(inodes)
	for _, i := range slices.Compact(inodes) {
		if end, ok := table[i]; ok {
			out = append(out, end)
		}
	}
	sorting.By(out, func(a, b SocketEnd) int { return cmp.Compare(a.Inode, b.Inode) })
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
	for _, from := range textTables() {
		if from.name == "tcp" || from.name == "tcp6" || from.name == "unix" {
			text, _ := s.h.ReadFile(proc+"/net/"+from.name, maxProcNet) // the collector sockets records what is denied
			addEnds(t, &from, text)
		}
	}
	s.tables[ns] = t
	return t
}

// addEnds takes the sockets of one table that are somewhere: at an address, or
// at a name of AF_UNIX, whose abstract ones begin with @ here.
func addEnds(into map[uint64]SocketEnd, from *textTable, text []byte) {
	rows, _ := parseText(text, from, 0, bigEndian())
	for i := range rows {
		r := &rows[i]
		switch {
		case r.Inode == 0, from.name == "unix" && r.Path == "" && !r.Abstract:
		case from.name == "unix" && r.Abstract:
			into[r.Inode] = SocketEnd{Inode: r.Inode, Family: from.name, Local: "@" + r.Path}
		case from.name == "unix":
			into[r.Inode] = SocketEnd{Inode: r.Inode, Family: from.name, Local: r.Path}
		default:
			into[r.Inode] = SocketEnd{r.Inode, from.name, r.State, jsonl.Text(addressText(r.LocalAddr, r.LocalPort)), addressText(r.RemoteAddr, r.RemotePort)}
		}
	}
}

func addressText(a netip.Addr, port uint32) string {
	return netip.AddrPortFrom(a.Unmap(), uint16(port)).String()
}
