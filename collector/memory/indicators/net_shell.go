package indicators

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/collector/volatile"
)

// shells reports shells and interpreters that take their orders from a connection.
func (v *netView) shells() (out []finding) {
	var pipes map[uint64][]*summary
	for _, pid := range sortedPIDs(v.seen) {
		p := v.seen[pid]
		shell, interpreter := shellKind(p)
		if p.kernel || p.gone || !shell && !interpreter && !v.wired(p) {
			continue
		}
		if !interpreter && !p.installed {
			shell = true // a shell under another name is one, and nothing tells it from others
		}
		found := v.shellSockets(p, shell)
		if len(found) == 0 && shell {
			if pipes == nil {
				pipes = pipeHolders(v.seen)
			}
			found = v.shellPipes(p, pipes)
		}
		out = append(out, found...)
	}
	return out
}

// wired says that a connection to elsewhere is both standard input and output of a
// process, whatever it is called.
func (v *netView) wired(p *summary) bool {
	inodes := [2]uint64{}
	for _, d := range p.fds {
		if inode, ok := bracketed(d.target, "socket"); ok && d.fd <= 1 && d.fd >= 0 {
			inodes[d.fd] = inode
		}
	}
	r := v.byInode[inodes[0]]
	return inodes[0] != 0 && inodes[0] == inodes[1] && r != nil && rankOf(r) == 3
}

// shellKind says by its image, or where that is not told its name, what a process is.
func shellKind(p *summary) (shell, interpreter bool) {
	name := string(p.Comm)
	if p.Exe != "" {
		name = path.Base(strings.TrimSuffix(string(p.Exe), " (deleted)"))
	}
	switch name {
	case "sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash", "fish", "tcsh", "csh", "bsd-csh", "rbash", "static-sh":
		return true, false
	case "busybox":
		return strings.HasSuffix(string(p.Comm), "sh"), false
	}
	stem := strings.TrimRight(name, "0123456789.")
	return false, strings.Contains(" python perl php php-cgi ruby lua luajit node nodejs tclsh awk gawk mawk socat nc ncat netcat nc.traditional nc.openbsd telnet openssl ", " "+stem+" ")
}

// shellSockets looks at the standard descriptors that are sockets: one row, for
// the most telling of them.
func (v *netView) shellSockets(p *summary, shell bool) (out []finding) {
	var best *volatile.SocketRow
	var fds []string
	for _, d := range p.fds {
		inode, ok := bracketed(d.target, "socket")
		if !ok || d.fd > 2 {
			continue
		}
		r := v.byInode[inode]
		if r == nil {
			r = &volatile.SocketRow{Family: "unknown", Inode: inode}
		}
		fds = append(fds, strconv.Itoa(d.fd))
		if best == nil || rankOf(r) > rankOf(best) {
			best = r
		}
	}
	if best == nil || !shell && rankOf(best) < 2 {
		return nil // an interpreter with a local socket as its standard output is any service
	}
	f := finding{id: "net-shell-socket", subject: &p.Subject,
		seen:  fmt.Sprintf("%s (%s) has a socket as descriptor %s: %s", p.Comm, p.Exe, strings.Join(fds, " and "), describeSocket(best)),
		views: []memory.View{{Source: fmt.Sprintf("/proc/%d/fd", p.PID), Says: jsonl.Text(fmt.Sprintf("socket:[%d]", best.Inode))}, {Source: "sock_diag and /proc/net", Says: jsonl.Text(describeSocket(best))}}}
	if !shell || rankOf(best) < 3 {
		f.level = memory.Medium
	}
	if best.Family == "unix" {
		f.level = memory.Low
		if peer := v.byInode[best.PeerIno]; peer != nil && strings.HasPrefix(string(peer.Path), "/run/systemd/journal/") {
			f.explained = "its output goes to the journal, as that of every service of systemd"
		}
	} else if parent := v.seen[int(p.stat.Field[proc.StatPPID])]; parent != nil && parent.installed &&
		strings.Contains(" xinetd inetd inetutils-inetd openbsd-inetd busybox systemd tcpsvd tcpserver ", " "+path.Base(string(parent.Exe))+" ") {
		f.explained = fmt.Sprintf("its parent %s hands connections to what it starts", parent.Exe)
	}
	return []finding{f}
}

