package indicators

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// A pidSystem is what the kernel can be asked of pids, as a test can fake it.
type pidSystem struct {
	list  func() ([]int, error)        // readdir of /proc
	tasks func(pid int) ([]int, error) // readdir of /proc/PID/task
	// ask asks by every usable view, and where whose is set also whose thread it is.
	ask func(pid int, whose bool) pidAnswer
	// hold takes hold of a process: ended says whether it has gone since. nil
	// where that cannot be had.
	hold  func(pid int) (ended func() bool, release func())
	names func(ctx context.Context, listed []int) map[int]pidViews
	// sweep asks of every pid that may be, but those in known, and says in words
	// which were not asked.
	sweep func(ctx context.Context, known pidSet) (found map[int]pidViews, left string)
	views pidViews // those of asking that can be relied upon here
	wait  func(ctx context.Context, d time.Duration)
}

const (
	pidLooks    = 6    // looks before a process is called hidden
	maxPIDCases = 4096 // pids that are looked at again
	maxPIDHolds = 512  // of them held by a pidfd
)

// A pidSearch is one search for hidden processes.
type pidSearch struct {
	sys     pidSystem
	listed  []int
	threads int
	count   map[pidViews]int // by view: how many of the unlisted it showed at first
	left    string           // pids that were not asked
	hidden  []pidCase        // not in the listing
	denied  []pidCase        // in the listing, and denied by a view
	cases   int
	tally   evidence.Tally
}

// search makes the comparison.
func (f *pidSearch) search(ctx context.Context) {
	var err error
	f.listed, err = f.sys.list()
	f.tally.Add("readdir /proc", err)
	if err != nil && len(f.listed) == 0 {
		return
	}
	var known pidSet
	known.add(f.listed...)
	tids := f.allThreads(ctx, f.listed)
	f.threads = len(tids)
	known.add(tids...)
	found, left := f.sys.sweep(ctx, known)
	f.left = left
	for pid, v := range f.sys.names(ctx, f.listed) {
		if !known.has(pid) {
			found[pid] |= v
		}
	}
	f.count = map[pidViews]int{}
	cases := make([]*pidCase, 0, len(found))
	for _, pid := range slices.Sorted(maps.Keys(found)) {
		for v := pidViews(1); v != 0 && v <= found[pid]; v <<= 1 {
			if found[pid]&v != 0 {
				f.count[v]++
			}
		}
		cases = append(cases, &pidCase{pid: pid, named: found[pid]})
	}
	if len(cases) > maxPIDCases {
		f.tally.Add("second look", evidence.Cut("%d of %d unlisted pids not looked at again", len(cases)-maxPIDCases, len(cases)))
		cases = cases[:maxPIDCases]
	}
	f.cases = len(cases)
	f.hidden = f.lookAgain(ctx, cases)
	f.denied = f.lookAtListed(ctx)
}

// allThreads gives the thread ids of processes, leaders included.
func (f *pidSearch) allThreads(ctx context.Context, pids []int) (tids []int) {
	for i, pid := range pids {
		if ctx.Err() != nil {
			f.tally.Add("thread lists", fmt.Errorf("%d of %d not read: %w", len(pids)-i, len(pids), context.Cause(ctx)))
			break
		}
		t, err := f.sys.tasks(pid)
		if err != nil && !proc.IsGone(err) {
			f.tally.Add(fmt.Sprintf("/proc/%d/task", pid), err)
		}
		tids = append(tids, t...)
	}
	return tids
}

// pause is the time before a look.
func pause(look int) time.Duration { return time.Duration(1<<look) * time.Millisecond }

// waitFor waits, or until the context ends.
func waitFor(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// lookAgain looks at pids until they are listed, have ended, or were looked at
// often enough.
func (f *pidSearch) lookAgain(ctx context.Context, cases []*pidCase) (hidden []pidCase) {
	ended := map[int]func() bool{}
	for _, c := range cases[:min(len(cases), maxPIDHolds)] {
		if gone, release := f.sys.hold(c.pid); gone != nil {
			defer release()
			ended[c.pid] = gone
		}
	}
	for look := range pidLooks {
		if len(cases) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			f.tally.Add("second look", fmt.Errorf("%d unlisted pids: %w", len(cases), context.Cause(ctx)))
			return nil
		}
		if look > 0 {
			f.sys.wait(ctx, pause(look))
		}
		cases = f.lookOnce(ctx, cases, ended)
	}
	for _, c := range cases {
		if c.looks >= pidLooks/2 { // one that was found among the looks may have had less
			hidden = append(hidden, *c)
		}
	}
	return hidden
}

