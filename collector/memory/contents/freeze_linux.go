package contents

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/proc"
)

// freezePatience is how long a process may take to stop.
const freezePatience = 2 * time.Second

// freeze stops a process by SIGSTOP, sent through a pidfd so that it can reach no
// other process (pidfd_send_signal(2)), and waits until all its threads have
// stopped. It says what was done, and gives the function that lets it go on; a
// process that was stopped before stays so. Its parent may notice. A control
// group's freezer would not be noticed, but using it means to write to the host's
// control groups, and to stop all that is in one.
func freeze(ctx context.Context, h *collector.Host, pid int, start uint64) (how string, thaw func()) {
	none := func() {}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Sprintf("not stopped: pidfd_open: %v", err), none
	}
	stat, err := proc.ReadStat(h, "/proc/"+strconv.Itoa(pid))
	switch {
	case err != nil || stat.Start() != start:
		unix.Close(fd)
		return "not stopped: it has ended", none
	case stat.State == "T" || stat.State == "t":
		unix.Close(fd)
		return "it was stopped already (state " + stat.State + ")", none
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGSTOP, nil, 0); err != nil {
		unix.Close(fd)
		return fmt.Sprintf("not stopped: SIGSTOP: %v", err), none
	}
	began := time.Now()
	thaw = func() {
		_ = unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0) // it has ended, or goes on
		unix.Close(fd)
	}
	for time.Since(began) < freezePatience && ctx.Err() == nil {
		if stopped(h, pid) {
			return fmt.Sprintf("stopped by SIGSTOP after %v, continued by SIGCONT afterwards", time.Since(began).Round(time.Microsecond)), thaw
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Sprintf("SIGSTOP was sent, but not all of its threads stopped within %v; SIGCONT was sent afterwards", freezePatience), thaw
}

// stopped says whether all threads of a process are stopped, or have ended.
func stopped(h *collector.Host, pid int) bool {
	base := "/proc/" + strconv.Itoa(pid) + "/task"
	names, err := h.Names(base)
	if err != nil {
		return true // it has ended
	}
	for _, name := range names {
		text, err := h.ReadFile(base+"/"+name+"/stat", 1<<16)
		if err != nil {
			continue
		}
		stat, err := proc.ParseStat(string(text))
		if err != nil || stat.State != "T" && stat.State != "t" && stat.State != "Z" && stat.State != "X" {
			return false
		}
	}
	return true
}
