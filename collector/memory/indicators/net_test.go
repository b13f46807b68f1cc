package indicators

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"testing"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/collector/volatile"
)

// someone makes a process as the pass would have seen it.
func someone(pid, parent int, comm, exe string, fds ...string) *summary {
	p := &summary{Subject: memory.Subject{PID: pid, StartTicks: 1, Comm: jsonl.Text(comm), Exe: jsonl.Text(exe)}, installed: systemPlace(exe)}
	p.stat.Field[proc.StatPPID] = int64(parent)
	for fd, target := range fds {
		if target != "" {
			p.fds = append(p.fds, descriptor{fd, target})
		}
	}
	return p
}

func netOf(sockets []*volatile.SocketRow, people ...*summary) *netView {
	v := &netView{sockets: sockets, byInode: map[uint64]*volatile.SocketRow{}, seen: map[int]*summary{}, folder: "f"}
	for _, r := range sockets {
		v.byInode[r.Inode] = r
	}
	for _, p := range people {
		v.seen[p.PID] = p
	}
	return v
}

func TestShells(t *testing.T) {
	away := &volatile.SocketRow{Family: "inet", Protocol: "tcp", State: "established", Inode: 10, RemoteAddr: netip.MustParseAddr("203.0.113.9"), RemotePort: 4444}
	local := &volatile.SocketRow{Family: "unix", Type: "stream", Inode: 20, PeerIno: 21}
	journal := &volatile.SocketRow{Family: "unix", Path: "/run/systemd/journal/stdout", Inode: 21}
	null := "/dev/null"
	for name, c := range map[string]struct {
		people []*summary
		want   []string
	}{
		"reverse shell":       {[]*summary{someone(5, 1, "bash", "/usr/bin/bash", "socket:[10]", "socket:[10]", "socket:[10]")}, []string{"net-shell-socket high "}},
		"errors only":         {[]*summary{someone(5, 1, "sh", "/usr/bin/dash", null, null, "socket:[10]")}, []string{"net-shell-socket high "}},
		"deleted shell":       {[]*summary{someone(5, 1, "sh", "/tmp/bash (deleted)", "socket:[10]")}, []string{"net-shell-socket high "}},
		"python":              {[]*summary{someone(5, 1, "python3", "/usr/bin/python3.11", "socket:[10]", "socket:[10]")}, []string{"net-shell-socket medium "}},
		"no table":            {[]*summary{someone(5, 1, "sh", "/bin/sh", "socket:[99]")}, []string{"net-shell-socket medium "}},
		"inetd":               {[]*summary{someone(5, 4, "sh", "/bin/sh", "socket:[10]"), someone(4, 1, "xinetd", "/usr/sbin/xinetd")}, []string{"net-shell-socket low "}},
		"false inetd":         {[]*summary{someone(5, 4, "sh", "/bin/sh", "socket:[10]"), someone(4, 1, "xinetd", "/tmp/xinetd")}, []string{"net-shell-socket high "}},
		"service":             {[]*summary{someone(5, 1, "sh", "/bin/sh", null, "socket:[20]", "socket:[20]")}, []string{"net-shell-socket low "}},
		"python service":      {[]*summary{someone(5, 1, "python3", "/usr/bin/python3", null, "socket:[20]")}, nil},
		"socket elsewhere":    {[]*summary{someone(5, 1, "bash", "/bin/bash", null, null, null, "socket:[10]")}, nil},
		"renamed shell":       {[]*summary{someone(5, 1, "update", "/tmp/update", "socket:[10]", "socket:[10]")}, []string{"net-shell-socket high "}},
		"any program, wired":  {[]*summary{someone(5, 1, "cat", "/usr/bin/cat", "socket:[10]", "socket:[10]")}, []string{"net-shell-socket medium "}},
		"service of inetd":    {[]*summary{someone(5, 4, "in.ftpd", "/usr/sbin/in.ftpd", "socket:[10]", "socket:[10]"), someone(4, 1, "xinetd", "/usr/sbin/xinetd")}, []string{"net-shell-socket low "}},
		"client":              {[]*summary{someone(5, 1, "curl", "/usr/bin/curl", null, "socket:[10]", null, "socket:[10]")}, nil},
		"relay":               {[]*summary{someone(5, 1, "sh", "/bin/sh", null, "pipe:[7]"), someone(6, 1, "nc", "/usr/bin/nc", "pipe:[7]", "", "", "socket:[10]")}, []string{"net-shell-socket medium "}},
		"orders by a service": {[]*summary{someone(5, 6, "sh", "/bin/sh", "pipe:[7]", "pipe:[8]"), someone(6, 1, "node", "/usr/bin/node", "", "", "", "socket:[10]", "pipe:[7]", "pipe:[8]")}, []string{"net-shell-socket low "}},
		"pipe to no network":  {[]*summary{someone(5, 6, "sh", "/bin/sh", "pipe:[7]", "pipe:[8]"), someone(6, 1, "node", "/usr/bin/node", "", "", "", "pipe:[7]", "pipe:[8]")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, netOf([]*volatile.SocketRow{away, local, journal}, c.people...).shells(), c.want...)
		})
	}
}

