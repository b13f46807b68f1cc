package packet

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector/jsonl"
)

// beside runs tcpdump on loopback in the scene while f runs, and gives how many
// packets it took and lost.
func (r *scene) beside(f func()) (taken, lost int) {
	t := r.t
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("no tcpdump here")
	}
	cmd := exec.Command(path, "-i", "lo", "-n", "-Z", "root", "-w", filepath.Join(t.TempDir(), "tcpdump.pcap"))
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.in(func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(says)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on") {
	}
	f()
	time.Sleep(3 * blockTime) // its own buffer is handed over after a while
	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		var n int
		var what string
		if _, err := fmt.Sscanf(lines.Text(), "%d packets %s", &n, &what); err == nil {
			switch what {
			case "captured":
				taken = n
			case "dropped":
				lost = n
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return taken, lost
}

// Of a burst of 200,000 packets on loopback, no more are lost than tcpdump loses
// that listens at the same time. Which of the two the scheduler lets wait is luck:
// it is wrong if we lose more in three of three.
func TestNoMoreIsLostThanByTcpdump(t *testing.T) {
	var worse []string
	for len(worse) < 3 {
		lost, missing := besideTcpdump(t)
		if lost <= missing {
			return
		}
		worse = append(worse, fmt.Sprintf("%d were lost, tcpdump lost %d", lost, missing))
	}
	t.Error(worse)
}

// besideTcpdump checks one burst, and gives how many packets of it we and tcpdump lost.
func besideTcpdump(t *testing.T) (ours, theirs int) {
	t.Helper()
	r := newScene(t)
	run := r.capture(Options{})
	const n = 200_000
	taken, lost := r.beside(func() { r.burst(n, 100, "127.0.0.1:7777") })
	whole, lines, file := run.end()
	t.Logf("of %d packets: ours %d taken and %d lost (ring full %d times), tcpdump %d taken and %d lost", n, whole.Packets, whole.Lost, lines[0].RingFull, taken, lost)
	if whole.Packets+whole.Lost != n || len(blocksOf(t, file)) != int(whole.Packets) {
		t.Errorf("%d packets and %d lost are not the %d that were sent", whole.Packets, whole.Lost, n)
	}
	for _, joined := range []string{joinedByCat(t, file), joinedByMergecap(t, run, whole.Files)} {
		if out := judge(t, "capinfos", "-c", "-M", joined); !strings.Contains(out, fmt.Sprintf("Number of packets:   %d\n", whole.Packets)) {
			t.Errorf("%s: want %d packets: %s", joined, whole.Packets, out)
		}
	}
	flows, err := jsonl.Read[struct {
		Proto, Orig string
		PID         int
	}](run.sink.Body("network/flows.jsonl"))
	if err != nil || len(flows) != 1 || flows[0].PID == 0 {
		t.Errorf("%v: %s", err, run.sink.Body("network/flows.jsonl"))
	}
	return int(whole.Lost), n - taken
}

func judge(t *testing.T, tool string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("no %s here", tool)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", tool, err, out)
	}
	return string(out)
}

func joinedByCat(t *testing.T, file []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "cat.pcapng")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func joinedByMergecap(t *testing.T, run *running, files int) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-w", filepath.Join(dir, "merged.pcapng")}
	for i := 1; i <= files; i++ {
		name := filepath.Join(dir, fmt.Sprintf("%d.pcapng", i))
		if err := os.WriteFile(name, run.sink.Body(fmt.Sprintf("network/capture-%06d.pcapng", i)), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	judge(t, "mergecap", args...)
	return args[1]
}
