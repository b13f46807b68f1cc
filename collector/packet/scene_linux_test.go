package packet

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector/hosttest"
	"hozen/collector/packet/filter"
	"hozen/packager/evidence"
)

// wire is two interfaces that are each other's other end.
func wire() []string {
	return []string{
		"link add hz0 address 02:00:00:00:00:07 type veth peer name hz1 address 02:00:00:00:00:09",
		"link set hz0 addrgenmode none", "link set hz1 addrgenmode none", "link set hz0 up", "link set hz1 up",
	}
}

// send puts frames on an interface as they are.
func (r *scene) send(name string, frames ...[]byte) {
	r.t.Helper()
	var err error
	r.in(func() {
		var i *net.Interface
		if i, err = net.InterfaceByName(name); err != nil {
			return
		}
		var fd int
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(fd)
		for _, f := range frames {
			if err = unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
				return
			}
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// deliver sends frames from hz0 and waits until they came out at hz1: the kernel
// passes them on when it has time.
func (r *scene) deliver(frames ...[]byte) {
	r.t.Helper()
	fd, err := -1, error(nil)
	r.in(func() {
		var i *net.Interface
		if i, err = net.InterfaceByName("hz1"); err != nil {
			return
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		all := uint16(unix.ETH_P_ALL>>8 | unix.ETH_P_ALL&0xff<<8) // in network byte order
		err = errors.Join(unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index, Protocol: all}),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 60}))
	})
	if err != nil {
		r.t.Fatal(err)
	}
	defer unix.Close(fd)
	r.carries("hz0")
	r.send("hz0", frames...)
	for n := 0; n < len(frames); n++ {
		if _, _, err := unix.Recvfrom(fd, make([]byte, 2048), 0); err == unix.EINTR {
			n--
		} else if err != nil {
			r.t.Fatalf("%d of %d frames came: %v", n, len(frames), err)
		}
	}
}

// frame is an Ethernet frame from hz0 to hz1: what stands behind the addresses, filled up with zeros.
func frame(behind string, size int) []byte {
	b := append([]byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 7}, behind...)
	return append(b, make([]byte, max(0, size-len(b)))...)
}

const (
	ip4udp = "\x08\x00\x45\x00\x00\x1e\x00\x00\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x07\xc0\x00\x02\x09\x9c\x40\x00\x35\x00\x0a\x00\x00ab"
	ip6udp = "\x86\xdd\x60\x00\x00\x00\x00\x0a\x11\x40\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x9c\x40\x00\x35\x00\x0a\x00\x00cd"
)

func lineOf(t *testing.T, lines []InterfaceRow, name string) InterfaceRow {
	t.Helper()
	i := slices.IndexFunc(lines, func(r InterfaceRow) bool { return string(r.Interface) == name })
	if i < 0 {
		t.Fatalf("no %s in %+v", name, lines)
	}
	return lines[i]
}