// lookOnce is one look at all of them. It gives those that may still be hidden,
// and adds the processes of threads that no listing shows.
func (f *pidSearch) lookOnce(ctx context.Context, cases []*pidCase, ended map[int]func() bool) []*pidCase {
	before := f.askAll(ctx, cases)
	listed, err := f.sys.list()
	if f.tally.Add("readdir /proc", err); err != nil {
		return nil // a listing that is not whole proves nothing
	}
	var inList, inThreads pidSet
	inList.add(listed...)
	f.threadLists(ctx, before, listed, inList, &inThreads)
	after := f.askAll(ctx, cases)
	var left []*pidCase
	have := map[int]bool{}
	for _, c := range cases {
		have[c.pid] = true
	}
	for i, c := range cases {
		l := pidLook{before: before[i], after: after[i], listed: inList.has(c.pid), threaded: inThreads.has(c.pid)}
		if gone := ended[c.pid]; gone != nil {
			l.ended = gone()
		}
		if !c.judge(l) {
			continue
		}
		if c.tgid != 0 && c.tgid != c.pid && !inList.has(c.tgid) {
			if !have[c.tgid] { // the process is hidden, rather than the thread
				have[c.tgid] = true
				left = append(left, &pidCase{pid: c.tgid, named: byLookup})
			}
		}
		left = append(left, c)
	}
	return left
}

// threadLists reads the thread lists in which threads among the cases should be:
// that of the process where it is known, else all. Only those of processes that
// are listed count, for else nothing shows the thread.
func (f *pidSearch) threadLists(ctx context.Context, said []pidAnswer, listed []int, inList pidSet, in *pidSet) {
	read := map[int]bool{}
	all := false
	for _, a := range said {
		switch {
		case inList.has(a.tgid) && !read[a.tgid]:
			read[a.tgid] = true
			tids, _ := f.sys.tasks(a.tgid)
			in.add(tids...)
		case a.tgid == 0 && a.thread && !all:
			all = true
			in.add(f.allThreads(ctx, listed)...)
		}
	}
}

// askAll asks of every case. Those of whom no answer says that they exist, and
// which were named by a list, are looked for in the lists.
func (f *pidSearch) askAll(ctx context.Context, cases []*pidCase) []pidAnswer {
	out := make([]pidAnswer, len(cases))
	silent := false
	for i, c := range cases {
		out[i] = f.sys.ask(c.pid, true)
		silent = silent || out[i].exists == 0 && c.named&byList != 0
	}
	if !silent {
		return out
	}
	named := f.sys.names(ctx, f.listed)
	for i, c := range cases {
		out[i].exists |= named[c.pid] & byList
	}
	return out
}

// lookAtListed is the other way: processes that the listing shows before and
// after, and that a view denies every time.
func (f *pidSearch) lookAtListed(ctx context.Context) (denied []pidCase) {
	deny := map[int]pidViews{}
	for _, pid := range f.listed {
		if no := f.sys.views &^ f.sys.ask(pid, false).exists; no != 0 {
			deny[pid] = no
		}
	}
	for look := 1; look < pidLooks && len(deny) > 0; look++ {
		f.sys.wait(ctx, pause(look))
		first, err := f.sys.list()
		no := map[int]pidViews{}
		for pid := range deny {
			no[pid] = f.sys.views &^ f.sys.ask(pid, false).exists
		}
		second, err2 := f.sys.list()
		if err = fault.Join(err, err2, ctx.Err()); err != nil {
			f.tally.Add("second look", err)
			return nil
		}
		var a, b pidSet
		a.add(first...)
		b.add(second...)
		maps.DeleteFunc(deny, func(pid int, v pidViews) bool {
			deny[pid] = v & no[pid]
			return v&no[pid] == 0 || !a.has(pid) || !b.has(pid)
		})
	}
	for _, pid := range slices.Sorted(maps.Keys(deny)) {
		denied = append(denied, pidCase{pid: pid, always: deny[pid], looks: pidLooks})
	}
	return denied
}
