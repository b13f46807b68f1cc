package volatile

import (
	"context"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A discardSink throws away what it is given, and counts it.
type discardSink struct {
	bytes, puts atomic.Int64
}

func (d *discardSink) Put(_ context.Context, _ evidence.Item, fill func(io.Writer) error) error {
	d.puts.Add(1)
	_ = fill(d)
	return nil
}

func (d *discardSink) Write(b []byte) (int, error) {
	d.bytes.Add(int64(len(b)))
	return len(b), nil
}

// reportProcessorTime adds user and system time to a benchmark, for the wall clock of a
// machine that does other things as well tells little.
func reportProcessorTime(b *testing.B) func() {
	began := processorTime()
	return func() { b.ReportMetric((processorTime()-began).Seconds()*1000/float64(b.N), "cpu-ms/op") }
}

func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProcesses takes the processes of this host into a sink that throws
// them away.
func BenchmarkProcesses(b *testing.B) {
	h := collector.ThisHost()
	b.ReportAllocs()
	defer reportProcessorTime(b)()
	var to discardSink
	for b.Loop() {
		if err := Processes().Collect(context.Background(), h, &to); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(to.bytes.Load())/float64(b.N)/1e6, "MB/op")
	b.ReportMetric(float64(to.puts.Load())/float64(b.N), "puts/op")
}

// BenchmarkProcessesFloor reads the kernel files that BenchmarkProcesses reads,
// and throws them away: two workers, whole paths, nothing parsed or kept. The
// collector's cost is to be seen as a ratio to it.
func BenchmarkProcessesFloor(b *testing.B) {
	defer reportProcessorTime(b)()
	for b.Loop() {
		names, err := collector.ThisHost().Names("/proc")
		if err != nil {
			b.Fatal(err)
		}
		pids := make(chan int, len(names))
		for _, pid := range proc.AppendNumbers(nil, names) {
			pids <- pid
		}
		close(pids)
		var workers sync.WaitGroup
		for range proc.PoolWorkers {
			workers.Go(func() {
				f := floor{buf: make([]byte, 1<<18)}
				for pid := range pids {
					f.process(pid)
				}
			})
		}
		workers.Wait()
	}
}

type floor struct{ buf []byte }

func (f *floor) process(pid int) {
	at := "/proc/" + strconv.Itoa(pid) + "/"
	for _, name := range [...]string{
		"stat", "status", "cmdline", "environ", "cgroup", "io", "loginuid", "sessionid", "oom_score", "oom_score_adj",
		"wchan", "personality", "attr/current", "maps", "stat",
	} {
		f.read(at + name)
	}
	for _, name := range [...]string{
		"exe", "cwd", "root", "ns/cgroup", "ns/ipc", "ns/mnt", "ns/net", "ns/pid", "ns/pid_for_children", "ns/time",
		"ns/time_for_children", "ns/uts", "ns/user",
	} {
		unix.Readlink(at+name, f.buf)
	}
	var st unix.Statx_t
	unix.Statx(unix.AT_FDCWD, at+"exe", 0, unix.STATX_BASIC_STATS, &st)
	for _, fd := range f.list(at + "fd") {
		n := strconv.Itoa(fd)
		unix.Readlink(at+"fd/"+n, f.buf)
		f.read(at + "fdinfo/" + n)
	}
	if tasks, _ := os.ReadDir(at + "task"); len(tasks) > 1 {
		for _, t := range tasks {
			f.read(at + "task/" + t.Name() + "/stat")
		}
	}
}

func (f *floor) list(dir string) []int {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Getdents(fd, f.buf)
	if err != nil {
		return nil
	}
	return proc.AppendEntryNumbers(nil, f.buf[:n])
}

func (f *floor) read(name string) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	for {
		if n, err := unix.Read(fd, f.buf); n <= 0 || err != nil {
			break
		}
	}
	unix.Close(fd)
}
