package model

import (
	"cmp"
	"slices"

	"hozen/packager/evidence/sorting"
)

// A Process is one row of the process tree, in its order.
type Process struct {
	PID, PPID int64
	Start     string
	StartKey  int64 // start_ticks or created: with the number it names the process
	Name      string
	Command   string
	Exe       string
	SHA256    string
	User      string
	Container string
	Kernel    bool // a thread of the kernel
	Deleted   bool // the file of its image has no name
	Gone      bool
	Depth     int
	Worst     int // level of its gravest indicator: 0 none, 1 low, 2 medium, 3 high
}

type processRow struct {
	PID       number `json:"pid"`
	PPID      number `json:"ppid"`
	Start     text   `json:"start"`
	Ticks     number `json:"start_ticks"`
	Created   number `json:"created"`
	Comm      text   `json:"comm"`
	Name      text   `json:"name"`
	Kernel    flag   `json:"kernel_thread"`
	Gone      flag   `json:"gone"`
	Ended     flag   `json:"ended"`
	Argv      texts  `json:"argv"`
	Command   text   `json:"command_line"`
	Image     text   `json:"image"`
	Container text   `json:"container_id"`
	Exe       struct {
		Path    text `json:"path"`
		Deleted flag `json:"deleted"`
		SHA256  text `json:"sha256"`
	} `json:"exe"`
	UID struct {
		Effective struct {
			ID   number `json:"id"`
			Name text   `json:"name"`
		} `json:"effective"`
	} `json:"uid"`
	User struct {
		SID  text `json:"sid"`
		Name text `json:"name"`
	} `json:"user"`
}

func (m *Model) process(b []byte) bool {
	var r processRow
	if !decode(b, &r) || !r.PID.ok {
		return false
	}
	if len(m.Processes) >= maxProcesses {
		m.table("volatile/processes.jsonl").Cut++
		return true
	}
	p := Process{
		PID: r.PID.n, PPID: -1, Start: string(r.Start), StartKey: cmp.Or(r.Ticks.n, r.Created.n), Name: firstOf(string(r.Comm), string(r.Name)),
		Command: firstOf(string(r.Command), r.Argv.join()), Exe: firstOf(string(r.Exe.Path), string(r.Image)), SHA256: string(r.Exe.SHA256),
		User: firstOf(string(r.User.Name), string(r.User.SID), string(r.UID.Effective.Name)), Container: string(r.Container),
		Kernel: bool(r.Kernel), Deleted: bool(r.Exe.Deleted), Gone: bool(r.Gone || r.Ended),
	}
	if r.PPID.ok {
		p.PPID = r.PPID.n
	}
	if p.User == "" && r.UID.Effective.ID.ok {
		p.User = itoa(r.UID.Effective.ID.n)
	}
	m.Processes = append(m.Processes, p)
	return true
}

// finishProcesses puts children behind their parents. A parent that is not there, that is
// the process itself, or that is one of its own children, is none.
func (m *Model) finishProcesses() {
	all := m.Processes
	sorting.By(all, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	worst := map[int64]int{}
	for _, i := range m.Indicators {
		if i.HasProcess {
			worst[i.PID] = max(worst[i.PID], i.Level)
		}
	}
	first, kids := map[int64]int{}, map[int64][]int{}
	for i := range all {
		all[i].Worst = worst[all[i].PID]
		if _, twice := first[all[i].PID]; !twice {
			first[all[i].PID] = i
		}
	}
	var roots []int
	for i, p := range all {
		if at, ok := first[p.PPID]; ok && at != i && p.PPID != p.PID && first[p.PID] == i {
			kids[p.PPID] = append(kids[p.PPID], i)
		} else {
			roots = append(roots, i)
		}
	}
	out := make([]Process, 0, len(all))
	done := make([]bool, len(all))
	type step struct{ at, depth int }
	walk := func(root int) {
		for stack := []step{{root, 0}}; len(stack) > 0; {
			s := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if done[s.at] {
				continue
			}
			done[s.at] = true
			p := all[s.at]
			p.Depth = s.depth
			out = append(out, p)
			own := kids[p.PID]
			if first[p.PID] != s.at {
				own = nil
			}
			for _, k := range slices.Backward(own) {
				stack = append(stack, step{k, s.depth + 1})
			}
		}
	}
	for _, r := range roots {
		walk(r)
	}
	for i := range all { // what is left are circles
		walk(i)
	}
	m.Processes = out
}

// Named gives the name of the process with a number, as the table of processes has it.
func (m *Model) Named(pid int64) string {
	for i := range m.Processes {
		if m.Processes[i].PID == pid {
			return m.Processes[i].Name
		}
	}
	return ""
}
