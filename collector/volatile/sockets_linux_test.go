package volatile

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/packager/evidence"
)

// A planted socket is one of the truth that the scene makes.
type planted struct {
	family, protocol string
	fd               int
	inode            uint64
	diag, proc       bool // which tables show sockets of the kind, where the kernel has them
}

// A socketRoom is a network namespace of the scene, with a thread that stays inside.
type socketRoom struct {
	inode   uint64
	sockets []planted
}

// newSocketRoom makes a namespace with a socket of every family in it, by plain system calls.
func newSocketRoom(t *testing.T) *socketRoom {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	r := &socketRoom{}
	ready, stay := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			ready <- err
			return
		}
		var st unix.Stat_t
		err := unix.Stat("/proc/thread-self/ns/net", &st)
		r.inode = st.Ino
		r.furnish(t)
		ready <- err
		<-stay
	}()
	if err := <-ready; err != nil {
		t.Skipf("needs root with CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() {
		for _, p := range r.sockets {
			unix.Close(p.fd)
		}
		close(stay)
	})
	return r
}

func (r *socketRoom) furnish(t *testing.T) {
	ctl, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(ctl)
	if ifr, err := unix.NewIfreq("lo"); err == nil {
		ifr.SetUint16(unix.IFF_UP)
		if err := unix.IoctlIfreq(ctl, unix.SIOCSIFFLAGS, ifr); err != nil {
			t.Error(err)
		}
	}
	any4, any6 := &unix.SockaddrInet4{}, &unix.SockaddrInet6{}
	listen := func(domain, proto int, at unix.Sockaddr, family, name string) int {
		fd := r.socket(t, domain, unix.SOCK_STREAM, proto, at, planted{family: family, protocol: name, diag: true, proc: name == "tcp"})
		if fd >= 0 {
			unix.Listen(fd, 7)
		}
		return fd
	}
	l := listen(unix.AF_INET, 0, any4, "inet", "tcp")
	listen(unix.AF_INET6, 0, any6, "inet6", "tcp")
	listen(unix.AF_INET, protoMPTCP, any4, "inet", "mptcp")
	if c := r.socket(t, unix.AF_INET, unix.SOCK_STREAM, 0, any4, planted{family: "inet", protocol: "tcp", diag: true, proc: true}); l >= 0 && c >= 0 {
		at, err := unix.Getsockname(l)
		if err == nil {
			at.(*unix.SockaddrInet4).Addr = [4]byte{127, 0, 0, 1}
			err = unix.Connect(c, at)
		}
		if err != nil {
			t.Error(err)
		}
	}
	r.socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0, any4, planted{family: "inet", protocol: "udp", diag: true, proc: true})
	r.socket(t, unix.AF_INET6, unix.SOCK_DGRAM, 0, any6, planted{family: "inet6", protocol: "udp", diag: true, proc: true})
	r.socket(t, unix.AF_INET, unix.SOCK_DGRAM, protoUDPLite, any4, planted{family: "inet", protocol: "udplite", diag: true, proc: true})
	r.socket(t, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP, nil, planted{family: "inet", protocol: "raw", diag: true, proc: true})
	r.socket(t, unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6, nil, planted{family: "inet6", protocol: "raw", diag: true, proc: true})
	r.socket(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, &unix.SockaddrUnix{Name: "@hozen\n\x1b[31m" + strconv.FormatUint(r.inode, 10)}, planted{family: "unix", diag: true, proc: true})
	r.socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 0x11}, planted{family: "netlink", protocol: "route", diag: true, proc: true})
	r.socket(t, unix.AF_VSOCK, unix.SOCK_STREAM, 0, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: unix.VMADDR_PORT_ANY}, planted{family: "vsock", diag: true})
	r.socket(t, unix.AF_XDP, unix.SOCK_RAW, 0, nil, planted{family: "xdp", diag: true})
	p := r.socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0x0300, nil, planted{family: "packet", diag: true, proc: true})
	unix.SetsockoptPacketMreq(p, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: 1, Type: unix.PACKET_MR_PROMISC})
	accept := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0x1234}
	unix.SetsockoptSockFprog(p, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &accept})
}

func (r *socketRoom) socket(t *testing.T, domain, typ, proto int, at unix.Sockaddr, p planted) int {
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		t.Logf("this kernel has no %s %s: %v", p.family, p.protocol, err)
		return -1
	}
	if at != nil {
		if err := unix.Bind(fd, at); err != nil {
			t.Logf("%s %s: %v", p.family, p.protocol, err)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Error(err)
	}
	p.fd, p.inode = fd, st.Ino
	r.sockets = append(r.sockets, p)
	return fd
}

