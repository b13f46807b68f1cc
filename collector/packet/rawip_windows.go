package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/windows"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Of SIO_RCVALL (mstcpip.h; learn.microsoft.com/windows/win32/winsock/sio-rcvall).
const (
	sioRcvAll     = windows.IOC_IN | windows.IOC_VENDOR | 1
	rcvAllIPLevel = 3 // unlike RCVALL_ON (1) it does not make the card promiscuous; Windows 7 and later
	rawWait       = 200 * time.Millisecond
)

// openRawIP listens to every IPv4 address of an interface with a raw socket each.
func openRawIP(l *link, f form, program []bpf.RawInstruction, size int) (tap, error) {
	own, err := addressesOf(l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	var sockets []windows.Handle
	var ended atomic.Bool
	var readers sync.WaitGroup
	shut := func() {
		ended.Store(true)
		readers.Wait()
		for _, s := range sockets {
			windows.Closesocket(s)
		}
	}
	q, err := newQueue(f, program, size, shut)
	if err != nil {
		return nil, fmt.Errorf("%s: filter: %w", l.name, err)
	}
	for _, a := range own {
		s, err := rawSocket(a)
		if err != nil {
			shut()
			return nil, fmt.Errorf("%s: %s: %w", l.name, a, err)
		}
		sockets = append(sockets, s)
	}
	if len(sockets) == 0 {
		return nil, evidence.NotHere("%s: no IPv4 address", l.name)
	}
	for i, s := range sockets {
		readers.Go(func() { readRaw(q, s, own[i], &ended) })
	}
	return q, nil
}

// addressesOf gives the IPv4 addresses of an interface.
func addressesOf(l *link) (out []netip.Addr, err error) {
	i, err := net.InterfaceByIndex(l.index)
	if err != nil {
		return nil, err
	}
	all, err := i.Addrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			out = append(out, netip.AddrFrom4([4]byte(n.IP.To4())))
		}
	}
	return out, err
}

// rawSocket is bound to an address and gets every IP packet of its interface. Nothing is
// ever sent through it.
func rawSocket(a netip.Addr) (windows.Handle, error) {
	s, err := windows.Socket(windows.AF_INET, windows.SOCK_RAW, windows.IPPROTO_IP)
	if err != nil {
		return 0, fmt.Errorf("raw socket: %w", err)
	}
	fail := func(what string, err error) (windows.Handle, error) {
		windows.Closesocket(s)
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	if err = windows.Bind(s, &windows.SockaddrInet4{Addr: a.As4()}); err != nil {
		return fail("bind", err)
	}
	const soRcvTimeo, soRcvBuf = 0x1006, 0x1002
	windows.SetsockoptInt(s, windows.SOL_SOCKET, soRcvBuf, 8<<20) // with less, more may be lost
	if err = windows.SetsockoptInt(s, windows.SOL_SOCKET, soRcvTimeo, int(rawWait.Milliseconds())); err != nil {
		return fail("SO_RCVTIMEO", err)
	}
	var in [4]byte
	var n uint32
	binary.LittleEndian.PutUint32(in[:], rcvAllIPLevel)
	if err = windows.WSAIoctl(s, sioRcvAll, &in[0], uint32(len(in)), nil, 0, &n, nil, 0); err != nil {
		return fail("SIO_RCVALL", err)
	}
	return s, nil
}

// TryRaw listens for a moment to each IPv4 address of this machine, as a capture without
// Npcap does, and says how many gave that. No packet is read.
func TryRaw() (n int, err error) {
	for _, a := range localAddresses() {
		if !a.Is4() {
			continue
		}
		s, e := rawSocket(a)
		if e != nil {
			err = fault.Join(err, fmt.Errorf("%s: %w", a, e))
			continue
		}
		windows.Closesocket(s)
		n++
	}
	return n, err
}

// readRaw hands packets over until it is to end or the socket does.
func readRaw(q *queue, s windows.Handle, own netip.Addr, ended *atomic.Bool) {
	buf := make([]byte, 64<<10)
	for !ended.Load() {
		n, _, err := windows.Recvfrom(s, buf, 0)
		switch {
		case errors.Is(err, windows.WSAETIMEDOUT):
			continue
		case errors.Is(err, windows.WSAEMSGSIZE):
			n = len(buf)
		case err != nil:
			q.end(fmt.Errorf("recvfrom: %w", err))
			return
		}
		at := time.Now()
		if p := buf[:n]; len(p) >= 20 {
			q.put(at, ipDirection(p, own), max(n, int(binary.BigEndian.Uint16(p[2:]))), p)
		}
	}
	q.end(io.EOF)
}
