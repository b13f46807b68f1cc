package volatile

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hozen/collector"
	"hozen/packager/evidence/sorting"
)

// A socketTable joins the views of sockets. It is safe for concurrent use: a
// fill that hangs is left behind, and may come back.
type socketTable struct {
	mu   sync.Mutex
	rows []tableRow
	at   map[socketKey]int
	read map[viewRead]SocketViews // which views of a table were read to their end
}

// A tableRow is a row with the table that it is in (the name of its dump).
type tableRow struct {
	SocketRow
	table string
}

type viewRead struct {
	netns uint64
	table string
}

// A socketKey is what makes rows of two views the same socket: the inode, where
// it has one, else its addresses.
type socketKey struct {
	viewRead
	inode         uint64
	local, remote netip.AddrPort
	state         string
}

func keyOf(r *tableRow) socketKey {
	k := socketKey{viewRead: viewRead{r.NetNS, r.table}, inode: r.Inode}
	if r.Inode == 0 {
		k.local = netip.AddrPortFrom(r.LocalAddr, uint16(r.LocalPort))
		k.remote = netip.AddrPortFrom(r.RemoteAddr, uint16(r.RemotePort))
		k.state = r.State
	}
	return k
}

func newSocketTable() *socketTable {
	return &socketTable{at: map[socketKey]int{}, read: map[viewRead]SocketViews{}}
}

func (t *socketTable) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows) == 0
}

// add adds the rows of one table in one view; whole says that the view was read
// to its end.
func (t *socketTable) add(table string, netns uint64, rows []SocketRow, view SocketViews, whole bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if whole {
		t.read[viewRead{netns, table}] |= view
	}
	t.rows = slices.Grow(t.rows, len(rows))
	for i := range rows {
		r := tableRow{rows[i], table}
		k := keyOf(&r)
		at, known := t.at[k]
		if known && t.rows[at].merge(&r.SocketRow) {
			continue
		}
		if !known {
			t.at[k] = len(t.rows)
		}
		t.rows = append(t.rows, r)
	}
}

// merge takes over from another view what this row lacks. It refuses where the
// two say different things: then both stay, for one of them may be a lie.
func (r *tableRow) merge(o *SocketRow) bool {
	if !samePath(string(r.Path), string(o.Path)) || r.LocalPort != o.LocalPort || r.LocalAddr != o.LocalAddr {
		return false
	}
	r.Views |= o.Views
	if r.UID == nil {
		r.UID = o.UID
	}
	if r.RecvQ == 0 {
		r.RecvQ = o.RecvQ
	}
	if r.SendQ == 0 {
		r.SendQ = o.SendQ
	}
	if r.Drops == 0 {
		r.Drops = o.Drops
	}
	return true
}

// samePath says whether a name of a unix socket and the same name as /proc/net/unix
// writes it agree: there NUL is written @, and a newline may have ended it.
func samePath(name, text string) bool {
	if name == text {
		return true
	}
	if len(name) < len(text) || len(name) > len(text) && name[len(text)] != '\n' {
		return false
	}
	return strings.ReplaceAll(name[:len(text)], "\x00", "@") == strings.ReplaceAll(text, "\x00", "@")
}

// finish gives the rows, with their holders and with the sockets that only file
// descriptors show, sorted.
func (t *socketTable) finish(h *collector.Host, s *procScan, list []netNS) []*SocketRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	order := map[uint64]int{}
	home := map[uint64]*procSeen{}
	for i, ns := range list {
		order[ns.Inode] = i - len(list) // what is in no known namespace comes last
		home[ns.Inode] = s.describe(h, ns.FirstPID)
	}
	known := make(map[uint64]bool, len(t.rows))
	for i := range t.rows {
		r := &t.rows[i]
		if r.Inode != 0 {
			known[r.Inode] = true
		}
		if r.State != "bound" { // which /proc/net/tcp never shows (inet_csk_bind_conflict, Linux 6.8)
			r.UnseenBy = t.read[viewRead{r.NetNS, r.table}] &^ r.Views
		}
		s.holders(&r.SocketRow)
		if p := home[r.NetNS]; r.Container == "" && len(r.Holders) == 0 && p != nil {
			r.Runtime, r.Container = p.runtime, p.container
		}
	}
	for inode, holds := range s.held {
		if !known[inode] {
			t.rows = append(t.rows, tableRow{SocketRow: s.fdOnly(h, inode, holds[0])})
		}
	}
	out := make([]*SocketRow, len(t.rows))
	for i := range t.rows {
		out[i] = &t.rows[i].SocketRow
	}
	sorting.By(out, func(a, b *SocketRow) int {
		return cmp.Or(cmp.Compare(order[a.NetNS], order[b.NetNS]), cmp.Compare(a.NetNS, b.NetNS), compareSockets(a, b))
	})
	return out
}

func compareSockets(a, b *SocketRow) int {
	return cmp.Or(
		cmp.Compare(a.Family, b.Family), cmp.Compare(a.Protocol, b.Protocol),
		a.LocalAddr.Compare(b.LocalAddr), cmp.Compare(a.LocalPort, b.LocalPort),
		a.RemoteAddr.Compare(b.RemoteAddr), cmp.Compare(a.RemotePort, b.RemotePort),
		cmp.Compare(a.Path, b.Path), cmp.Compare(a.Inode, b.Inode), cmp.Compare(a.Cookie, b.Cookie), cmp.Compare(a.State, b.State))
}

// holders gives a row the file descriptors that hold its socket, and its container.
func (s *procScan) holders(r *SocketRow) {
	if r.Inode == 0 {
		return
	}
	for _, hold := range s.held[r.Inode] {
		p := &s.procs[hold.proc]
		r.Holders = append(r.Holders, SocketHolder{PID: p.PID, FD: int(hold.fd), StartTicks: p.start, Comm: p.comm})
		if r.Container == "" {
			r.Runtime, r.Container = p.runtime, p.container
		}
	}
	sorting.By(r.Holders, func(a, b SocketHolder) int { return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.FD, b.FD)) })
}

// fdOnly is the row of a socket that no table shows: of a family without a
// table, not bound or connected yet, of a namespace that could not be read, or
// hidden from the tables. The kernel still tells its protocol.
func (s *procScan) fdOnly(h *collector.Host, inode uint64, hold socketHold) SocketRow {
	r := SocketRow{Family: "unknown", Inode: inode, Views: SeenByFD}
	if h.Live {
		fd := "/proc/" + strconv.Itoa(s.procs[hold.proc].PID) + "/fd/" + strconv.Itoa(int(hold.fd))
		r.Protocol = socketProtocolName(fd, inode)
	}
	s.holders(&r)
	return r
}