func TestEverySocketOfThreeNamespacesIsFound(t *testing.T) {
	rooms := []*socketRoom{newSocketRoom(t), newSocketRoom(t), newSocketRoom(t)}
	rows, s := collectRows(t, collector.ThisHost())
	for _, room := range rooms {
		dir := socketsDir + strconv.FormatUint(room.inode, 10) + "/"
		if r, ok := s.Record(dir + "proc-net.txt"); !ok || r.Outcome != evidence.Collected {
			t.Errorf("%s: %v %s", r.Path, r.Outcome, r.Note)
		}
		for _, p := range room.sockets {
			checkPlanted(t, s.Record, rows, room, p, dir)
		}
	}
}

func checkPlanted(t *testing.T, record func(string) (evidence.Record, bool), rows []SocketRow, room *socketRoom, p planted, dir string) {
	name := p.family + " " + p.protocol
	i := slices.IndexFunc(rows, func(r SocketRow) bool {
		return r.Inode == p.inode && (r.Views == SeenByFD || r.Family == p.family && r.Protocol == p.protocol)
	})
	if i < 0 {
		t.Errorf("%s (inode %d) is in no row", name, p.inode)
		return
	}
	r := &rows[i]
	held := slices.ContainsFunc(r.Holders, func(h SocketHolder) bool {
		return h.PID == os.Getpid() && h.FD == p.fd && h.StartTicks > 0 && h.Comm != ""
	})
	if !held {
		t.Errorf("%s: our descriptor %d is not among %+v", name, p.fd, r.Holders)
	}
	dump := map[string]string{"inet": p.protocol, "inet6": p.protocol + "6"}[p.family]
	if dump == "" {
		dump = p.family
	}
	rec, _ := record(dir + dump + ".nl")
	p.diag = p.diag && rec.Outcome == evidence.Collected
	if got := r.Views; got&SeenByDiag != 0 != p.diag || got&SeenByProcNet != 0 != p.proc {
		t.Errorf("%s: seen by %v; sock_diag %v and proc %v were to show it (%s %v)", name, got.Names(), p.diag, p.proc, rec.Path, rec.Outcome)
	}
	if r.Views != SeenByFD && r.NetNS != room.inode || r.UnseenBy != 0 {
		t.Errorf("%s: in namespace %d, not %d; unseen by %v", name, r.NetNS, room.inode, r.UnseenBy.Names())
	}
	switch {
	case r.Views == SeenByFD:
		t.Logf("%s: the kernel gives no table; its own name of it is %q", name, r.Protocol)
	case p.family == "packet" && p.diag:
		if r.Packet.EtherType != 3 || r.Packet.Filter == "" || len(r.Packet.Memberships) != 1 || r.Packet.Memberships[0].Type != unix.PACKET_MR_PROMISC {
			t.Errorf("packet: %+v", r.Packet)
		}
	case p.family == "netlink":
		if r.Netlink.Groups != "11" {
			t.Errorf("netlink: %+v", r.Netlink)
		}
	case p.family == "unix":
		if want := "hozen\n\x1b[31m" + strconv.FormatUint(room.inode, 10); string(r.Path) != want || !r.Abstract {
			t.Errorf("unix name %q, not %q", r.Path, want)
		}
	}
}

// inAllOfThree fails with what compare says three times of the same key. What came
// and went, or changed hands, between the looks of a judge disagrees once; what we
// get wrong disagrees every time.
func inAllOfThree[K comparable](t *testing.T, compare func() map[K]string) {
	t.Helper()
	wrong := compare()
	for range 2 {
		if len(wrong) == 0 {
			return
		}
		again := compare()
		maps.DeleteFunc(wrong, func(k K, _ string) bool { return again[k] == "" })
	}
	for _, what := range wrong {
		t.Error(what)
	}
}

// The judge is ss, where it is, before and after.
func TestRowsAgreeWithSS(t *testing.T) {
	ss, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("no ss here")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0") // one that is there all the time
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	inAllOfThree(t, func() map[string]string { return tcpDisagreements(t, ss) })
}

