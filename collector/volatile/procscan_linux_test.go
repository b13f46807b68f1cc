package volatile

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hozen/collector"
)

// A file system that is mounted over a process's directory is said, and not
// asked: it may be one that never answers.
func TestScanPassesOverCoveredProcesses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not as root: nothing can be mounted")
	}
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Skipf("needs sleep: %v", err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	dir := "/proc/" + strconv.Itoa(c.Process.Pid)
	if err := unix.Mount("cover", dir, "tmpfs", unix.MS_NOSUID, "size=4k"); err != nil {
		t.Skipf("kernel has no tmpfs to mount over %s: %v", dir, err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	s := scanProc(context.Background(), collector.ThisHost())
	for _, p := range s.procs {
		if p.PID == c.Process.Pid {
			t.Errorf("process %d was read through what covers it", p.PID)
		}
	}
	if err := s.tally.Err(); err == nil || !strings.Contains(err.Error(), "failed") {
		t.Errorf("tally: %v", err)
	}
}
