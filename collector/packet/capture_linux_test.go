package packet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/packet/pcapng"
	"hozen/packager/evidence"
)

func liveHost() *collector.Host {
	return &collector.Host{Root: "/", Live: true, Elevated: os.Geteuid() == 0}
}

// A scene is a network namespace with a thread inside.
type scene struct {
	t  *testing.T
	do chan func()
}

// newScene makes a namespace and furnishes it with ip(8).
func newScene(t *testing.T, commands ...string) *scene {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not as root: no network namespace can be made")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip here")
	}
	r := &scene{t, make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		made <- unix.Unshare(unix.CLONE_NEWNET)
		for f := range r.do {
			f()
		}
	}()
	if err := <-made; err != nil {
		t.Skipf("not as root with CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() { close(r.do) })
	r.ip("link set lo up")
	for _, c := range commands {
		r.ip(c)
	}
	return r
}

// in runs f on the thread inside.
func (r *scene) in(f func()) {
	done := make(chan bool)
	r.do <- func() { defer close(done); f() }
	<-done
}

// ip runs ip(8) in the scene, and returns what it printed.
func (r *scene) ip(command string) string {
	r.t.Helper()
	var out []byte
	var err error
	r.in(func() { out, err = exec.Command("ip", strings.Fields(command)...).CombinedOutput() })
	if err != nil {
		r.t.Fatalf("ip %s: %v: %s", command, err, out)
	}
	return string(out)
}

// A running capture in a room.
type running struct {
	r      *scene
	sink   *hosttest.Sink
	cancel context.CancelFunc
	done   chan error
}

// capture begins a capture in the room, on a thread of its own, and waits until it is ready.
func (r *scene) capture(o Options) *running {
	r.t.Helper()
	return r.captureInto(o, &hosttest.Sink{})
}

func (r *scene) captureInto(o Options, sink *hosttest.Sink) *running {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	run := &running{r: r, sink: sink, cancel: cancel, done: make(chan error, 1)}
	c := Packets(o)
	var name string
	r.in(func() { name = fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()) })
	go func() {
		runtime.LockOSThread() // as in newScene
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		if err != nil {
			run.done <- err
			return
		}
		run.done <- c.Collect(ctx, liveHost(), sink)
	}()
	select {
	case <-c.Ready:
	case <-time.After(time.Minute):
		r.t.Fatal("not ready after a minute")
	}
	return run
}

// end ends the capture and gives its rows and all that it captured, joined.
func (run *running) end() (whole CaptureRow, lines []InterfaceRow, file []byte) {
	run.r.t.Helper()
	run.cancel()
	return run.wait()
}

func (run *running) wait() (whole CaptureRow, lines []InterfaceRow, file []byte) {
	t := run.r.t
	t.Helper()
	select {
	case err := <-run.done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("still running")
	}
	body := run.sink.Body(captureTable)
	first, rest, _ := bytes.Cut(body, []byte{'\n'})
	head, err := jsonl.Read[CaptureRow](first)
	if err != nil || len(head) != 1 {
		t.Fatalf("%v: %q", err, body)
	}
	if lines, err = jsonl.Read[InterfaceRow](rest); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= head[0].Files; i++ {
		b := run.sink.Body(fmt.Sprintf("network/capture-%06d.pcapng", i))
		if len(b) == 0 || len(b) > 8<<20 {
			t.Errorf("file %d has %d bytes", i, len(b))
		}
		file = append(file, b...)
	}
	if int64(len(file)) != head[0].Size {
		t.Errorf("%d bytes of pcapng, the table says %d", len(file), head[0].Size)
	}
	return head[0], lines, file
}

