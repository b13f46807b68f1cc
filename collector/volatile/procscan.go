package volatile

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

// A procScan is one pass over /proc: which namespaces processes are in, and
// which sockets and namespaces their file descriptors hold.
type procScan struct {
	procs []procSeen
	nsFDs []nsFD
	// held gives, for the inode of a socket, its holders as indexes into holds.
	held  map[uint64][]socketHold
	tally evidence.Tally
}

// A procSeen is a process as the scan saw it. NetNS and MntNS are 0 where that
// could not be read.
type procSeen struct {
	PID          int
	NetNS, MntNS uint64
	strayThreads []strayThread

	described          bool // the rest was read (describe)
	start              uint64
	comm               jsonl.Text
	runtime, container string
}

// A strayThread is in another network namespace than its process.
type strayThread struct {
	tid   int
	netns uint64
}

type nsFD struct {
	inode   uint64
	pid, fd int
}

// A socketHold says that a process has a socket open: proc is an index into procScan.procs.
type socketHold struct{ proc, fd int32 }

const (
	maxFDs = 1 << 22 // file descriptors that are looked at, in all
)

// scanProc makes the pass, on as many processors as there are: it is system
// calls and nothing else. What it is denied, and what a bound cut, is in the
// tally; what ended meanwhile is ordinary. Only the file descriptors of the
// process are read, not those of a thread that left the common table
// (CLONE_FILES, clone(2)).
func scanProc(ctx context.Context, h *collector.Host) *procScan {
	pids, err := proc.PIDs(h)
	shares := make([]*procScan, min(runtime.GOMAXPROCS(0), 4))
	bound := &scanBound{covered: proc.Covered(h)}
	var done sync.WaitGroup
	for i := range shares {
		shares[i] = &procScan{held: map[uint64][]socketHold{}}
		part := pids[len(pids)*i/len(shares) : len(pids)*(i+1)/len(shares)]
		done.Go(func() { shares[i].scan(ctx, h, part, bound) })
	}
	done.Wait()
	s := shares[0]
	for _, other := range shares[1:] {
		s.join(other)
	}
	s.tally.Add("/proc", err)
	if ctx.Err() != nil {
		s.tally.Add("/proc", context.Cause(ctx))
	}
	if bound.fds.Load() >= maxFDs {
		s.tally.Add("/proc/PID/fd", evidence.Cut("more than %d file descriptors", maxFDs))
	}
	return s
}

// A scanBound counts what all shares of a pass looked at.
type scanBound struct {
	tasks, fds atomic.Int64
	covered    map[int]string
}

func (s *procScan) scan(ctx context.Context, h *collector.Host, pids []int, bound *scanBound) {
	l := proc.NewLinkReader(h)
	for _, pid := range pids {
		if ctx.Err() != nil {
			return
		}
		dir := "/proc/" + strconv.Itoa(pid)
		if what, ok := bound.covered[pid]; ok {
			s.tally.Add(dir, errors.New("not read: covered by a "+what))
			continue
		}
		s.procs = append(s.procs, procSeen{PID: pid})
		i := len(s.procs) - 1
		target, err := l.Readlink(dir + "/ns/net")
		s.addOrdinary(dir+"/ns/net", err)
		s.procs[i].NetNS, _ = proc.NamespaceInode(target, "net")
		if target, err = l.Readlink(dir + "/ns/mnt"); err == nil {
			s.procs[i].MntNS, _ = proc.NamespaceInode(target, "mnt")
		}
		if bound.tasks.Load() < maxTaskReads {
			bound.tasks.Add(int64(s.scanTasks(h, l, i, dir)))
		}
		s.addOrdinary(dir+"/fd", l.Each(dir+"/fd", func(name, target []byte) bool {
			s.hold(i, name, target)
			return bound.fds.Add(1) < maxFDs
		}))
	}
}

// join adds what another share of the pass found; its pids come after ours.
func (s *procScan) join(other *procScan) {
	offset := int32(len(s.procs))
	s.procs = append(s.procs, other.procs...)
	s.nsFDs = append(s.nsFDs, other.nsFDs...)
	for inode, list := range other.held {
		for _, hold := range list {
			s.held[inode] = append(s.held[inode], socketHold{hold.proc + offset, hold.fd})
		}
	}
	s.tally.Merge(&other.tally)
}

// addOrdinary counts an error; that a thing is not there (any more) is none.
func (s *procScan) addOrdinary(what string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.tally.Add(what, err)
	}
}

// hold notes what one file descriptor holds.
func (s *procScan) hold(at int, name, target []byte) {
	fd, ok := proc.Number(name)
	if !ok || fd > math.MaxInt32 {
		return
	}
	if inode, ok := proc.NamespaceInode(target, "socket"); ok {
		s.held[inode] = append(s.held[inode], socketHold{int32(at), int32(fd)})
		return
	}
	if inode, ok := proc.NamespaceInode(target, "net"); ok && len(s.nsFDs) < maxNetNS {
		s.nsFDs = append(s.nsFDs, nsFD{inode, s.procs[at].PID, int(fd)})
	}
}

// scanTasks looks for threads that are in another network namespace than their
// process, and gives how many it looked at. A process of one thread costs one
// stat: /proc/PID/task then has three links (., .., and the thread).
func (s *procScan) scanTasks(h *collector.Host, l *proc.LinkReader, i int, dir string) (n int) {
	m, err := h.Lstat(dir + "/task")
	if err != nil || h.Live && m.Nlink <= 3 {
		return 0
	}
	p := &s.procs[i]
	s.addOrdinary(dir+"/task/TID/ns/net", l.Below(dir+"/task", "/ns/net", func(name, target []byte) bool {
		n++
		tid, isTID := proc.Number(name)
		ns, isNS := proc.NamespaceInode(target, "net")
		if isTID && isNS && ns != p.NetNS && int(tid) != p.PID {
			p.strayThreads = append(p.strayThreads, strayThread{int(tid), ns})
		}
		return n < maxTaskReads
	}))
	return n
}

// describeHolders reads who the processes are that hold sockets.
func (s *procScan) describeHolders(h *collector.Host) {
	holds := make([]bool, len(s.procs))
	for _, list := range s.held {
		for _, hold := range list {
			holds[hold.proc] = true
		}
	}
	for i := range s.procs {
		if holds[i] {
			s.procs[i].describe(h)
		}
	}
}

// describe finds a process by its pid and reads who it is; nil if the scan did not see it.
func (s *procScan) describe(h *collector.Host, pid int) *procSeen {
	i, ok := sort.Find(len(s.procs), func(i int) int { return pid - s.procs[i].PID })
	if !ok {
		return nil
	}
	s.procs[i].describe(h)
	return &s.procs[i]
}

func (p *procSeen) describe(h *collector.Host) {
	if p.described {
		return
	}
	p.described = true
	dir := "/proc/" + strconv.Itoa(p.PID)
	var room [4096]byte
	if text, err := h.AppendFile(room[:0], dir+"/stat", 1<<16); err == nil {
		if stat, err := proc.ParseStat(string(text)); err == nil {
			p.comm, p.start = jsonl.Text(stat.Comm), stat.Start()
		}
	}
	if text, err := h.AppendFile(room[:0], dir+"/cgroup", 1<<20); err == nil {
		p.runtime, p.container = proc.Container(string(text))
	}
}
