package indicators

import "strings"

// pidViews is a set of views by which a pid exists.
type pidViews uint16

const (
	byKill pidViews = 1 << iota
	byGetpgid
	byGetsid
	byAffinity
	byPriority
	byPidfd
	byLookup
	byCgroup
	byChildren
	byParent
	byScheduler
	byGopsutil
	byLocks
	byNetlink
	byPidfdInfo
	byProcessGroup

	// byAsking are views that answer for one pid that they are asked of.
	byAsking = byKill | byGetpgid | byGetsid | byAffinity | byPriority | byPidfd | byLookup
	// byList are lists that the kernel makes of what exists now. The others may
	// name what has ended: they only say where to look.
	byList = byCgroup | byChildren | byParent | byScheduler | byGopsutil
)

var pidViewNames = [...]string{
	"kill", "getpgid", "getsid", "sched_getaffinity", "getpriority", "pidfd_open", "lookup of /proc/PID",
	"cgroup.procs", "children of a thread", "parent of a process", "the scheduler's list", "gopsutil",
	"/proc/locks", "/proc/net/netlink", "a pidfd of a process", "group or session of a process",
}

func (v pidViews) names() (out []string) {
	for i, name := range pidViewNames {
		if v&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// String joins the names.
func (v pidViews) String() string {
	if v == 0 {
		return "none"
	}
	return strings.Join(v.names(), ", ")
}

// A pidAnswer is what the kernel says when it is asked of one pid.
type pidAnswer struct {
	exists pidViews
	tgid   int    // of /proc/PID/status; 0: not known
	thread bool   // pidfd_open says that it is no leader of its thread group
	start  uint64 // of /proc/PID/stat; 0: not known
}

// A pidLook is one look at a pid: what the kernel said, then a listing, then what
// it said again.
type pidLook struct {
	before, after pidAnswer
	listed        bool // readdir of /proc shows it
	threaded      bool // the thread list of a process shows it
	ended         bool // the pidfd that was held since the first look says that the process ended
}

// A pidCase is a pid that a view showed and readdir of /proc did not.
type pidCase struct {
	pid    int
	named  pidViews // of the first look
	always pidViews // those that showed it at every look
	start  uint64
	tgid   int
	thread bool
	looks  int
}

// judge takes one more look into account. It says whether the pid may still be
// hidden: it was there before and after the listing, it is the same process, and
// neither a listing nor a thread list shows it.
func (c *pidCase) judge(l pidLook) bool {
	if l.listed || l.threaded || l.ended {
		return false
	}
	both := l.before.exists & l.after.exists & (byAsking | byList)
	if c.looks > 0 {
		both &= c.always
	}
	for _, start := range []uint64{l.before.start, l.after.start} {
		if start == 0 {
			continue
		}
		if c.start != 0 && c.start != start {
			return false
		}
		c.start = start
	}
	if l.after.tgid != 0 {
		c.tgid = l.after.tgid
	}
	c.thread = c.thread || l.after.thread || c.tgid != 0 && c.tgid != c.pid
	c.always = both
	c.looks++
	return both != 0
}

// A pidSet is a set of pids.
type pidSet []uint64

func (s pidSet) has(pid int) bool {
	return pid >= 0 && pid/64 < len(s) && s[pid/64]&(1<<(pid%64)) != 0
}

// add ignores what cannot be a pid: more than 2^22 (PID_MAX_LIMIT, include/linux/threads.h).
func (s *pidSet) add(pids ...int) {
	for _, pid := range pids {
		if pid <= 0 || pid > 1<<22 {
			continue
		}
		for pid/64 >= len(*s) {
			*s = append(*s, 0)
		}
		(*s)[pid/64] |= 1 << (pid % 64)
	}
}