// A frame with a VLAN tag, sent and received, is written as it is on the wire; a
// frame is written once for each interface, with its direction.
func TestFramesAreAsOnTheWire(t *testing.T) {
	r := newScene(t, wire()...)
	run := r.capture(Options{})
	tagged := frame("\x81\x00\x20\x05"+ip4udp, 60)
	double := frame("\x88\xa8\x00\x07\x81\x00\x00\x05"+ip6udp, 90)
	r.deliver(frame(ip4udp, 60), frame(ip6udp, 80), tagged, double)
	_, lines, file := run.end()
	if hz0, hz1 := lineOf(t, lines, "hz0"), lineOf(t, lines, "hz1"); hz0.Packets != 4 || hz1.Packets != 4 || hz0.MAC != "02:00:00:00:00:07" || hz1.LostKernel != 0 {
		t.Errorf("%+v\n%+v", hz0, hz1)
	}
	got := map[string]int{}
	for _, b := range blocksOf(t, file) {
		got[string(b.Data)]++
		if int(b.Length) != len(b.Data) {
			t.Errorf("%d of %d bytes", len(b.Data), b.Length)
		}
	}
	for what, f := range map[string][]byte{"plain": frame(ip4udp, 60), "IPv6": frame(ip6udp, 80), "tagged": tagged, "doubly tagged": double} {
		if got[string(f)] != 2 {
			t.Errorf("%s: there %d times, want 2: %x", what, got[string(f)], f)
		}
	}
	seen := tshark(t, file, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.packet_flags_direction", "-e", "vlan.id", "-e", "_ws.col.Protocol", "-Y", "udp")
	slices.Sort(seen)
	if len(seen) != 8 || !strings.HasPrefix(seen[0], "hz0\t0x00000002") || !strings.HasPrefix(seen[7], "hz1\t0x00000001") || !slices.ContainsFunc(seen, func(l string) bool { return strings.Contains(l, "\t5\t") }) {
		t.Errorf("tshark saw %q", seen)
	}
}

func TestCaptureKeepsToFilterAndSnaplen(t *testing.T) {
	r := newScene(t, wire()...)
	run := r.capture(Options{Interfaces: []string{"hz1"}, Filter: "ip6 and port 53", Snaplen: 40})
	r.deliver(frame(ip4udp, 60), frame(ip6udp, 80), frame(ip6udp, 200))
	whole, lines, file := run.end()
	if len(lines) != 1 || lines[0].Packets != 2 || lines[0].Accepted != 2 || lines[0].Bytes != 80 || lines[0].Wire != 280 || whole.Filter != "ip6 and port 53" || whole.Snaplen != 40 {
		t.Errorf("%+v, %+v", whole, lines)
	}
	for i, b := range blocksOf(t, file) {
		if len(b.Data) != 40 || int(b.Length) != []int{80, 200}[i] {
			t.Errorf("packet %d: %d of %d bytes", i, len(b.Data), b.Length)
		}
	}
	if got := tshark(t, file, "-T", "fields", "-e", "frame.len"); !slices.Equal(got, []string{"80", "200"}) {
		t.Errorf("tshark: %q", got)
	}
}

// oddWires say that every interface is of a kind that has to be cooked.
type oddWires struct{ kernelWires }

func (o oddWires) links() ([]link, error) {
	all, err := o.kernelWires.links()
	for i := range all {
		all[i].hardware = 280 // ARPHRD_CAN
	}
	return all, err
}

// Of a kind of interface that is not known, the kernel gives packets without their
// header: they are written with one of Linux's own.
func TestCookedPackets(t *testing.T) {
	r := newScene(t, wire()...)
	f, err := filter.Parse("udp port 53 and host 192.0.2.9")
	if err != nil {
		t.Fatal(err)
	}
	var sink hosttest.Sink
	h := liveHost()
	c := newCapture(h, &sink, Options{Interfaces: []string{"hz0", "hz1"}}.orDefault(), f, oddWires{kernelWires{h}}, way{source: "a test"})
	r.in(func() { err = c.begin() })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.deliver(frame(ip4udp, 60), frame(ip6udp, 80), frame("\x81\x00\x20\x05"+ip4udp, 60))
	cancel()
	c.run(ctx)
	if err := c.finish(ctx); err != nil {
		t.Fatal(err)
	}
	file := sink.Body("network/capture-000001.pcapng")
	got := tshark(t, file, "-T", "fields", "-e", "frame.interface_name", "-e", "sll.pkttype", "-e", "sll.etype", "-e", "ip.dst", "-e", "udp.dstport", "-e", "frame.len")
	slices.Sort(got)
	if len(got) < 2 || got[0] != "hz0\t4\t0x0800\t192.0.2.9\t53\t66" || !slices.Contains(got, "hz1\t0\t0x0800\t192.0.2.9\t53\t66") {
		t.Errorf("tshark: %q", got)
	}
}

// An interface that has no header of its own is written as it is.
func TestRawPackets(t *testing.T) {
	r := newScene(t)
	var tun int
	var err error
	r.in(func() {
		if tun, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		var req *unix.Ifreq
		if req, err = unix.NewIfreq("hztun"); err == nil {
			req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(tun, unix.TUNSETIFF, req)
		}
	})
	if err != nil {
		t.Skipf("kernel has no tun device: %v", err)
	}
	defer unix.Close(tun)
	r.ip("link set hztun up")
	run := r.capture(Options{Filter: "udp and net 192.0.2.0/24 and dst port 53"})
	for _, packet := range []string{ip4udp[2:], ip6udp[2:]} {
		if _, err := unix.Write(tun, []byte(packet)); err != nil {
			t.Fatal(err)
		}
	}
	_, lines, file := run.end()
	if l := lineOf(t, lines, "hztun"); l.LinkType != "raw" || l.Packets != 1 || l.Bytes != 30 {
		t.Errorf("%+v", l)
	}
	if got := tshark(t, file, "-T", "fields", "-e", "frame.interface_name", "-e", "udp.dstport"); !slices.Equal(got, []string{"hztun\t53"}) {
		t.Errorf("tshark: %q", got)
	}
}

// until asks again and again, for at most a minute.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after a minute: %s", what)
		}
	}
}

