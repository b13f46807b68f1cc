package isolate

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A lab is hosts in network namespaces of their own: pc, hub and other on one switch, and
// far behind other. Each has 192.0.2.N and 2001:db8::N: pc 1, hub 2, other 3.
type lab struct {
	t *testing.T
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not as root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip here")
	}
	l := &lab{t}
	for _, ns := range []string{"pc", "hub", "other", "far", "switch"} {
		l.ip("netns", "add", l.ns(ns))
		t.Cleanup(func() { l.ip("netns", "del", l.ns(ns)) })
		l.on(ns, "link", "set", "lo", "up")
		l.in(ns, func() { // addresses hold at once
			for _, name := range []string{"all", "default"} {
				if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/accept_dad", []byte("0"), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	l.on("switch", "link", "add", "br0", "type", "bridge")
	l.on("switch", "link", "set", "br0", "up")
	for i, ns := range []string{"pc", "hub", "other"} {
		l.link(ns, "eth0", "switch", "to-"+ns)
		l.on("switch", "link", "set", "to-"+ns, "master", "br0")
		l.addr(ns, "eth0", fmt.Sprintf("192.0.2.%d/24", i+1), fmt.Sprintf("2001:db8::%d/64", i+1))
	}
	l.link("other", "eth1", "far", "eth0")
	l.addr("other", "eth1", "198.51.100.1/24", "2001:db8:1::1/64")
	l.addr("far", "eth0", "198.51.100.2/24", "2001:db8:1::2/64")
	l.forward("other")
	l.gateway("far", "198.51.100.1", "2001:db8:1::1")
	l.gateway("pc", "192.0.2.3", "2001:db8::3")
	return l
}

func (l *lab) ns(name string) string { return fmt.Sprintf("hz%d-%s", os.Getpid(), name) }

func (l *lab) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// on is ip(8) inside a host; tool is another program there.
func (l *lab) on(ns string, args ...string) {
	l.t.Helper()
	l.ip(append([]string{"-n", l.ns(ns)}, args...)...)
}

func (l *lab) tool(ns, stdin string, args ...string) string {
	l.t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		l.t.Skip("no " + args[0] + " here")
	}
	c := exec.Command("ip", append([]string{"netns", "exec", l.ns(ns)}, args...)...)
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// link joins two hosts by a cable.
func (l *lab) link(ns, name, ns2, name2 string) {
	l.t.Helper()
	l.ip("link", "add", name, "netns", l.ns(ns), "type", "veth", "peer", "name", name2, "netns", l.ns(ns2))
	l.on(ns, "link", "set", name, "up")
	l.on(ns2, "link", "set", name2, "up")
}

func (l *lab) addr(ns, dev string, addrs ...string) {
	l.t.Helper()
	for _, a := range addrs {
		args := []string{"addr", "add", a, "dev", dev}
		if strings.Contains(a, ":") {
			args = append(args, "nodad")
		}
		l.on(ns, args...)
	}
}

func (l *lab) gateway(ns string, addrs ...string) {
	l.t.Helper()
	for _, a := range addrs {
		l.on(ns, "route", "add", "default", "via", a)
	}
}

// forward makes a host a router.
func (l *lab) forward(ns string) {
	l.t.Helper()
	l.in(ns, func() {
		for _, f := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
			if err := os.WriteFile("/proc/sys/net/"+f, []byte("1"), 0); err != nil {
				l.t.Error(err)
			}
		}
	})
}

// in runs f inside a host, on a thread that is thrown away.
func (l *lab) in(ns string, f func()) {
	l.t.Helper()
	done := make(chan error, 1)
	go func() {
		err := enter(l.ns(ns))
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		l.t.Fatal(err)
	}
}

// enter puts the goroutine into a host until it ends.
func enter(ns string) error {
	runtime.LockOSThread()
	file, err := os.Open("/run/netns/" + ns)
	if err != nil {
		return err
	}
	return errors.Join(unix.Setns(int(file.Fd()), unix.CLONE_NEWNET), file.Close())
}

// machine is the isolation of a host; hubs are what it keeps.
func (l *lab) machine() *Machine {
	return &Machine{File: filepath.Join(l.t.TempDir(), StateName), Firewall: System(), Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

// isolated isolates pc.
func (l *lab) isolated(m *Machine, d time.Duration, hubs ...string) Change {
	l.t.Helper()
	o := Options{For: d, Case: "42", Reason: "test", NoHub: len(hubs) == 0}
	for _, h := range hubs {
		o.Hubs = append(o.Hubs, netip.MustParseAddrPort(h))
	}
	var c Change
	var err error
	l.in("pc", func() { c, err = m.On(context.Background(), o) })
	if errors.Is(err, ErrUnsupported) {
		l.t.Skipf("kernel has no nftables: %v", err)
	}
	if err != nil || !c.Verified || c.Event != Isolated || len(c.Others) > 0 {
		l.t.Fatalf("on: %v %+v", err, c)
	}
	return c
}

func (l *lab) status(m *Machine) (st Status) {
	l.t.Helper()
	l.in("pc", func() {
		var err error
		if st, err = m.Status(context.Background()); err != nil {
			l.t.Error(err)
		}
	})
	return st
}

// echo answers on TCP and UDP.
func (l *lab) echo(ns, addr string) {
	l.t.Helper()
	l.in(ns, func() {
		tcp, err := net.Listen("tcp", addr)
		if err != nil {
			l.t.Error(err)
			return
		}
		l.t.Cleanup(func() { tcp.Close() })
		go func() {
			for {
				c, err := tcp.Accept()
				if err != nil {
					return
				}
				l.t.Cleanup(func() { c.Close() })
				go func() {
					b := make([]byte, 64)
					for {
						n, err := c.Read(b)
						if err != nil {
							return
						}
						c.Write(b[:n])
					}
				}()
			}
		}()
		udp, err := net.ListenPacket("udp", addr)
		if err != nil {
			l.t.Error(err)
			return
		}
		l.t.Cleanup(func() { udp.Close() })
		go func() {
			b := make([]byte, 64)
			for {
				n, from, err := udp.ReadFrom(b)
				if err != nil {
					return
				}
				udp.WriteTo(b[:n], from)
			}
		}()
	})
}

// patience is how long a probe waits before it says that nothing comes; what must pass may
// take long on a busy machine.
const patience, long = 400 * time.Millisecond, time.Minute

// dial opens a flow from a host; said says whether the other side still answers on it.
func (l *lab) dial(ns, network, addr string, wait time.Duration) (c net.Conn, err error) {
	l.in(ns, func() { c, err = net.DialTimeout(network, addr, wait) })
	if err == nil {
		l.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// dialFrom opens a TCP flow from a port of the caller's choice.
func (l *lab) dialFrom(ns, from, to string, wait time.Duration) (c net.Conn, err error) {
	reuse := func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
				l.t.Error(err)
			}
		})
	}
	d := net.Dialer{Timeout: wait, LocalAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from)), Control: reuse}
	l.in(ns, func() { c, err = d.Dial("tcp", to) })
	if err == nil {
		l.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// passes is said of a flow that must pass: a datagram may be lost, and is sent again.
func passes(c net.Conn) (err error) {
	if c.LocalAddr().Network() == "tcp" {
		return said(c, long)
	}
	for end := time.Now().Add(long); time.Now().Before(end); {
		if err = said(c, patience); err == nil {
			return nil
		}
	}
	return err
}

func said(c net.Conn, wait time.Duration) error {
	if _, err := c.Write([]byte("hello")); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	b := make([]byte, 64)
	n, err := c.Read(b)
	if err == nil && string(b[:n]) != "hello" {
		err = fmt.Errorf("answer %q", b[:n])
	}
	return err
}

// reaches says whether what is sent on network from a host to addr comes back.
func (l *lab) reaches(ns, network, addr string) error {
	if network == "icmp" {
		return l.ping(ns, netip.MustParseAddr(addr))
	}
	c, err := l.dial(ns, network, addr, patience)
	if err == nil {
		err = said(c, patience)
	}
	return err
}

// ping is an echo request of ICMP or ICMPv6.
func (l *lab) ping(ns string, to netip.Addr) (err error) {
	network, msg := "ip4:1", []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1}
	if to.Is6() {
		network, msg[0] = "ip6:58", 128 // its checksum is the kernel's work
	} else {
		binary.BigEndian.PutUint16(msg[2:], 0xffff-(8<<8+0x1234+1))
	}
	l.in(ns, func() {
		var c net.Conn
		if c, err = net.Dial(network, to.String()); err != nil {
			return
		}
		defer c.Close()
		if _, err = c.Write(msg); err != nil {
			return
		}
		c.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 128)
		for {
			var n int
			if n, err = c.Read(b); err != nil {
				return
			}
			b := b[:n]
			if n > 20 && to.Is4() {
				b = b[4*(b[0]&15):]
			}
			if len(b) >= 8 && (b[0] == 0 || b[0] == 129) && bytes.Equal(b[4:8], msg[4:8]) {
				return
			}
		}
	})
	return err
}

// rawDump is everything that the kernel of a host says of its rules; what is cleared is the
// request's number and the generation, which stand in every message.
func (l *lab) rawDump(ns string) (raw []byte) {
	l.t.Helper()
	l.in(ns, func() {
		var err error
		if raw, err = dumpAll(context.Background()); err != nil {
			l.t.Error(err)
		}
	})
	for at := 0; at+20 <= len(raw); {
		clear(raw[at+8 : at+16])
		clear(raw[at+18 : at+20])
		at += (int(binary.NativeEndian.Uint32(raw[at:])) + 3) &^ 3
	}
	return raw
}
