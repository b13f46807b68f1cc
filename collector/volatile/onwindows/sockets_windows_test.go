package onwindows

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/hosttest"
)

// TestSocketScene makes sockets of every kind and wants each in the table with our pid.
func TestSocketScene(t *testing.T) {
	var want []SocketRow
	add := func(protocol, state string, local, remote net.Addr) {
		r := SocketRow{Family: "inet", Protocol: protocol, State: state}
		l := netip.MustParseAddrPort(local.String())
		r.LocalAddr, r.LocalPort = l.Addr(), uint32(l.Port())
		if remote != nil {
			p := netip.MustParseAddrPort(remote.String())
			r.RemoteAddr, r.RemotePort = p.Addr(), uint32(p.Port())
		}
		if l.Addr().Is6() {
			r.Family = "inet6"
		}
		want = append(want, r)
	}
	for _, n := range []struct{ tcp, udp, at string }{{"tcp4", "udp4", "127.0.0.1:0"}, {"tcp6", "udp6", "[::1]:0"}} {
		l, err := net.Listen(n.tcp, n.at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		touch(t, l)
		add("tcp", "listen", l.Addr(), nil)
		c, err := net.Dial(n.tcp, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		touch(t, c)
		touch(t, s)
		add("tcp", "established", c.LocalAddr(), c.RemoteAddr())
		add("tcp", "established", s.LocalAddr(), s.RemoteAddr())
		add("udp", "", boundUDP(t, n.udp == "udp6"), nil)
	}
	var s hosttest.Sink
	if err := Sockets().Collect(t.Context(), liveHost(), &s); err != nil {
		t.Fatal(err)
	}
	got := rowsOf[SocketRow](t, &s, "volatile/sockets.jsonl")
	for _, w := range want {
		found := 0
		for _, r := range got {
			if r.Family == w.Family && r.Protocol == w.Protocol && r.State == w.State && r.LocalAddr == w.LocalAddr && r.LocalPort == w.LocalPort &&
				r.RemoteAddr == w.RemoteAddr && r.RemotePort == w.RemotePort && ours(r) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d rows for %+v of pid %d", found, w, os.Getpid())
		}
	}
	if t.Failed() {
		t.Logf("%s", s.Body("volatile/sockets.jsonl"))
	}
}

// ours says whether a row has our pid. Wine (nsiproxy.sys, tcp.c) names no owner for TCP
// over IPv6, nor for what AcceptEx gave: a real Windows must.
func ours(r SocketRow) bool {
	if len(r.Holders) == 0 && r.Protocol == "tcp" && windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		return r.Family == "inet6" || r.State == "established"
	}
	return len(r.Holders) == 1 && r.Holders[0].PID == os.Getpid()
}

// touch makes the process itself look at a socket: Wine tells the owner of those alone
// whose Unix file has come over from its server.
func touch(t *testing.T, s any) {
	t.Helper()
	raw, err := s.(syscall.Conn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { touchSocket(t, windows.Handle(fd)) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func touchSocket(t *testing.T, s windows.Handle) {
	t.Helper()
	if err := ioctlNonBlocking(s); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	buf := windows.WSABuf{Len: 1, Buf: &b[0]}
	var n uint32
	flags := uint32(windows.MSG_PEEK)
	_ = windows.WSARecv(s, &buf, 1, &n, &flags, nil, nil) // there is nothing to receive
}

// ioctlNonBlocking is ioctlsocket(FIONBIO, 1).
func ioctlNonBlocking(s windows.Handle) error {
	const fionbio = 0x8004667e
	on, n := uint32(1), uint32(0)
	return windows.WSAIoctl(s, fionbio, (*byte)(unsafe.Pointer(&on)), 4, nil, 0, &n, nil, 0)
}

// boundUDP binds a socket to a port of its own without the ioctls that package net makes
// on it, which Wine does not know.
func boundUDP(t *testing.T, six bool) net.Addr {
	t.Helper()
	family, at := windows.AF_INET, windows.Sockaddr(&windows.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if six {
		family, at = windows.AF_INET6, &windows.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}
	}
	s, err := windows.Socket(family, windows.SOCK_DGRAM, windows.IPPROTO_UDP)
	if err == nil {
		t.Cleanup(func() { windows.Closesocket(s) })
		err = windows.Bind(s, at)
	}
	if err != nil {
		t.Fatal(err)
	}
	touchSocket(t, s)
	name, err := windows.Getsockname(s)
	if err != nil {
		t.Fatal(err)
	}
	switch a := name.(type) {
	case *windows.SockaddrInet4:
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)))
	case *windows.SockaddrInet6:
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)))
	}
	t.Fatalf("%T", name)
	return nil
}

func TestPipeScene(t *testing.T) {
	const name = `hozen-test-パイプ`
	p, err := windows.UTF16PtrFromString(`\\.\pipe\` + name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateNamedPipe(p, windows.PIPE_ACCESS_DUPLEX, 0, 7, 512, 512, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { windows.CloseHandle(h) })
	var s hosttest.Sink
	if err := Sockets().Collect(t.Context(), liveHost(), &s); err != nil {
		t.Fatal(err)
	}
	if r, _ := s.Record("volatile/sockets/pipes.bin"); r.Size == 0 {
		t.Skipf("wine has no list of pipes: %s", r.Note)
	}
	for _, r := range rowsOf[PipeRow](t, &s, "volatile/sockets/pipes.jsonl") {
		if string(r.Name) == name {
			if r.Instances != 1 || r.Limit != 7 {
				t.Errorf("%+v", r)
			}
			return
		}
	}
	t.Errorf("our pipe is not there: %s", s.Body("volatile/sockets/pipes.jsonl"))
}
