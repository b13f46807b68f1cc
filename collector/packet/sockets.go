//go:build !windows

package packet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"hozen/collector"
	"hozen/collector/proc"
)

// A socketReader reads which process holds which socket, from /proc. It remembers
// the holders of sockets that are still there, so that the file descriptors of all
// processes are looked at only where there is a new one.
type socketReader struct {
	self    string            // the thread that began the capture, below /proc
	ns      uint64            // the network namespace that is captured
	holders map[uint64]*owner // by the socket's inode
	nobody  map[uint64]int    // sockets that nobody was found to hold, and how often
}

// newSocketReader reads for the network namespace of the thread that calls it.
func newSocketReader(h *collector.Host) socketReader {
	r := socketReader{self: "/proc/self"}
	if thread, err := h.Readlink("/proc/thread-self"); err == nil {
		r.self = "/proc/" + thread
	}
	r.ns = namespaceOf(proc.NewLinkReader(h), r.self)
	return r
}

// namespaceOf gives the inode of the network namespace of a process or thread; 0
// if it cannot be read.
func namespaceOf(l *proc.LinkReader, dir string) uint64 {
	target, err := l.Readlink(dir + "/ns/net")
	if err != nil {
		return 0
	}
	n, _ := proc.NamespaceInode(target, "net")
	return n
}

// A seenSocket is a line of a table of /proc/net.
type seenSocket struct {
	key   socketKey
	inode uint64
	own   bool // in our own network namespace
}

const (
	maxSocketText = 16 << 20 // of one table
	maxNamespaces = 64
	maxNobody     = 3 // times that the holder of a socket is looked for
)

// read gives the connected sockets of all network namespaces, and the unconnected
// ones of ours.
func (r *socketReader) read(h *collector.Host) (known, open map[socketKey]*owner) {
	seen, pids := r.seenSockets(h)
	r.forget(seen)
	wanted := map[uint64]bool{}
	for _, s := range seen {
		if r.holders[s.inode] == nil && r.nobody[s.inode] < maxNobody {
			wanted[s.inode] = true
		}
	}
	if len(wanted) > 0 {
		r.find(h, pids, wanted)
	}
	known, open = map[socketKey]*owner{}, map[socketKey]*owner{}
	for _, s := range seen {
		p := r.holders[s.inode]
		switch connected := s.key.remote.Port() != 0; {
		case p == nil:
		case connected && (s.own || known[s.key] == nil && !s.key.local.Addr().IsLoopback()):
			known[s.key] = p
		case !connected && s.own:
			open[socketKey{proto: s.key.proto, local: s.key.local}] = p
		}
	}
	return known, open
}

// forget drops what is known of sockets that are gone.
func (r *socketReader) forget(seen []seenSocket) {
	holders, nobody := map[uint64]*owner{}, map[uint64]int{}
	for _, s := range seen {
		if p := r.holders[s.inode]; p != nil {
			holders[s.inode] = p
		}
		if n := r.nobody[s.inode]; n > 0 {
			nobody[s.inode] = n
		}
	}
	r.holders, r.nobody = holders, nobody
}

// find looks for the holders of sockets among the file descriptors of processes.
func (r *socketReader) find(h *collector.Host, pids []int, wanted map[uint64]bool) {
	l := proc.NewLinkReader(h)
	last := map[uint64]int{}
	for _, pid := range pids {
		_ = l.Each("/proc/"+strconv.Itoa(pid)+"/fd", func(_, target []byte) bool {
			inode, ok := proc.NamespaceInode(target, "socket")
			if !ok || !wanted[inode] || last[inode] == pid {
				return true
			}
			if p := r.holders[inode]; p == nil {
				r.holders[inode] = &owner{pid: pid}
			} else {
				p.others++
			}
			last[inode] = pid
			return true
		})
	}
	described := map[int]*owner{}
	for inode := range wanted {
		p := r.holders[inode]
		if p == nil {
			r.nobody[inode]++
			continue
		}
		if described[p.pid] == nil {
			described[p.pid] = describe(h, p.pid)
		}
		p.exe, p.container = described[p.pid].exe, described[p.pid].container
	}
}

