package indicators

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	gopsutil "github.com/shirou/gopsutil/v3/process"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// A pidNamer gathers the pids that lists of the kernel name.
type pidNamer struct {
	host  *collector.Host
	open  func(pid int) (proc.Dir, error)
	tasks func(pid int) ([]int, error)
	// pidfds are the descriptors that hold processes, as the pass saw them.
	pidfds []pidfdAt
	tally  *evidence.Tally

	by    map[int]pidViews
	until time.Time
}

// Bounds of one gathering.
const (
	namesTime    = 2 * time.Second // of a busy machine
	maxCgroups   = 20000
	maxNamesText = 4 << 20
	maxPidfds    = 1024
	maxPIDNames  = 1 << 20
)

// gather reads all lists. What was not read is in the tally.
func (n *pidNamer) gather(ctx context.Context, listed []int) map[int]pidViews {
	n.by, n.until = map[int]pidViews{}, time.Now().Add(namesTime)
	if pids, err := gopsutil.PidsWithContext(ctx); err == nil {
		for _, pid := range pids {
			n.name(int(pid), byGopsutil)
		}
	} else {
		n.tally.Add("gopsutil", err)
	}
	n.table("/proc/locks", byLocks, eachLockOwner)
	n.table("/proc/thread-self/net/netlink", byNetlink, func(b []byte, f func(int)) { eachColumn(b, 2, f) })
	n.table("/proc/sched_debug", byScheduler, eachScheduled)
	n.table("/sys/kernel/debug/sched/debug", byScheduler, eachScheduled)
	n.heldProcesses()
	n.cgroups(ctx)
	n.families(ctx, listed)
	return n.by
}

func (n *pidNamer) name(pid int, v pidViews) {
	if pid > 0 && len(n.by) < maxPIDNames {
		n.by[pid] |= v
	}
}

// table reads a text; that this kernel has none of the name is ordinary.
func (n *pidNamer) table(name string, v pidViews, each func([]byte, func(int))) {
	text, err := n.host.ReadFile(name, maxNamesText)
	if !errors.Is(err, fs.ErrNotExist) {
		n.tally.Add(name, err)
	}
	each(text, func(pid int) { n.name(pid, v) })
}

func (n *pidNamer) heldProcesses() {
	for _, at := range n.pidfds[:min(len(n.pidfds), maxPidfds)] {
		if d, err := n.open(at.pid); err == nil {
			text, _ := d.Get(nil, "fdinfo/"+strconv.Itoa(at.fd), false, limitText)
			d.Close()
			pidfdTarget(text, func(pid int) { n.name(pid, byPidfdInfo) })
		}
	}
}

// families reads who is whose parent, and in whose group and session.
func (n *pidNamer) families(ctx context.Context, listed []int) {
	var room []byte
	for i, pid := range listed {
		if ctx.Err() != nil || time.Now().After(n.until) {
			n.tally.Add("children of threads", evidence.Cut("%d of %d processes not asked: time", len(listed)-i, len(listed)))
			return
		}
		tids, _ := n.tasks(pid)
		d, err := n.open(pid)
		if err != nil {
			continue
		}
		if room, err = d.Get(room[:0], "stat", false, limitText); err == nil {
			if s, err := proc.ParseStat(string(room)); err == nil {
				n.name(int(s.Field[proc.StatPPID]), byParent)
				n.name(int(s.Field[proc.StatPgrp]), byProcessGroup)
				n.name(int(s.Field[proc.StatSession]), byProcessGroup)
			}
		}
		for _, tid := range tids {
			if time.Now().After(n.until) {
				break // counted for the next process
			}
			room, _ = d.Get(room[:0], "task/"+strconv.Itoa(tid)+"/children", false, maxNamesText)
			eachNumber(room, func(pid int) { n.name(pid, byChildren) })
		}
		d.Close()
	}
}

// cgroups reads the processes and threads of every control group that is mounted:
// version 2 and systemd's own hierarchy first, for they hold all.
func (n *pidNamer) cgroups(ctx context.Context) {
	text, _, err := proc.OwnMountinfo(n.host)
	n.tally.Add("/proc/self/mountinfo", err)
	mounts, _, _ := proc.ParseMounts(string(text))
	mounts = slices.DeleteFunc(mounts, func(m proc.Mount) bool { return !strings.HasPrefix(m.Type, "cgroup") })
	rank := func(m proc.Mount) int {
		switch {
		case m.Type == "cgroup2":
			return 0
		case strings.Contains(m.Super, "name=systemd"):
			return 1
		}
		return 2
	}
	sorting.By(mounts, func(a, b proc.Mount) int { return cmp.Compare(rank(a), rank(b)) })
	seen := map[string]bool{}
	left := maxCgroups
	for i, m := range mounts {
		if ctx.Err() != nil || left <= 0 || i > 0 && time.Now().After(n.until) {
			n.tally.Add("cgroups", evidence.Cut("%d hierarchies not read: time or number", len(mounts)-i))
			return
		}
		if !seen[m.Device] {
			seen[m.Device] = true
			left = n.cgroupTree(ctx, m, left)
		}
	}
}

// cgroupTree walks one hierarchy, at most max groups; it gives how many are left.
func (n *pidNamer) cgroupTree(ctx context.Context, m proc.Mount, left int) int {
	threads := "tasks"
	if m.Type == "cgroup2" {
		threads = "cgroup.threads"
	}
	var room []byte
	todo := []string{m.Point}
	for len(todo) > 0 {
		dir := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if left--; left < 0 || ctx.Err() != nil || time.Now().After(n.until) {
			n.tally.Add(m.Point, evidence.Cut("%d groups not read: time or number", len(todo)+1))
			return left
		}
		for _, name := range []string{"cgroup.procs", threads} {
			room, _ = n.host.AppendFile(room[:0], dir+"/"+name, maxNamesText) // of a threaded group: not supported
			eachNumber(room, func(pid int) { n.name(pid, byCgroup) })
		}
		todo = append(todo, n.subdirectories(dir)...)
	}
	return left
}

func (n *pidNamer) subdirectories(dir string) (out []string) {
	f, err := n.host.Open(dir)
	if err != nil {
		return nil // it ended
	}
	defer f.Close()
	entries, err := f.ReadDir(maxCgroups)
	if len(entries) == 0 {
		return nil
	}
	n.tally.Add(dir, err)
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, dir+"/"+e.Name())
		}
	}
	return out
}
