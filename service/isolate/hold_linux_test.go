package isolate

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	xdp "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// eventually waits for what must become true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// The kernel itself lets go when the time is over: nobody runs here.
func TestTheKernelReleasesInTime(t *testing.T) {
	l := newLab(t)
	l.echo("other", ":4222")
	probes := both("pc", "tcp", 3, "4222")
	l.want("before", true, probes)
	m := l.machine()
	l.isolated(m, 20*time.Second)
	l.want("isolated", false, probes)
	l.want("after the time", true, probes)
	eventually(t, "the file says so, too", func() bool { st := l.status(m); return st.Kernel == Expired && st.File == Expired && st.Agree })
	l.in("pc", func() {
		if c, err := m.Restore(context.Background()); err != nil || !c.Verified || c.Event != Rejoined || c.Cause != byDeadline || c.Case != "42" {
			t.Errorf("the next run: %v %+v", err, c)
		}
	})
	if st := l.status(m); st.Kernel != Open || !st.Agree {
		t.Errorf("status %+v", st)
	}
}

// What is flushed or altered comes back, and new interfaces are filtered, while somebody
// watches; a release by another process stays one; and the time ends it.
func TestWatchKeepsItSo(t *testing.T) {
	l := newLab(t)
	m := l.machine()
	var passed atomic.Int64 // the clock goes on when the test says so
	m.Now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	var mu sync.Mutex
	var told []Change
	m.Tell = func(c Change) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, c)
		return nil
	}
	l.isolated(m, time.Hour, "192.0.2.2:4222")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := errors.Join(enter(l.ns("pc")), m.Watch(ctx)); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
	cut := func() bool { st := l.status(m); return st.Kernel == Cut && st.Agree }

	l.tool("pc", "", "nft", "flush", "ruleset")
	eventually(t, "isolated after a flush", cut)
	l.tool("pc", "", "nft", "add", "rule", "inet", Table, "output", "accept")
	eventually(t, "isolated after a rule was added", func() bool {
		return cut() && !strings.Contains(l.tool("pc", "", "nft", "list", "chain", "inet", Table, "output"), "\n\t\taccept")
	})
	l.link("pc", "late0", "other", "late0")
	eventually(t, "a new interface is filtered", func() bool { return cut() && slices.Contains(l.status(m).Links, "late0") })
	l.on("pc", "link", "set", "late0", "name", "renamed0")
	eventually(t, "also with another name", func() bool { return cut() && slices.Contains(l.status(m).Links, "renamed0") })

	another := &Machine{File: m.File, Firewall: m.Firewall, Now: m.Now, Log: m.Log}
	l.in("pc", func() {
		if c, err := another.Off(ctx, Why{Operator: "alice"}); err != nil || !c.Verified {
			t.Errorf("off: %v %+v", err, c)
		}
	})
	eventually(t, "the release by another process is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) > 1 && told[len(told)-1].Event == Rejoined && told[len(told)-1].Operator == "alice"
	})
	if st := l.status(m); st.Kernel != Open || !st.Agree {
		t.Errorf("released, and isolated again: %+v", st)
	}
	l.isolated(m, time.Hour, "192.0.2.2:4222")
	passed.Store(int64(time.Hour))
	eventually(t, "the end of the time is told", func() bool { // it is told after it was done
		mu.Lock()
		defer mu.Unlock()
		c := told[len(told)-1]
		return c.Event == Rejoined && c.Cause == byDeadline && c.Verified
	})
	if st := l.status(m); st.Kernel != Open || st.File != Open {
		t.Errorf("the time is over, and something is left: %+v", st)
	}
	mu.Lock()
	defer mu.Unlock()
	if told[1].Cause != byWatch || !told[1].Verified || len(told[1].Warnings) == 0 {
		t.Errorf("told of the flush: %+v", told[1])
	}
}

