package volatile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hozen/collector"
)

// TestImageIsDeleted runs a copy of this test, deletes it, and wants the hash
// of what still runs.
func TestImageIsDeleted(t *testing.T) {
	if os.Getenv("HOZEN_TEST_WAIT") != "" {
		io.Copy(io.Discard, os.Stdin)
		return
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "dropper")
	if err := os.WriteFile(copied, self, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(copied, "-test.run=^TestImageIsDeleted$")
	child.Env = []string{"HOZEN_TEST_WAIT=1", "PLANTED=\xff\x1b"}
	before := time.Now()
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Skip("cannot run a copy of this test: " + err.Error())
	}
	after := time.Now()
	defer func() {
		stdin.Close()
		child.Wait()
	}()
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	rows := strictRows[Process](t, takeProcesses(t, collector.ThisHost()).Body(processTable))
	row := processRow(rows, child.Process.Pid)
	if row == nil || row.Exe == nil {
		t.Fatalf("row %+v", row)
	}
	tick := time.Second / time.Duration(row.CPU.TicksEachSecond)
	start, err := time.Parse(time.RFC3339Nano, row.Start)
	if err != nil || row.StartFrom != "clocks" || start.Before(before.Add(-tick-10*time.Millisecond)) || start.After(after.Add(10*time.Millisecond)) {
		t.Errorf("start %s from %s (%v); it was started between %v and %v", row.Start, row.StartFrom, err, before, after)
	}
	sum := sha256.Sum256(self)
	if !row.Exe.Deleted || string(row.Exe.Path) != copied || row.Exe.SHA256 != hex.EncodeToString(sum[:]) || row.Exe.Error != "" {
		t.Errorf("image %+v, want %s deleted, %x", row.Exe, copied, sum)
	}
	if *row.PPID != os.Getpid() || len(row.Environ) != 2 || row.Environ[1] != "PLANTED=\xff\x1b" {
		t.Errorf("ppid %d, environment %q", *row.PPID, row.Environ)
	}
}

// psRow is a line of ps -eo as below, split into words; the name comes last.
type psRow [10]string

func runPS(t *testing.T) map[int]psRow {
	t.Helper()
	out, err := exec.Command("ps", "-ww", "-eo", "pid=,ppid=,pgid=,sid=,ruid=,euid=,egid=,ni=,tty=,comm=").Output()
	if err != nil {
		t.Skip("no ps to judge by: " + err.Error())
	}
	rows := map[int]psRow{}
	for line := range bytes.Lines(out) {
		words := strings.Fields(string(line))
		if len(words) < 10 {
			continue
		}
		var r psRow
		copy(r[:9], words)
		r[9] = strings.Join(words[9:], " ")
		if pid, err := strconv.Atoi(words[0]); err == nil {
			rows[pid] = r
		}
	}
	return rows
}

// TestAgreesWithPS compares the rows of processes that ps says the same of before
// and after. What changed and changed back in between (a process of another test
// whose thread began a program has an ended first thread for a moment) disagrees
// once; what we get wrong disagrees every time.
func TestAgreesWithPS(t *testing.T) {
	inAllOfThree(t, func() map[int]string { return disagreements(t) })
}

// disagreements compares once, and says by pid what ps and we say otherwise.
func disagreements(t *testing.T) map[int]string {
	t.Helper()
	before := runPS(t)
	rows := strictRows[Process](t, takeProcesses(t, collector.ThisHost()).Body(processTable))
	after := runPS(t)
	wrong, compared := map[int]string{}, 0
	for pid, want := range before {
		if after[pid] != want || printable(want[9]) == "" || strings.Contains(want[9], "?") {
			continue
		}
		row := processRow(rows, pid)
		if row == nil {
			wrong[pid] = fmt.Sprintf("ps has %d (%s), we have not", pid, want[9])
			continue
		}
		if row.Gone || row.UID == nil {
			continue
		}
		compared++
		got := asPS(row)
		if !inOurMounts(pid) { // ps looks for terminals in our /dev/pts, whose pts/0 is another one
			got[8] = want[8]
		}
		got[9], want[9] = lastingName(got[9]), lastingName(want[9])
		if got != want {
			wrong[pid] = fmt.Sprintf("pid %d: ps says\n%q, we\n%q", pid, want, got)
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
	return wrong
}

func inOurMounts(pid int) bool {
	ours, err := os.Readlink("/proc/self/ns/mnt")
	theirs, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	return err == nil && err2 == nil && ours == theirs
}

// lastingName cuts from a kernel worker's name the work that it does at the
// moment: "kworker/0:2-events" (kernel/workqueue.c, wq_worker_comm).
func lastingName(name string) string {
	if at := strings.IndexByte(name, ':'); at > 0 && strings.HasPrefix(name, "kworker/") {
		if n := strings.IndexAny(name[at:], "-+"); n > 0 {
			return name[:at+n]
		}
	}
	return name
}

func asPS(p *Process) psRow {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	id := func(v ID) string { return n(int64(v.ID)) }
	tty := "?"
	if p.TTY != nil {
		tty = strings.TrimPrefix(string(p.TTY.Name), "/dev/")
	}
	name := strings.Join(strings.Fields(string(*p.Comm)), " ")
	if p.State == "Z" {
		name += " <defunct>"
	}
	nice := n(p.Sched.Nice)
	if slices.Contains([]int64{1, 2, 6}, *p.Sched.Policy) {
		nice = "-" // ps shows none for real-time policies
	}
	return psRow{n(int64(p.PID)), n(int64(*p.PPID)), n(*p.Pgrp), n(*p.Session), id(p.UID.Real), id(p.UID.Effective), id(p.GID.Effective), nice, tty, name}
}
