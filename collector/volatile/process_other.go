//go:build !linux && !windows

package volatile

import (
	"context"
	"io"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/shirou/gopsutil/v3/process"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/section"
	"hozen/packager/evidence"
)

// collectProcesses reads a fixture's /proc as on Linux. On the running system it
// gives the rows that gopsutil can make there, and says skipped for the rest.
func collectProcesses(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	if !h.Live {
		return readProcesses(ctx, h, to)
	}
	item := evidence.Item{Path: processTable, Source: "the process list of " + runtime.GOOS}
	if err := to.Put(ctx, item, func(w io.Writer) error { return processesFromList(ctx, w) }); err != nil {
		return err
	}
	for _, path := range [...]string{fileTable, mapTable} {
		err := to.Put(ctx, evidence.Item{Path: path, Source: "the process list of " + runtime.GOOS}, func(io.Writer) error {
			return notOnThisSystem()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func processesFromList(ctx context.Context, w io.Writer) error {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return err
	}
	var tally evidence.Tally
	table := jsonl.NewWriter(w)
	for _, pid := range sortedPIDs(pids) {
		if ctx.Err() != nil {
			tally.Add("the processes from "+pidText(pid), context.Cause(ctx))
			break
		}
		row := processFromList(ctx, pid)
		tally.Add("process "+pidText(pid), row.err)
		if err := table.Row(&row.Process); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return tally.Err()
}

type portableProcess struct {
	Process
	err error
}

// processFromList asks gopsutil only for what it finds by system calls on every
// system without a reader of ours. On macOS its Exe, Cwd, Cmdline, NumThreads,
// Times and MemoryInfo run ps or lsof (process_darwin_nocgo.go), and so does Name
// for long names; Status, Foreground, Children and Connections run ps, pgrep or
// lsof on the BSDs too; Username on Windows may ask a domain controller. None of
// them is called here; what is safe on one system only is in moreFromList.
func processFromList(ctx context.Context, pid int32) portableProcess {
	row := portableProcess{Process: Process{PID: int(pid)}}
	p := &process.Process{Pid: pid} // not NewProcess, which sends signal 0
	fault := func(name string, err error) {
		if row.Errors == nil {
			row.Errors = map[string]jsonl.Text{}
		}
		row.Errors[name] = jsonl.Text(section.Because(err))
		if row.err == nil {
			row.err = err
		}
	}
	name, err := nameFromList(ctx, p)
	if err != nil {
		fault("comm", err)
	} else {
		row.Comm = new(jsonl.Text(name))
	}
	ppid, err := p.PpidWithContext(ctx)
	if err != nil {
		fault("ppid", err)
	} else {
		row.PPID = new(int(ppid))
	}
	if ms, err := p.CreateTimeWithContext(ctx); err != nil {
		fault("start", err)
	} else if ms > 0 {
		row.Start, row.StartFrom = stamp(time.UnixMilli(ms)), "system"
	}
	moreFromList(ctx, p, &row.Process, fault)
	return row
}

func sortedPIDs(pids []int32) []int32 {
	slices.Sort(pids)
	return slices.Compact(pids)
}

func pidText(pid int32) string { return strconv.Itoa(int(pid)) }