// At boot there is no interface yet; those that come are filtered as soon as somebody
// watches, and by the rules for IP at once. One that goes away is no hindrance.
func TestIsolatedBeforeThereIsANetwork(t *testing.T) {
	l := newLab(t)
	l.echo("other", ":4222")
	l.on("pc", "link", "del", "eth0")
	m := l.machine()
	if c := l.isolated(m, time.Hour, "192.0.2.2:4222"); len(c.Missing) > 0 {
		t.Skipf("kernel has no %q", c.Missing)
	}
	l.link("pc", "eth0", "other", "to-pc")
	l.addr("pc", "eth0", "192.0.4.1/24", "2001:db8:4::1/64")
	l.addr("other", "to-pc", "192.0.4.2/24", "2001:db8:4::2/64")
	l.want("before somebody watches", false, []probe{{"pc", "tcp", "192.0.4.2:4222"}, {"pc", "tcp", "[2001:db8:4::2]:4222"}, {"pc", "icmp", "192.0.4.2"}})
	l.in("pc", func() {
		if c, err := m.Restore(context.Background()); err != nil || c.Event != Isolated || !c.Verified {
			t.Errorf("the look of the watcher: %v %+v", err, c)
		}
		if missing, err := m.Firewall.Replace(context.Background(), &Want{Links: []string{"eth0", "gone0"}, Left: time.Hour}); err != nil || len(missing) > 0 {
			t.Errorf("an interface that went away: %v %q", err, missing)
		}
	})
	if got := l.status(m).Links; !slices.Contains(got, "eth0") { // Linux 6.16 takes the other name, too
		t.Errorf("filtered: %q", got)
	}
}

// A rule of somebody else that rewrites where the hub is does not open a way out.
func TestRewrittenAddressesDoNotPass(t *testing.T) {
	l := newLab(t)
	l.echo("other", ":4222")
	l.tool("pc", `table inet evil { chain o { type nat hook output priority -100; tcp dport 4222 ip daddr 192.0.2.2 dnat ip to 192.0.2.3:4222; tcp dport 4222 ip6 daddr 2001:db8::2 dnat ip6 to [2001:db8::3]:4222; }; }`, "nft", "-f", "-")
	probes := both("pc", "tcp", 2, "4222") // nobody listens there
	l.want("before", true, probes)
	l.isolated(l.machine(), time.Hour, "192.0.2.2:4222", "[2001:db8::2]:4222")
	l.want("isolated", false, probes)
}

// A container with a macvlan on our interface, and hosts on a bridge of ours.
func TestDevicesUponOthers(t *testing.T) {
	l := newLab(t)
	l.echo("other", ":4222")
	l.ip("netns", "add", l.ns("container"))
	t.Cleanup(func() { l.ip("netns", "del", l.ns("container")) })
	l.on("pc", "link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode", "bridge")
	l.on("pc", "link", "set", "mv0", "netns", l.ns("container"))
	l.on("container", "link", "set", "mv0", "up")
	l.addr("container", "mv0", "192.0.2.9/24", "2001:db8::9/64")
	probes := both("container", "tcp", 3, "4222")
	l.want("before", true, probes)
	if c := l.isolated(l.machine(), time.Hour, "192.0.2.2:4222"); len(c.Missing) > 0 {
		t.Skipf("kernel has no %q", c.Missing)
	}
	l.want("isolated", false, probes)

	// The switch itself is isolated: frames between its ports.
	across := both("hub", "tcp", 3, "4222")
	l.want("across the bridge, before", true, across)
	l.in("switch", func() {
		if c, err := l.machine().On(context.Background(), Options{NoHub: true, For: time.Hour}); err != nil || !c.Verified {
			t.Errorf("on: %v %+v", err, c)
		}
	})
	l.want("across the bridge", false, across)
}

