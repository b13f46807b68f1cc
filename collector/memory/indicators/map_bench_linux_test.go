package indicators

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
	"hozen/collector/proc"
)

// readProcess gives a function that reads a process as a search does, with the
// survey that it belongs to.
func readProcess(t testing.TB) (*survey, func(pid int) *process) {
	t.Helper()
	h := collector.ThisHost()
	open, end, err := proc.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	s := &survey{ctx: context.Background(), host: h, to: &hosttest.Sink{}, kinds: kindsByID(), seen: map[int]*summary{},
		suspects: &memory.Suspects{}, proved: map[int]string{}, base: newBase(h)}
	one := open()
	return s, func(pid int) *process {
		p := &process{ctx: s.ctx, host: h, base: s.base, pid: pid}
		if p.dir, err = one(pid); err != nil {
			t.Fatal(err)
		}
		if p.read(); p.err != nil {
			t.Fatal(p.err)
		}
		return p
	}
}

// BenchmarkMaps gives the processor time that this family takes for 1,000
// processes that sleep, beside the reading that all families share.
func BenchmarkMaps(b *testing.B) {
	var pids []int
	for range 1000 {
		c := exec.Command("sleep", "600")
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Process.Kill(); c.Wait() })
		pids = append(pids, c.Process.Pid)
	}
	for b.Loop() {
		var shared, own time.Duration
		s, read := readProcess(b)
		for _, pid := range pids {
			at := usedTime(b)
			p := read(pid)
			shared += usedTime(b) - at
			at = usedTime(b)
			checkMaps(s, p)
			own += usedTime(b) - at
			p.dir.Close()
			if len(p.found) > 0 {
				b.Fatalf("%+v", p.found)
			}
		}
		at := usedTime(b)
		checkVDSO(s)
		own += usedTime(b) - at
		b.ReportMetric(float64(own.Microseconds())/1000, "own-cpu-ms/1000")
		b.ReportMetric(float64(shared.Microseconds())/1000, "read-cpu-ms/1000")
	}
}

// usedTime is the processor time of this process.
func usedTime(t testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(os.NewSyscallError("getrusage", err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
