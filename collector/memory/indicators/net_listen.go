package indicators

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hozen/collector"
	"hozen/collector/memory"
	"hozen/collector/volatile"
	"hozen/packager/evidence/sorting"
)

// listeners reports sockets that wait for others and that no process has open.
func (v *netView) listeners(s *survey) (out []finding) {
	var alone []*volatile.SocketRow
	for _, r := range v.sockets {
		if waits(r) && len(r.Holders) == 0 {
			alone = append(alone, r)
		}
	}
	if len(alone) == 0 {
		return nil
	}
	sorting.By(alone, func(a, b *volatile.SocketRow) int { return int(int64(b.Inode) - int64(a.Inode)) })
	unread, flying := unreadable(s.seen), v.inFlight(s)
	for i, r := range alone {
		f := finding{id: "net-listener-without-process", object: "socket " + socketName(r),
			seen:  fmt.Sprintf("%s (inode %d) is held by no process whose descriptors could be read", describeSocket(r), r.Inode),
			views: []memory.View{{Source: strings.Join(r.Views.Names(), " and "), Says: "listed"}, {Source: "/proc/PID/fd", Says: "no descriptor"}}}
		f.explained = v.kernelService(s.host, r)
		switch {
		case f.explained != "":
		case i < flying: // the newest: what is in a message was sent lately, services are old
			f.seen += fmt.Sprintf("; %d descriptors are on their way in messages that nobody receives", flying)
		case len(unread) > 0:
			f.explained = fmt.Sprintf("the descriptors of %d processes could not be read, the first is %d (%s): one may hold it", len(unread), unread[0].PID, unread[0].Comm)
		}
		out = append(out, f)
	}
	return out
}

// waits says whether a socket waits for what others send.
func waits(r *volatile.SocketRow) bool {
	switch {
	case r.Inode == 0:
		return r.State == "listen"
	case inet(r) && strings.HasPrefix(r.Protocol, "udp"):
		return r.LocalPort != 0 && r.RemotePort == 0
	case r.Family == "unix":
		return r.State == "listen"
	}
	return r.State == "listen"
}

func socketName(r *volatile.SocketRow) string {
	if inet(r) {
		return fmt.Sprintf("%s %s:%d", r.Protocol, r.LocalAddr, r.LocalPort)
	}
	if r.Family == "unix" {
		return fmt.Sprintf("unix %s %d", r.Path, r.Inode)
	}
	return fmt.Sprintf("%s %d", r.Family, r.Inode)
}

// unreadable gives the processes whose descriptors were denied.
func unreadable(seen map[int]*summary) (out []*summary) {
	for _, pid := range sortedPIDs(seen) {
		if p := seen[pid]; !p.gone && (p.err != nil || p.fdsUnread) {
			out = append(out, p)
		}
	}
	return out
}

// inFlight counts the descriptors that unix sockets have been sent and nobody has
// received: the line "scm_fds:" of fdinfo (unix_show_fdinfo in net/unix/af_unix.c).
// One that only such a message holds is held by no process.
func (v *netView) inFlight(s *survey) (n int) {
	seen, read := map[uint64]bool{}, 0
	for _, pid := range sortedPIDs(s.seen) {
		for _, d := range s.seen[pid].fds {
			inode, ok := bracketed(d.target, "socket")
			if r := v.byInode[inode]; !ok || seen[inode] || r == nil || r.Family != "unix" {
				continue
			}
			seen[inode] = true
			if read++; read > limitFiles || s.ctx.Err() != nil {
				return n
			}
			text, err := s.host.ReadFile("/proc/"+strconv.Itoa(pid)+"/fdinfo/"+strconv.Itoa(d.fd), limitText)
			if err != nil {
				continue
			}
			n += scmFDs(string(text))
		}
	}
	return n
}

func scmFDs(text string) int {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "scm_fds:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(rest))
			if err == nil && n > 0 && n < 1<<20 {
				return n
			}
		}
	}
	return 0
}

// kernelService names the part of the kernel that listens so by itself.
func (v *netView) kernelService(h *collector.Host, r *volatile.SocketRow) string {
	for _, k := range []struct {
		module string
		ports  []uint32 // none: any
	}{
		{"nfsd", []uint32{2049, 20049}}, {"ksmbd", []uint32{445}}, {"iscsi_target_mod", []uint32{3260}}, {"nvmet_tcp", []uint32{4420, 8009}},
		{"dlm", []uint32{21064}}, {"ocfs2_nodemanager", []uint32{7777}}, {"rds_tcp", []uint32{16385}}, {"vxlan", []uint32{4789, 8472}}, {"geneve", []uint32{6081}},
		{"l2tp_core", []uint32{1701}}, {"gtp", []uint32{2152, 3386}}, {"drbd", nil}, {"lockd", nil}, {"wireguard", nil}, {"rxrpc", nil}, {"tipc", nil}, {"fou", nil},
	} {
		if !inet(r) || k.ports != nil && !slices.Contains(k.ports, r.LocalPort) {
			continue
		}
		// What is built in has a folder, too, though it may do nothing: only what was loaded counts where any port would do.
		if _, err := h.Lstat("/sys/module/" + k.module + "/initstate"); err == nil || k.module == "wireguard" && v.hasLink("wireguard") || k.module == "vxlan" && v.hasLink("vxlan") {
			return "module " + k.module + " listens without a process"
		}
	}
	return ""
}

func (v *netView) hasLink(kind string) bool {
	return slices.ContainsFunc(v.links.Links, func(l volatile.LinkRow) bool { return string(l.InfoKind) == kind })
}