func tcpDisagreements(t *testing.T, ss string) map[string]string {
	t.Helper()
	wrong, compared := map[string]string{}, 0
	before := ssTCP(t, ss)
	rows, _ := collectRows(t, collector.ThisHost())
	after := ssTCP(t, ss)
	list, _ := netNamespaces(context.Background(), collector.ThisHost())
	ours := map[string]int{}
	for _, r := range rows {
		if r.Protocol != "tcp" || r.NetNS != list[0].Inode || r.Views&(SeenByDiag|SeenByProcNet) == 0 || r.State == "bound" {
			continue
		}
		key := r.LocalAddr.String() + " " + strconv.Itoa(int(r.LocalPort)) + " " + r.RemoteAddr.String() + " " + strconv.Itoa(int(r.RemotePort))
		ours[key]++
		if before[key] == 0 && after[key] == 0 {
			wrong[key] = fmt.Sprintf("ss does not show %s %s", r.State, key)
		}
	}
	for key := range before {
		if after[key] == 0 {
			continue
		}
		if compared++; ours[key] == 0 {
			wrong[key] = "only ss shows " + key
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
	return wrong
}

var ssEnd = regexp.MustCompile(`^(.*):([0-9*]+)$`)

// ssTCP gives the ends of the sockets that ss -Htan shows, as the rows write them.
func ssTCP(t *testing.T, ss string) map[string]int {
	t.Helper()
	out, err := exec.Command(ss, "-Htan").Output()
	if err != nil {
		t.Skipf("ss: %v", err)
	}
	keys := map[string]int{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		l, r := ssEnd.FindStringSubmatch(f[3]), ssEnd.FindStringSubmatch(f[4])
		if l == nil || r == nil {
			t.Fatalf("ss line %q", line)
		}
		local, _, _ := strings.Cut(strings.Trim(l[1], "[]"), "%")
		remote := strings.Trim(r[1], "[]")
		if local == "*" {
			local, remote = "::", "::"
		}
		keys[local+" "+l[2]+" "+remote+" "+strings.ReplaceAll(r[2], "*", "0")]++
	}
	return keys
}

// Unix sockets are compared by inode, and with them who holds them.
func TestUnixRowsAgreeWithSS(t *testing.T) {
	ss, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("no ss here")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	inAllOfThree(t, func() map[uint64]string { return unixDisagreements(t, ss) })
}

func unixDisagreements(t *testing.T, ss string) map[uint64]string {
	t.Helper()
	before := ssUnix(t, ss)
	rows, _ := collectRows(t, collector.ThisHost())
	after := ssUnix(t, ss)
	ours, wrong := map[uint64]*SocketRow{}, map[uint64]string{}
	for i := range rows {
		ours[rows[i].Inode] = &rows[i]
	}
	if len(before) < 2 {
		t.Errorf("ss shows %d unix sockets, and we have two", len(before))
	}
	for inode, holder := range before {
		if after[inode] != holder {
			continue // came, went or changed hands meanwhile
		}
		r := ours[inode]
		if r == nil {
			wrong[inode] = fmt.Sprintf("only ss shows unix socket %d", inode)
			continue
		}
		same := strings.Count(holder, "pid=") == len(r.Holders)
		for _, h := range r.Holders {
			same = same && strings.Contains(holder, fmt.Sprintf("pid=%d,fd=%d", h.PID, h.FD))
		}
		if !same {
			wrong[inode] = fmt.Sprintf("unix socket %d: ss says %s, we say %+v", inode, holder, r.Holders)
		}
	}
	return wrong
}

// ssUnix gives the column "users" of ss -Hxap by inode.
func ssUnix(t *testing.T, ss string) map[uint64]string {
	t.Helper()
	out, err := exec.Command(ss, "-Hxap").Output()
	if err != nil {
		t.Skipf("ss: %v", err)
	}
	users := map[uint64]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		inode, err := strconv.ParseUint(f[len(f)-3], 10, 64)
		holder := ""
		if strings.HasPrefix(f[len(f)-1], "users:") {
			holder = f[len(f)-1]
			inode, err = strconv.ParseUint(f[len(f)-4], 10, 64)
		}
		if err == nil && f[len(f)-2] != "" {
			users[inode] = holder
		}
	}
	return users
}

func TestReadSocketsGivesTheRowsOfTheCollector(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := uint32(l.Addr().(*net.TCPAddr).Port)
	rows, err := ReadSockets(context.Background(), collector.ThisHost())
	if err != nil {
		t.Log(err)
	}
	for _, r := range rows {
		if r.Protocol == "tcp" && r.LocalPort == port && r.State == "listen" {
			if r.UnseenBy != 0 || r.Views&(SeenByProcNet|SeenByDiag) == 0 || len(r.Holders) == 0 {
				t.Errorf("%+v", r)
			}
			return
		}
	}
	t.Errorf("no listener on port %d among %d rows", port, len(rows))
}