// sockets counts the packet sockets of the scene, and those of them that are bound to
// an interface that is up: a socket is there for some time before it listens.
func (r *scene) sockets() (all, listening int) {
	r.in(func() {
		b, err := hostFile("/proc/thread-self/net/packet")
		if err != nil {
			r.t.Error(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(b), "\n")[1:] {
			all++
			if f := strings.Fields(line); len(f) > 5 && f[5] == "1" { // sk RefCnt Type Proto Iface R …
				listening++
			}
		}
	})
	return all, listening
}

// exactly waits until there are that many packet sockets, and all of them listen.
func (r *scene) exactly(n int, what string) {
	r.t.Helper()
	until(r.t, what, func() bool {
		all, listening := r.sockets()
		return all == n && listening == n
	})
}

// carries waits until an interface takes frames: after "set up" the kernel still has to
// give it its queue, and until then drops what is sent.
func (r *scene) carries(name string) {
	r.t.Helper()
	until(r.t, name+" takes frames", func() bool { return strings.Contains(r.ip("link show "+name), " state UP ") })
}

func hostFile(name string) (string, error) {
	b, err := liveHost().ReadFile(name, 1<<20)
	return string(b), err
}

// Interfaces that go, come back and are new are followed.
func TestInterfacesComeAndGo(t *testing.T) {
	r := newScene(t, wire()...)
	run := r.capture(Options{})
	r.exactly(3, "all interfaces are listened to")
	r.deliver(frame(ip4udp, 60))
	r.ip("link set hz1 down")
	r.exactly(2, "the line of the interface that is down has ended")
	r.ip("link set hz1 up")
	r.ip("link add hz2 address 02:00:00:00:00:0a type veth peer name hz3")
	r.ip("link set hz2 up")
	r.ip("link set hz3 up")
	r.exactly(5, "the new ones and that which came back are listened to")
	r.carries("hz2")
	r.deliver(frame(ip6udp, 80))
	r.send("hz2", frame(ip4udp, 70))
	r.ip("link del hz2")
	r.exactly(3, "the line of the interface that was deleted has ended")
	_, lines, file := run.end()
	var of []InterfaceRow
	for _, l := range lines {
		if l.Interface == "hz1" {
			of = append(of, l)
		}
	}
	if len(lines) != 6 || len(of) != 2 || !strings.Contains(string(of[0].Why), "network is down") || of[0].Packets == 0 || of[1].Packets == 0 {
		t.Errorf("%+v", lines)
	}
	if l := lineOf(t, lines, "hz2"); l.Packets == 0 || !strings.Contains(string(l.Why), "network is down") {
		t.Errorf("%+v", l)
	}
	if got := tshark(t, file, "-Y", "frame.interface_name == hz2 && frame.len == 70"); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestCaptureEndsAtItsSize(t *testing.T) {
	r := newScene(t)
	run := r.capture(Options{Size: 1 << 20})
	r.burst(20_000, 100, "127.0.0.1:7777")
	whole, lines, file := run.wait()
	if !strings.Contains(string(whole.Why), "limit of the capture (1048576 bytes)") || len(file) > 1<<20+64<<10 || len(file) < 900<<10 {
		t.Errorf("%d bytes, %+v", len(file), whole)
	}
	if whole.Packets+whole.Lost != lines[0].Accepted || whole.Lost == 0 {
		t.Errorf("%+v: %+v", whole, lines[0])
	}
	if rec, _ := run.sink.Record(captureTable); rec.Outcome != evidence.Partial || !rec.Shortfall || !strings.Contains(rec.Note, "packets were lost") {
		t.Errorf("%+v", rec)
	}
}

func TestCaptureEndsAtItsTime(t *testing.T) {
	r := newScene(t)
	run := r.capture(Options{For: 3 * time.Second, Version: "9"})
	r.burst(10, 100, "127.0.0.1:7777")
	whole, _, file := run.wait()
	if whole.Why != "its time (3s) was over" || whole.Files != 1 {
		t.Errorf("%+v", whole)
	}
	if rec, _ := run.sink.Record(captureTable); whole.Lost == 0 && (rec.Outcome != evidence.Collected || rec.Shortfall) {
		t.Errorf("%+v", rec)
	}
	if n := len(tshark(t, file)); n != int(whole.Packets) || n != 10 {
		t.Errorf("%d packets by tshark, %+v", n, whole)
	}
	if n, _ := r.sockets(); n != 0 {
		t.Errorf("there are %d packet sockets still", n)
	}
}

func TestCaptureWithoutAPacket(t *testing.T) {
	r := newScene(t)
	run := r.capture(Options{Interfaces: []string{"lo", "nowhere0"}})
	whole, lines, file := run.end()
	if whole.Files != 1 || len(tshark(t, file)) != 0 {
		t.Errorf("%+v", whole)
	}
	if l := lineOf(t, lines, "nowhere0"); !strings.Contains(string(l.Error), "never there") {
		t.Errorf("%+v", l)
	}
}

func TestCaptureStopsWhenTheSinkBreaks(t *testing.T) {
	r := newScene(t)
	for n := 1; n <= 3; n++ {
		run := r.captureInto(Options{Size: 8 << 20}, &hosttest.Sink{BreakAt: n})
		r.burst(100_000, 100, "127.0.0.1:7777") // more than the limit: it ends by itself
		if err := <-run.done; !errors.Is(err, hosttest.ErrBroken) {
			t.Errorf("sink broken at put %d: %v", n, err)
		}
	}
}
