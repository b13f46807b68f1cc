package indicators

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/volatile"
)

// socketLooks is how often sockets are read before one is called hidden.
const socketLooks = 5

// A socketID is what makes rows of several looks the same socket. The kernel
// gives inodes of sockets one after another, so that none comes twice in a while.
type socketID struct {
	netns, inode     uint64
	family, protocol string
	local, remote    netip.AddrPort
}

func socketIDOf(r *volatile.SocketRow) socketID {
	return socketID{
		netns: r.NetNS, inode: r.Inode, family: r.Family, protocol: r.Protocol,
		local: netip.AddrPortFrom(r.LocalAddr, uint16(r.LocalPort)), remote: netip.AddrPortFrom(r.RemoteAddr, uint16(r.RemotePort)),
	}
}

// disputed gives the sockets on which the views disagree: one shows it, another
// that was read whole does not. What has no inode is no process's yet, or any
// more, and changes too fast to be told.
func disputed(rows []*volatile.SocketRow) map[socketID]*volatile.SocketRow {
	out := map[socketID]*volatile.SocketRow{}
	for _, r := range rows {
		if r.Inode != 0 && (r.UnseenBy != 0 || missedByTables(r)) {
			out[socketIDOf(r)] = r
		}
	}
	return out
}

// missedByTables says that only a file descriptor shows a socket of a kind that
// is in the kernel's tables from its making to its end.
func missedByTables(r *volatile.SocketRow) bool {
	return r.Views == volatile.SeenByFD && (r.Protocol == "UNIX" || r.Protocol == "UNIX-STREAM" || r.Protocol == "PACKET")
}

// stillDisputed keeps those on which the views disagree at a later look in the
// same way.
func stillDisputed(old, now map[socketID]*volatile.SocketRow) map[socketID]*volatile.SocketRow {
	out := map[socketID]*volatile.SocketRow{}
	for id, r := range old {
		if n := now[id]; n != nil && n.Views == r.Views && n.UnseenBy == r.UnseenBy {
			out[id] = n
		}
	}
	return out
}

// checkHiddenSockets compares sock_diag, /proc/net and the file descriptors of
// processes, in every network namespace.
func checkHiddenSockets(s *survey) {
	disputes, told, err := lookAtSockets(s.ctx, func(ctx context.Context) ([]*volatile.SocketRow, error) { return volatile.ReadSockets(ctx, s.host) })
	list := slices.SortedFunc(maps.Values(disputes), func(a, b *volatile.SocketRow) int {
		return cmp.Or(cmp.Compare(a.NetNS, b.NetNS), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Inode, b.Inode))
	})
	member := s.put("hidden-sockets.txt", "sock_diag, /proc/net, /proc/PID/fd of every network namespace", func(w io.Writer) error {
		for _, r := range list {
			line, err := json.Marshal(r)
			if err == nil {
				told += string(line) + "\n"
			}
		}
		if _, err := io.WriteString(w, told); err != nil {
			return err
		}
		return err
	})
	for _, r := range list {
		s.report(socketFinding(r, member))
	}
}

// lookAtSockets reads sockets until the views agree, or often enough. It tells in
// words what it saw at each look.
func lookAtSockets(ctx context.Context, read func(context.Context) ([]*volatile.SocketRow, error)) (left map[socketID]*volatile.SocketRow, told string, err error) {
	var b strings.Builder
	for look := range socketLooks {
		if look > 0 {
			waitFor(ctx, pause(look+2))
		}
		rows, e := read(ctx)
		if ctx.Err() != nil {
			return nil, b.String(), fmt.Errorf("look %d: %w", look+1, context.Cause(ctx))
		}
		if err == nil {
			err = e
		}
		if look == 0 {
			left = disputed(rows)
		} else {
			left = stillDisputed(left, disputed(rows))
		}
		fmt.Fprintf(&b, "look %d: %d sockets, views disagree on %d\n", look+1, len(rows), len(left))
		if len(left) == 0 {
			break
		}
	}
	return left, b.String(), err
}

func socketFinding(r *volatile.SocketRow, member string) finding {
	f := finding{id: "hidden-socket", object: disputedName(r), evidence: []string{member}}
	missing := strings.Join(r.UnseenBy.Names(), " and ")
	if r.UnseenBy == 0 {
		missing = "sock_diag and /proc/net"
	}
	seen := strings.Join(r.Views.Names(), " and ")
	f.seen = fmt.Sprintf("%s showed it at each of %d looks, %s at none", seen, socketLooks, missing)
	f.views = []memory.View{
		{Source: seen, Says: jsonl.Text("there is " + disputedName(r) + ", inode " + fmt.Sprint(r.Inode))},
		{Source: missing, Says: "there is none"},
	}
	if len(r.Holders) > 0 {
		h := r.Holders[0]
		f.subject = &memory.Subject{PID: h.PID, StartTicks: h.StartTicks, Comm: h.Comm}
	}
	if r.UnseenBy == 0 || r.Family == "unix" || r.Family == "netlink" {
		f.level = memory.Medium // a namespace that nothing else holds has no tables to be read
	}
	return f
}

// disputedName names a socket in an object: "socket tcp 0.0.0.0:22 listen".
func disputedName(r *volatile.SocketRow) string {
	words := []string{"socket", cmp.Or(r.Protocol, r.Family)}
	if r.Protocol != "" && r.Family != "inet" && r.Family != "unknown" {
		words = []string{"socket", r.Family, r.Protocol}
	}
	if r.LocalAddr.IsValid() {
		words = append(words, netip.AddrPortFrom(r.LocalAddr, uint16(r.LocalPort)).String())
		if r.RemotePort != 0 {
			words = append(words, "to "+netip.AddrPortFrom(r.RemoteAddr, uint16(r.RemotePort)).String())
		}
	}
	if r.Path != "" {
		words = append(words, string(r.Path))
	}
	if r.State != "" {
		words = append(words, r.State)
	}
	if len(words) == 2 {
		words = append(words, "inode "+fmt.Sprint(r.Inode))
	}
	return strings.Join(words, " ")
}