func filterHex(code ...uint64) string {
	var b []byte
	for _, c := range code { // op, jt, jf, k
		b = binary.NativeEndian.AppendUint16(b, uint16(c>>48))
		b = append(b, byte(c>>40), byte(c>>32))
		b = binary.NativeEndian.AppendUint32(b, uint32(c))
	}
	return hex.EncodeToString(b)
}

func TestPackets(t *testing.T) {
	filter := filterHex(0x0028_00_00_0000000c, 0x0015_00_01_00007777, 0x0006_00_00_0000ffff, 0x0006_00_00_00000000)
	row := func(inode uint64, filter string, pids ...int) *volatile.SocketRow {
		r := &volatile.SocketRow{Family: "packet", Type: "raw", Inode: inode, Packet: &volatile.SocketPacket{EtherType: 3, Filter: filter}}
		for _, pid := range pids {
			r.Holders = append(r.Holders, volatile.SocketHolder{PID: pid, FD: 3})
		}
		return r
	}
	raw := &volatile.SocketRow{Family: "inet", Protocol: "raw", Inode: 5, IPProtocol: 1, Holders: []volatile.SocketHolder{{PID: 12}}}
	ping := &volatile.SocketRow{Family: "inet", Protocol: "icmp", Inode: 6, Holders: []volatile.SocketHolder{{PID: 12}}}
	v := netOf([]*volatile.SocketRow{row(1, filter, 10), row(2, filter, 11), row(3, filter, 12), row(4, ""), raw, ping},
		someone(10, 1, "haldrund", "/dev/shm/kdmtmpflush (deleted)"), someone(11, 1, "tcpdump", "/usr/bin/tcpdump"), someone(12, 1, "x", "/home/a/x"))
	expect(t, v.packets(), "net-packet-socket high socket packet 1", "net-packet-socket low socket packet 2", "net-packet-socket medium socket packet 3",
		"net-packet-socket medium socket packet 4", "net-raw-socket medium socket inet 5")
	expect(t, v.filters(), "net-socket-filter medium socket packet 1", "net-socket-filter low socket packet 2", "net-socket-filter medium socket packet 3")
	own := netOf([]*volatile.SocketRow{row(7, filter, os.Getpid())}, someone(os.Getpid(), 1, "hozen", "/tmp/hozen"))
	expect(t, own.packets(), "net-packet-socket low socket packet 7")
	expect(t, own.filters(), "net-socket-filter low socket packet 7")
}