func rankOf(r *volatile.SocketRow) int {
	switch {
	case inet(r) && r.RemotePort != 0 || r.Family == "vsock":
		return 3
	case r.Family != "unix" && r.Family != "netlink":
		return 2
	case r.Family == "unix":
		return 1
	}
	return 0
}

func inet(r *volatile.SocketRow) bool {
	return r.Family == "inet" || r.Family == "inet6" || r.Family == "smc"
}

// describeSocket writes a socket in a few words.
func describeSocket(r *volatile.SocketRow) string {
	switch {
	case inet(r):
		s := fmt.Sprintf("%s %s from %s port %d", r.Protocol, r.State, r.LocalAddr, r.LocalPort)
		if r.RemotePort != 0 {
			s += fmt.Sprintf(" to %s port %d", r.RemoteAddr, r.RemotePort)
		}
		return s
	case r.Family == "unix":
		return strings.TrimSpace(fmt.Sprintf("unix %s %s", r.Type, r.Path))
	}
	return fmt.Sprintf("%s %s, inode %d", r.Family, r.Protocol, r.Inode)
}

// pipeHolders gives the processes at the ends of each pipe.
func pipeHolders(seen map[int]*summary) map[uint64][]*summary {
	out := map[uint64][]*summary{}
	for _, pid := range sortedPIDs(seen) {
		last := map[uint64]bool{}
		for _, d := range seen[pid].fds {
			if inode, ok := bracketed(d.target, "pipe"); ok && !last[inode] {
				last[inode] = true
				out[inode] = append(out[inode], seen[pid])
			}
		}
	}
	return out
}

// shellPipes looks who is at the other end of a shell's standard pipes.
func (v *netView) shellPipes(p *summary, pipes map[uint64][]*summary) (out []finding) {
	ends := map[*summary]int{}
	for _, d := range p.fds {
		inode, ok := bracketed(d.target, "pipe")
		if !ok || d.fd > 1 {
			continue
		}
		for _, o := range pipes[inode] {
			if o != p {
				ends[o]++
			}
		}
	}
	for _, pid := range sortedPIDs(v.seen) {
		o := v.seen[pid]
		if ends[o] == 0 {
			continue
		}
		r := v.connection(o)
		relay := strings.Contains(" nc ncat netcat nc.traditional nc.openbsd socat openssl telnet curl ", " "+path.Base(string(o.Exe))+" ")
		if r == nil || !relay && ends[o] < 2 {
			continue
		}
		f := finding{id: "net-shell-socket", subject: &p.Subject, level: memory.Low,
			seen: fmt.Sprintf("%s (%s) reads or writes a pipe whose other end is held by %d (%s), which is connected: %s", p.Comm, p.Exe, o.PID, o.Exe, describeSocket(r)),
			views: []memory.View{{Source: fmt.Sprintf("/proc/%d/fd", p.PID), Says: "pipes"},
				{Source: fmt.Sprintf("/proc/%d/fd", o.PID), Says: jsonl.Text("the same pipes, and " + describeSocket(r))}}}
		if relay {
			f.level = memory.Medium
		}
		out = append(out, f)
	}
	return out
}

// connection gives a connection with another machine, or else with this one, that
// a process holds.
func (v *netView) connection(p *summary) (best *volatile.SocketRow) {
	for _, d := range p.fds {
		inode, ok := bracketed(d.target, "socket")
		if r := v.byInode[inode]; ok && r != nil && inet(r) && r.RemotePort != 0 && (best == nil || best.RemoteAddr.IsLoopback()) {
			best = r
		}
	}
	return best
}

// bracketed reads "socket:[123]" for the kind "socket".
func bracketed(target, kind string) (uint64, bool) {
	rest, ok := strings.CutPrefix(target, kind+":[")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 64)
	return n, err == nil
}

func sortedPIDs(seen map[int]*summary) []int { return slices.Sorted(maps.Keys(seen)) }