// frames says whether something comes in on an interface by a packet socket, as root can.
func (l *lab) frames(ns, dev, mark string) func(wait time.Duration) bool {
	l.t.Helper()
	var fd int
	l.in(ns, func() {
		i, err := net.InterfaceByName(dev)
		if err == nil {
			fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, 0x0300) // ETH_P_ALL
		}
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: i.Index})
		}
		if err != nil {
			l.t.Fatal(err)
		}
	})
	l.t.Cleanup(func() { unix.Close(fd) })
	return func(wait time.Duration) bool {
		b := make([]byte, 2048)
		for end := time.Now().Add(wait); time.Now().Before(end); {
			size, _, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				time.Sleep(10 * time.Millisecond)
			} else if strings.Contains(string(b[:size]), mark) {
				return true
			}
		}
		return false
	}
}

// inject sends one UDP frame past the whole IP layer.
func (l *lab) inject(ns, dev, mark string, bypass bool) {
	l.t.Helper()
	l.in(ns, func() {
		i, err := net.InterfaceByName(dev)
		if err != nil {
			l.t.Error(err)
			return
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			l.t.Error(err)
			return
		}
		defer unix.Close(fd)
		if bypass {
			err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
		}
		ip := []byte{0x45, 0, 0, byte(28 + len(mark)), 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 99, 192, 0, 2, 3}
		var sum uint32
		for i := 0; i < len(ip); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(ip[i:]))
		}
		binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16)) // a bridge looks at it
		udp := binary.BigEndian.AppendUint16([]byte{0, 53, 0, 53}, uint16(8+len(mark)))
		frame := slices.Concat([]byte{255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 0}, ip, udp, []byte{0, 0}, []byte(mark))
		if err == nil {
			err = unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: i.Index, Protocol: 0x0008, Halen: 6})
		}
		if err != nil && err != unix.ENOBUFS { // what the rules drop
			l.t.Error(err)
		}
	})
}

// What is said of packet sockets: sending is stopped (also past the queues), listening to
// what arrives is not.
func TestPacketSockets(t *testing.T) {
	l := newLab(t)
	for _, isolated := range []bool{false, true} {
		if isolated {
			if c := l.isolated(l.machine(), time.Hour, "192.0.2.2:4222"); len(c.Missing) > 0 {
				t.Skipf("kernel has no %q", c.Missing)
			}
		}
		for _, bypass := range []bool{false, true} {
			got := l.frames("other", "eth0", "exfiltrated")
			l.inject("pc", "eth0", "exfiltrated", bypass)
			wait := long
			if isolated {
				wait = patience
			}
			if out := got(wait); out == isolated {
				t.Errorf("isolated %v, past the queues %v: a frame went out: %v", isolated, bypass, out)
			}
		}
		got := l.frames("pc", "eth0", "commanded")
		l.inject("other", "eth0", "commanded", false)
		if !got(long) {
			t.Errorf("isolated %v: a packet socket did not hear what arrived: say so in the documents", isolated)
		}
	}
}