func TestClassicBPF(t *testing.T) {
	code, _ := hex.DecodeString(filterHex(0x0028_00_00_0000000c, 0x0015_00_01_00000800, 0x00b1_00_00_0000000e, 0x0048_00_00_00000010,
		0x0054_00_00_0000000f, 0x0007_00_00_00000000, 0x0080_00_00_00000000, 0x0016_00_00_00000000, 0x0006_00_00_00040000, 0x00f4_01_02_00000003))
	const want = "ldh [12]; jeq #0x800 jt 0 jf 1; ldxb 4*([14]&0xf); ldh [x+16]; and #0xf; tax; ld len; ret a; ret #262144; op 0xf4 1 2 0x3"
	if got := classicBPF(append(code, 1, 2)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := classicBPF(make([]byte, 8*(maxInstructions+1))); len(got) > 40*maxInstructions {
		t.Errorf("%d bytes for a long filter", len(got))
	}
}

func TestPromiscuous(t *testing.T) {
	link := func(index int32, name string, n uint32, change func(*volatile.LinkRow)) volatile.LinkRow {
		l := volatile.LinkRow{Index: index, Name: jsonl.Text(name), Promiscuity: n}
		if change != nil {
			change(&l)
		}
		return l
	}
	v := netOf(nil)
	v.links.Links = []volatile.LinkRow{
		link(1, "lo", 0, nil),
		link(2, "eth0", 1, nil),
		link(3, "port", 1, func(l *volatile.LinkRow) { l.Master = 4; l.SlaveKind = "bridge"; l.Promisc = true }),
		link(4, "br0", 0, func(l *volatile.LinkRow) { l.InfoKind = "bridge" }),
		link(5, "eth1", 1, nil),
		link(6, "mv0", 0, func(l *volatile.LinkRow) { l.InfoKind = "macvlan"; l.Link = 5 }),
		link(7, "odd", 0, func(l *volatile.LinkRow) { l.Promisc = true }),
	}
	expect(t, v.promiscuous(), "net-promiscuous medium link eth0 of network namespace 0", "net-promiscuous low link port of network namespace 0",
		"net-promiscuous low link eth1 of network namespace 0", "net-promiscuous medium link odd of network namespace 0")
}

func TestProgramsOfLinks(t *testing.T) {
	v := netOf(nil)
	v.links.Links = []volatile.LinkRow{{Index: 2, Name: "eth0", XDP: []volatile.XDPProgram{{Mode: "driver", ProgramID: 7}, {Mode: "generic", ProgramID: 8}}}}
	v.links.Filters = []volatile.FilterRow{{Link: "eth0", Parent: "ingress", ProgramID: 9}, {Link: "eth0", Parent: "1:0"}}
	known := programs{7: {seen: "s"}, 8: {seen: "s", explained: "held by cilium"}}
	expect(t, v.xdp(known), "net-xdp medium link eth0 of network namespace 0, program 7", "net-xdp low link eth0 of network namespace 0, program 8")
	expect(t, v.tc(known), "net-tc high link eth0 of network namespace 0, ingress, program 9")
	expect(t, v.tc(nil), "net-tc medium link eth0 of network namespace 0, ingress, program 9")
}

func TestWaits(t *testing.T) {
	for _, c := range []struct {
		row  volatile.SocketRow
		want bool
	}{
		{volatile.SocketRow{Family: "inet", Protocol: "tcp", State: "listen", Inode: 1}, true},
		{volatile.SocketRow{Family: "inet", Protocol: "tcp", State: "time_wait"}, false},
		{volatile.SocketRow{Family: "inet", Protocol: "udp", State: "close", LocalPort: 53, Inode: 1}, true},
		{volatile.SocketRow{Family: "inet", Protocol: "udp", State: "established", LocalPort: 53, RemotePort: 1, Inode: 1}, false},
		{volatile.SocketRow{Family: "unix", State: "listen", Inode: 1}, true},
		{volatile.SocketRow{Family: "unix", State: "established", Inode: 1}, false},
	} {
		if got := waits(&c.row); got != c.want {
			t.Errorf("%+v: %v", c.row, got)
		}
	}
	if n := scmFDs("pos:\t0\nscm_fds: 3\n"); n != 3 {
		t.Errorf("%d descriptors in flight", n)
	}
}