// tshark reads a file by the judge.
func tshark(t *testing.T, file []byte, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark here")
	}
	name := filepath.Join(t.TempDir(), "all.pcapng")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, append([]string{"-n", "-r", name}, args...)...).Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, out)
	}
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// burst sends n datagrams to a port that listens, of size bytes each.
func (r *scene) burst(n, size int, to string) {
	r.t.Helper()
	var err error
	r.in(func() {
		var in *net.UDPConn
		at, _ := net.ResolveUDPAddr("udp", to)
		if in, err = net.ListenUDP("udp", at); err != nil {
			return
		}
		defer in.Close()
		var out *net.UDPConn
		if out, err = net.DialUDP("udp", nil, in.LocalAddr().(*net.UDPAddr)); err != nil {
			return
		}
		defer out.Close()
		b := make([]byte, size)
		for range n {
			if _, err = out.Write(b); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return
			}
		}
		err = nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestCaptureOfABurstOnLoopback(t *testing.T) {
	r := newScene(t)
	run := r.capture(Options{})
	const n = 200_000
	r.burst(n, 100, "127.0.0.1:7777")
	whole, lines, file := run.end()
	if len(lines) != 1 || lines[0].Interface != "lo" || lines[0].LinkType != "ethernet" {
		t.Fatalf("%+v", lines)
	}
	if got := whole.Packets + whole.Lost; got != n {
		t.Errorf("%d packets and %d lost, of %d that were sent", whole.Packets, whole.Lost, n)
	}
	t.Logf("%d packets, %d lost, in %d files", whole.Packets, whole.Lost, whole.Files)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	who := fmt.Sprintf("hozen: pid=%d exe=%s ", os.Getpid(), escape(exe))
	if got := tshark(t, run.sink.Body("network/capture-000001.pcapng"), "-c", "2", "-T", "fields", "-E", "aggregator=|", "-e", "frame.comment"); !slices.Equal(got, []string{who + "end=source|" + who + "end=destination", ""}) {
		t.Errorf("comments of the first packets: %q, want %q", got, who)
	}
	seen, last := uint64(0), uint64(0)
	for _, b := range blocksOf(t, file) {
		if b.At < last {
			t.Fatalf("packet %d is older than the one before", seen)
		}
		last = b.At
		seen++
		if b.Flags != pcapng.Inbound|pcapng.Unicast || b.Length != 142 || len(b.Data) != 142 {
			t.Fatalf("packet %d: %+v", seen, b)
		}
	}
	if seen != whole.Packets {
		t.Errorf("%d packets in the files, %d in the table", seen, whole.Packets)
	}
	if rec, _ := run.sink.Record(captureTable); !rec.Shortfall || rec.Outcome != evidence.Partial {
		t.Errorf("a capture that was stopped: %+v", rec)
	}
}

// blocksOf gives all packets of sections of pcapng.
func blocksOf(t *testing.T, file []byte) (out []pcapng.Packet) {
	t.Helper()
	for len(file) > 0 {
		n := int(uint32(file[4]) | uint32(file[5])<<8 | uint32(file[6])<<16 | uint32(file[7])<<24)
		if n < 12 || n > len(file) {
			t.Fatalf("a block of %d bytes, of %d", n, len(file))
		}
		if file[0] == 6 {
			p, _, ok := pcapng.NextPacket(file[:n])
			if !ok {
				t.Fatalf("no packet: %x", file[:n])
			}
			out = append(out, p)
		}
		file = file[n:]
	}
	return out
}

// Who may not listen says so, and the others go on.
func TestCaptureIsDenied(t *testing.T) {
	done := make(chan evidence.Record, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread, which can do nothing more, ends with the goroutine
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&head, &none[0]); err != nil {
			t.Error(err)
		}
		var sink hosttest.Sink
		c := Packets(Options{For: time.Minute})
		if err := c.Collect(t.Context(), liveHost(), &sink); err != nil {
			t.Error(err)
		}
		<-c.Ready
		r, _ := sink.Record(captureTable)
		done <- r
	}()
	if r := <-done; r.Outcome != evidence.Denied || !strings.Contains(r.Note, "operation not permitted") {
		t.Errorf("%s, %q", r.Outcome, r.Note)
	}
}