// The text that people get is the rules that the kernel has, by nft's own judgement.
func TestTextIsWhatTheKernelHas(t *testing.T) {
	l := newLab(t)
	c := l.isolated(l.machine(), time.Hour, "192.0.2.2:4222", "[2001:db8::2]:4222", "[2001:db8:1::2]:4222")
	if len(c.Missing) > 0 {
		t.Skipf("kernel has no %q", c.Missing)
	}
	w := &Want{Hubs: c.Hubs, Next: []netip.Addr{netip.MustParseAddr("2001:db8::3")}, Left: time.Hour, Links: []string{"eth0"}}
	list := func(ns string) (lines []string) {
		for line := range strings.Lines(l.tool(ns, "", "nft", "list", "ruleset")) {
			if !strings.Contains(line, "elements =") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	got := list("pc")
	l.tool("far", w.Text(), "nft", "-f", "-")
	if want := list("far"); !slices.Equal(got, want) {
		t.Errorf("the kernel has:\n%s\nthe text makes:\n%s", strings.Join(got, ""), strings.Join(want, ""))
	}
}

// Killed at any moment, the rules are the old ones or the new ones, and the next call goes on.
func TestKilledInTheMiddle(t *testing.T) {
	l := newLab(t)
	m := l.machine()
	l.isolated(m, time.Hour, "192.0.2.2:4222")
	old := l.sum(m)
	l.isolated(m, time.Hour, "192.0.2.2:4223", "[2001:db8::2]:1")
	fresh := l.sum(m)
	if old == fresh {
		t.Fatal("other rules, the same hash")
	}
	seen := map[string]int{}
	for i := range 25 {
		c := exec.Command("ip", "netns", "exec", l.ns("pc"), os.Args[0], "-test.run", "^TestChangesForEver$")
		c.Env = append(os.Environ(), "HOZEN_ISOLATE_FOR_EVER="+m.File)
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(out).ReadString('\n') // it is at work
		time.Sleep(time.Duration(i) * 4 * time.Millisecond)
		c.Process.Kill()
		c.Wait()
		var have Ruleset
		l.in("pc", func() { have, err = m.Firewall.Read(context.Background()) })
		if err != nil {
			t.Fatal(err)
		}
		state, why := have.ours()
		switch sum := have.oursSum(); {
		case state == Open:
			seen["open"]++
		case state == Cut && sum == old:
			seen["old"]++
		case state == Cut && sum == fresh:
			seen["new"]++
		default:
			t.Fatalf("after a kill: %s (%s)\n%s", state, why, have.rules().Text)
		}
		if left, _ := filepath.Glob(m.File + ".*"); len(left) > 4+i { // lock, untold, and a file that was being written
			t.Errorf("left behind: %q", left)
		}
		l.in("pc", func() {
			if _, err := m.Restore(context.Background()); err != nil {
				t.Errorf("restore after a kill: %v", err)
			}
		})
		if st := l.status(m); !st.Agree {
			t.Fatalf("restored, but %+v", st)
		}
	}
	t.Logf("after 25 kills: %v", seen)
	l.isolated(m, time.Hour, "192.0.2.2:4222")
}

func (l *lab) sum(m *Machine) (sum string) {
	l.in("pc", func() {
		have, err := m.Firewall.Read(context.Background())
		if err != nil {
			l.t.Error(err)
		}
		sum = have.oursSum()
	})
	return sum
}

// TestChangesForEver is what TestKilledInTheMiddle kills.
func TestChangesForEver(t *testing.T) {
	file := os.Getenv("HOZEN_ISOLATE_FOR_EVER")
	if file == "" {
		return
	}
	m := &Machine{File: file, Firewall: System(), Now: time.Now, Log: (&lab{t: t}).machine().Log}
	fmt.Println("ready")
	for range 1000 {
		for _, hubs := range []string{"192.0.2.2:4222", "192.0.2.2:4223 [2001:db8::2]:1", ""} {
			var err error
			if hubs == "" {
				_, err = m.Off(context.Background(), Why{})
			} else {
				o := Options{For: time.Hour, Case: "42", Reason: "test"}
				for h := range strings.FieldsSeq(hubs) {
					o.Hubs = append(o.Hubs, netip.MustParseAddrPort(h))
				}
				_, err = m.On(context.Background(), o)
			}
			if err != nil && !strings.Contains(err.Error(), "not recorded") {
				t.Fatal(err)
			}
		}
	}
}

// What is not reached is said: an XDP program.
func TestWhatIsNotReachedIsSaid(t *testing.T) {
	l := newLab(t)
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		t.Skipf("kernel has no XDP: %v", err)
	}
	defer prog.Close()
	l.in("pc", func() {
		i, err := net.InterfaceByName("eth0")
		if err == nil {
			var x xdp.Link
			if x, err = xdp.AttachXDP(xdp.XDPOptions{Program: prog, Interface: i.Index, Flags: xdp.XDPGenericMode}); err == nil {
				t.Cleanup(func() { x.Close() })
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
	c := l.isolated(l.machine(), time.Hour)
	if !slices.ContainsFunc(c.Outside, func(s string) bool { return strings.HasPrefix(s, "an XDP program on eth0 ") }) {
		t.Errorf("outside: %q", c.Outside)
	}
}
