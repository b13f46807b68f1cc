package indicators

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A livePIDs asks the running kernel. It is for one goroutine.
type livePIDs struct {
	host  *collector.Host
	proc  int // handle of /proc
	open  func(int) (proc.Dir, error)
	dents []byte
	views pidViews // that can be relied upon
	tally *evidence.Tally
}

// newPIDSystem gives the system calls; it refuses where /proc shows another pid
// namespace than ours, for then the views speak of different things.
func newPIDSystem(h *collector.Host, pidfds []pidfdAt, tally *evidence.Tally) (sys pidSystem, end func(), err error) {
	open, endOpen, err := proc.Open(h)
	if err != nil {
		return sys, nil, err
	}
	fd, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		endOpen()
		return sys, nil, &os.PathError{Op: "open", Path: "/proc", Err: err}
	}
	l := &livePIDs{host: h, proc: fd, open: open(), dents: make([]byte, 1<<18), tally: tally}
	l.calibrate()
	n := &pidNamer{host: h, open: l.open, tasks: l.tasks, pidfds: pidfds, tally: tally}
	sys = pidSystem{list: l.list, tasks: l.tasks, ask: l.ask, hold: l.hold, names: n.gather, sweep: l.sweep, views: l.views, wait: waitFor}
	return sys, func() { unix.Close(fd); endOpen() }, nil
}

// noPID is a number that no process has (PID_MAX_LIMIT is 2^22).
const noPID = 1 << 30

// calibrate keeps the views that say yes to our own pid and no to one that cannot be.
func (l *livePIDs) calibrate() {
	l.views = byAsking
	yes, no := l.ask(os.Getpid(), false).exists, l.ask(noPID, false).exists
	l.views = yes &^ no
	if bad := byAsking &^ l.views; bad != 0 {
		l.tally.Add("views of processes", evidence.Skip("%v: not used, the answers for ourselves and for nobody are not as they should be", bad))
	}
}

// list is readdir of /proc.
func (l *livePIDs) list() (pids []int, err error) {
	if _, err := unix.Seek(l.proc, 0, 0); err != nil {
		return nil, err
	}
	for {
		n, err := unix.Getdents(l.proc, l.dents)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return pids, err
		case n <= 0:
			return pids, nil
		}
		if pids = proc.AppendEntryNumbers(pids, l.dents[:n]); len(pids) > 1<<22 {
			return pids, evidence.Cut("more than %d entries", 1<<22)
		}
	}
}

func (l *livePIDs) tasks(pid int) ([]int, error) {
	d, err := l.open(pid)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.List(nil, "task", 1<<22)
}

// alive says whether a system call that takes a pid first found it. Only ESRCH says no.
func (l *livePIDs) alive(v pidViews, pid int) bool {
	var e unix.Errno
	switch v {
	case byKill:
		_, _, e = unix.RawSyscall(unix.SYS_KILL, uintptr(pid), 0, 0)
	case byGetpgid:
		_, _, e = unix.RawSyscall(unix.SYS_GETPGID, uintptr(pid), 0, 0)
	case byGetsid:
		_, _, e = unix.RawSyscall(unix.SYS_GETSID, uintptr(pid), 0, 0)
	case byPriority:
		_, _, e = unix.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, uintptr(pid), 0)
	case byAffinity:
		var set unix.CPUSet
		err := unix.SchedGetaffinity(pid, &set)
		errors.As(err, &e)
	}
	return e != unix.ESRCH
}

func (l *livePIDs) ask(pid int, whose bool) (a pidAnswer) {
	for _, v := range [...]pidViews{byKill, byGetpgid, byGetsid, byAffinity, byPriority} {
		if l.views&v != 0 && l.alive(v, pid) {
			a.exists |= v
		}
	}
	if l.views&byPidfd != 0 {
		fd, err := unix.PidfdOpen(pid, 0)
		switch err {
		case nil:
			unix.Close(fd)
			a.exists |= byPidfd
		case unix.EINVAL, unix.ENOENT: // of a thread that leads no group
			a.thread = true
			a.exists |= byPidfd
		case unix.ESRCH:
		default: // refused, no descriptor left: it says nothing of the pid, and so agrees
			if a.exists != 0 {
				a.exists |= byPidfd
			}
		}
	}
	if l.views&byLookup != 0 {
		l.lookup(pid, whose, &a)
	}
	return a
}

