//go:build linux

package volatile

import (
	"bytes"
	"context"
	"io"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// Beside `testdata/fixtures/scene` (1,000 processes, 2,000 TCP sockets), compare
// cpu-ns/op of the two benchmarks: the collector against the same system calls
// with nothing made of what they give.

type discard struct{}

func (discard) Put(_ context.Context, _ evidence.Item, fill func(io.Writer) error) error {
	_ = fill(io.Discard)
	return nil
}

func cpuTime(b *testing.B, f func()) {
	var from, to unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &from)
	for b.Loop() {
		f()
	}
	unix.Getrusage(unix.RUSAGE_SELF, &to)
	ns := to.Utime.Nano() + to.Stime.Nano() - from.Utime.Nano() - from.Stime.Nano()
	b.ReportMetric(float64(ns)/float64(b.N), "cpu-ns/op")
}

func BenchmarkSockets(b *testing.B) {
	h := collector.ThisHost()
	b.ReportAllocs()
	cpuTime(b, func() {
		if err := Sockets(nil).Collect(context.Background(), h, discard{}); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkSocketsFloor(b *testing.B) {
	h := collector.ThisHost()
	list, _ := netNamespaces(context.Background(), h)
	cpuTime(b, func() { socketsFloor(b, h, list) })
}

func socketsFloor(b *testing.B, h *collector.Host, list []netNS) {
	pids, err := proc.PIDs(h)
	if err != nil {
		b.Fatal(err)
	}
	var room [4096]byte
	dents := make([]byte, 32<<10)
	for _, pid := range pids {
		dir := "/proc/" + strconv.Itoa(pid)
		unix.Readlink(dir+"/ns/net", room[:])
		unix.Readlink(dir+"/ns/mnt", room[:])
		var st unix.Stat_t
		unix.Stat(dir+"/task", &st)
		if holds := floorFDs(dir, dents, room[:]); holds {
			h.AppendFile(room[:0], dir+"/stat", 1<<16)
			h.AppendFile(room[:0], dir+"/cgroup", 1<<16)
		}
	}
	h.ReadFile("/proc/self/mountinfo", 1<<20)
	var buf []byte
	for _, ns := range list {
		if s, err := dialNetlink(h, ns, netlinkSockDiag); err == nil {
			for _, f := range diagFamilies() {
				s.ask(context.Background(), sockDiagByFamily, nlfDump, f.request())
			}
			s.Close()
		}
		if dir := ns.procNet(h); dir != "" {
			for _, t := range textTables() {
				buf, _ = h.AppendFile(buf[:0], dir+"/"+t.name, maxProcNet)
			}
		}
	}
}

func floorFDs(dir string, dents, target []byte) (holds bool) {
	fd, err := unix.Open(dir+"/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Getdents(fd, dents)
		if err != nil || n <= 0 {
			return holds
		}
		var names []string
		_, _, names = unix.ParseDirent(dents[:n], -1, names)
		for _, name := range names {
			n, err := unix.Readlinkat(fd, name, target)
			holds = holds || err == nil && bytes.HasPrefix(target[:max(n, 0)], []byte("socket:"))
		}
	}
}

// The rows of one big table, without the kernel.
func BenchmarkSocketRows(b *testing.B) {
	raw, err := os.ReadFile("testdata/sockdiag/tcp.nl")
	if err != nil {
		b.Fatal(err)
	}
	f := familyNamed(b, "tcp")
	rows, _ := parseDiag(raw, f, 1)
	b.ReportAllocs()
	for b.Loop() {
		parseDiag(raw, f, 1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