func describe(h *collector.Host, pid int) *owner {
	p := &owner{pid: pid}
	dir := "/proc/" + strconv.Itoa(pid)
	p.exe, _ = h.Readlink(dir + "/exe")
	if text, err := h.ReadFile(dir+"/cgroup", 1<<16); err == nil {
		if runtime, id := proc.Container(string(text)); id != "" {
			p.container = runtime + ":" + id
		}
	}
	return p
}

// seenSockets reads the tables of every network namespace that a process is in,
// ours first.
func (r *socketReader) seenSockets(h *collector.Host) (seen []seenSocket, pids []int) {
	l := proc.NewLinkReader(h)
	dir := r.self
	if namespaceOf(l, dir) != r.ns { // the thread has ended, or is elsewhere for a moment
		dir = "/proc/self"
	}
	if namespaceOf(l, dir) == r.ns {
		seen = appendSockets(nil, h, dir+"/net/", true)
	}
	pids, _ = proc.PIDs(h)
	done := map[uint64]bool{0: true, r.ns: true}
	for _, pid := range pids {
		dir := "/proc/" + strconv.Itoa(pid)
		if n := namespaceOf(l, dir); !done[n] && len(done) < maxNamespaces {
			done[n] = true
			seen = appendSockets(seen, h, dir+"/net/", false)
		}
	}
	return seen, pids
}

func appendSockets(seen []seenSocket, h *collector.Host, dir string, own bool) []seenSocket {
	for _, table := range [...]struct {
		name  string
		proto uint8
	}{{"tcp", protoTCP}, {"tcp6", protoTCP}, {"udp", protoUDP}, {"udp6", protoUDP}, {"udplite", protoUDPLite}, {"udplite6", protoUDPLite}} {
		text, _ := h.ReadFile(dir+table.name, maxSocketText) // what there is of it
		for line := range bytes.Lines(text) {
			if len(seen) >= maxSockets {
				return seen
			}
			if s, ok := parseSocket(line, table.proto); ok {
				s.own = own
				seen = append(seen, s)
			}
		}
	}
	return seen
}

// parseSocket reads a line of /proc/net/tcp and its kin (proc_pid_net(5)): number,
// local and remote address, state, queues, timer, retransmits, uid, timeout, inode.
// A socket without an inode belongs to no process, and is none.
func parseSocket(line []byte, proto uint8) (s seenSocket, ok bool) {
	var f [10][]byte
	n := 0
	for n < len(f) {
		line = bytes.TrimLeft(line, " ")
		end := bytes.IndexAny(line, " \n")
		if end <= 0 {
			break
		}
		f[n], line = line[:end], line[end:]
		n++
	}
	if n < len(f) {
		return s, false
	}
	s.key.proto = proto
	if s.key.local, ok = parseEnd(f[1]); !ok {
		return s, false
	}
	if s.key.remote, ok = parseEnd(f[2]); !ok {
		return s, false
	}
	s.inode, ok = proc.Number(f[9])
	return s, ok && s.inode != 0
}

// parseEnd reads "0100007F:0016": the address in words of the machine's byte
// order, the port as a number.
func parseEnd(b []byte) (a netip.AddrPort, ok bool) {
	var raw [16]byte
	at := bytes.IndexByte(b, ':')
	if at != 8 && at != 32 {
		return a, false
	}
	if _, err := hex.Decode(raw[:], b[:at]); err != nil {
		return a, false
	}
	for i := 0; i < at/2; i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	port, err := strconv.ParseUint(string(b[at+1:]), 16, 16)
	if err != nil {
		return a, false
	}
	addr := netip.AddrFrom16(raw).Unmap()
	if at == 8 {
		addr = netip.AddrFrom4([4]byte(raw[:4]))
	}
	return netip.AddrPortFrom(addr, uint16(port)), true
}