// lookup asks for /proc/PID by name. Threads have such a directory, too, though
// no listing shows it (proc(5)).
func (l *livePIDs) lookup(pid int, whose bool, a *pidAnswer) {
	d, err := l.open(pid)
	if errors.Is(err, proc.ErrMounted) || err != nil && !proc.IsGone(err) && a.exists != 0 {
		a.exists |= byLookup
	}
	if err != nil {
		return
	}
	defer d.Close()
	a.exists |= byLookup
	if !whose {
		return
	}
	text, err := d.Get(nil, "status", false, limitText)
	if err == nil {
		proc.EachLine(string(text), func(key, value string) {
			if key == "Tgid" {
				a.tgid, _ = strconv.Atoi(value)
			}
		})
	}
	if text, err = d.Get(text[:0], "stat", false, limitText); err == nil {
		if s, err := proc.ParseStat(string(text)); err == nil {
			a.start = s.Start()
		}
	}
}

// hold opens a pidfd: a signal that is none says later whether that very process is gone.
func (l *livePIDs) hold(pid int) (ended func() bool, release func()) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, nil
	}
	return func() bool { return unix.PidfdSendSignal(fd, 0, nil, 0) == unix.ESRCH }, func() { unix.Close(fd) }
}

// Bounds of the sweep. The lookup of a name costs twenty times what a system
// call does.
const (
	sweepAlways = 1 << 17 // pids that are asked of whatever the time
	sweepTime   = 300 * time.Millisecond
	lookupTime  = 80 * time.Millisecond
)

// sweep asks of every pid: by kill and getpgid of all, up to the last that the
// kernel gave first; by lookup as far as time reaches.
func (l *livePIDs) sweep(ctx context.Context, known pidSet) (found map[int]pidViews, left string) {
	found = map[int]pidViews{}
	limit := l.number("/proc/sys/kernel/pid_max", 0, 1<<15)
	last := max(l.number("/proc/loadavg", 4, 0), 64*len(known))
	order := sweepOrder(last+4096, limit)
	asked := 0
	began := time.Now()
	for _, r := range order {
		for pid := r[0]; pid < r[1]; pid++ {
			if asked++; asked%1024 == 0 && (ctx.Err() != nil || asked > sweepAlways && time.Since(began) > sweepTime) {
				left += fmt.Sprintf("kill and getpgid did not ask of pids %d to %d\n", pid, r[1]-1)
				break
			}
			if known.has(pid) {
				continue
			}
			for _, v := range [...]pidViews{byKill, byGetpgid} {
				if l.views&v != 0 && l.alive(v, pid) {
					found[pid] |= v
				}
			}
		}
	}
	if l.views&byLookup == 0 {
		return found, left
	}
	began = time.Now()
	for _, r := range order {
		for pid := r[0]; pid < r[1]; pid++ {
			if pid%256 == 0 && (ctx.Err() != nil || time.Since(began) > lookupTime) {
				return found, left + fmt.Sprintf("lookup did not ask of pids %d to %d\n", pid, limit-1)
			}
			var a pidAnswer
			if !known.has(pid) {
				if l.lookup(pid, false, &a); a.exists != 0 {
					found[pid] |= byLookup
				}
			}
		}
	}
	return found, left
}

// sweepOrder gives the ranges of pids to be asked of: those up to the highest in
// use, then the rest.
func sweepOrder(near, limit int) [][2]int {
	near = min(near, limit)
	out := [][2]int{{1, near}}
	if near < limit {
		out = append(out, [2]int{near, limit})
	}
	return out
}

// number reads a number out of a short text; otherwise where there is none.
func (l *livePIDs) number(name string, column, otherwise int) int {
	text, err := l.host.ReadFile(name, 1<<12)
	n := otherwise
	if l.tally.Add(name, err) == nil {
		eachColumn(text, column, func(v int) { n = min(v, math.MaxInt32) })
	}
	return n
}

// ownPIDs says how /proc sees us: whether it shows our pid namespace, and whether
// that is the first one.
func ownPIDs(h *collector.Host) (same, first bool, err error) {
	text, err := h.ReadFile("/proc/self/status", 1<<16)
	if err != nil {
		return false, false, err
	}
	nspid := ""
	proc.EachLine(string(text), func(key, value string) {
		if key == "NSpid" {
			nspid = value
		}
	})
	ns, err := h.Readlink("/proc/self/ns/pid")
	const initial = "pid:[4026531836]" // PROC_PID_INIT_INO, include/linux/proc_ns.h
	own := strconv.Itoa(os.Getpid())
	if nspid == "" { // before Linux 4.1
		target, err := h.Readlink("/proc/self")
		return target == own, ns == initial, err
	}
	return strings.TrimSpace(nspid) == own, ns == initial, err
}
