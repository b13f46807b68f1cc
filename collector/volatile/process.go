package volatile

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"hozen/collector"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Processes takes every process: its row, its open files, its mappings, the
// hash of its running image, and what the kernel said of it, byte for byte.
//
//	volatile/processes.jsonl                a Process a line, by pid
//	volatile/processes/files.jsonl          a File a line: open files, by pid and number
//	volatile/processes/maps.jsonl           a Map a line: mappings, by pid and address
//	volatile/processes/basis.txt            what the rows rest on: boot time, ticks, names of ids
//	volatile/processes/PID-STARTTICK.txt    all that was read of one process, in sections
//	volatile/processes/PID-unread.txt       why nothing was, where its start is not known
//
// The tables of open files and mappings are apart from the rows, because on a
// desktop they are fifty times as large, and who wants them wants all of them.
// The form of the texts is told in package section; rows are made from them alone
// (and from the image, which only the running host has).
//
// Processes are read by two workers and put in order of pid; the tables grow in
// the sink while they are read, so memory does not grow with their number. A
// process that does not answer (a hung mount under its image, a lock held on its
// memory) is left behind after some seconds, recorded, and another worker goes on.
//
// Reading of another's environment, files, mappings and image needs root (or
// CAP_SYS_PTRACE); without it there is a row for every process all the same.
func Processes() collector.Collector {
	return collector.Collector{
		Name: "processes", Doc: "processes with their images, threads, open files and mappings",
		Volatility: collector.Live,
		Limit:      collector.Limit{Time: 3 * time.Minute},
		Estimate:   estimateProcesses,
		Collect:    collectProcesses,
	}
}

func estimateProcesses(h *collector.Host) collector.Estimate {
	pids, err := proc.PIDs(h)
	if err != nil {
		return collector.Estimate{}
	}
	n := int64(len(pids))
	return collector.Estimate{Time: time.Duration(n) * 500 * time.Microsecond, Bytes: n * 24 << 10}
}

const (
	processTable = "volatile/processes.jsonl"
	fileTable    = "volatile/processes/files.jsonl"
	mapTable     = "volatile/processes/maps.jsonl"
)

// putProcTables records one outcome for all three tables.
func putProcTables(ctx context.Context, to evidence.Sink, why error) error {
	for _, path := range [...]string{processTable, fileTable, mapTable} {
		item := evidence.Item{Path: path, Source: "/proc"}
		if err := to.Put(ctx, item, func(io.Writer) error { return why }); err != nil {
			return err
		}
	}
	return nil
}

// readProcesses is the collector for hosts with /proc.
func readProcesses(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	if ctx.Err() != nil {
		return putProcTables(ctx, to, context.Cause(ctx))
	}
	pids, err := proc.PIDs(h)
	if err != nil {
		return putProcTables(ctx, to, err)
	}
	open, end, err := proc.Open(h)
	if err != nil {
		return putProcTables(ctx, to, fmt.Errorf("/proc: %w", err))
	}
	b, basisText := readBasis(h)
	err = to.Put(ctx, evidence.Item{Path: "volatile/processes/basis.txt", Source: "/proc/stat and others, as headed"}, func(w io.Writer) error {
		_, err := w.Write(basisText)
		return err
	})
	if err != nil {
		end()
		return err
	}
	im := newProcImages(b)
	p := proc.NewPool(ctx, func() func(context.Context, int, *procRead) {
		return (&procReader{host: h, open: open(), basis: b.forWorker(), images: im}).process
	}, end)
	defer p.Close()
	g := &procGathering{to: to, pool: p, pids: pids}
	return g.run(ctx)
}

// A procGathering takes the processes from the pool in order, and puts them.
type procGathering struct {
	to                            evidence.Sink
	pool                          *proc.Pool[procRead]
	pids                          []int
	tables                        [3]*rowTable
	rowTally, fileTally, mapTally evidence.Tally
}

func (g *procGathering) run(ctx context.Context) error {
	for i, path := range [...]string{processTable, fileTable, mapTable} {
		g.tables[i] = openRowTable(ctx, g.to, evidence.Item{Path: path, Source: "/proc"})
	}
	err := g.each(ctx)
	for i, t := range [...]*evidence.Tally{&g.rowTally, &g.fileTally, &g.mapTally} {
		err = fault.Join(err, g.tables[i].end(t.Err()))
	}
	return err
}

// each puts one process after another. It gives only errors of the sink.
func (g *procGathering) each(ctx context.Context) error {
	for i := range g.pids {
		if g.broken() {
			return nil // the end of the table has the error
		}
		patience := g.pool.Patience
		r, why := g.pool.Next(ctx, g.pids[i:])
		if why != nil {
			left := fmt.Errorf("%d processes not read: %w", len(g.pids)-i, why)
			for _, t := range [...]*evidence.Tally{&g.rowTally, &g.fileTally, &g.mapTally} {
				t.Add("/proc", left)
			}
			return nil
		}
		if r == nil {
			r = unanswered(g.pids[i], patience)
		}
		if err := g.put(ctx, r); err != nil {
			return err
		}
		g.reuse(ctx, r)
	}
	return nil
}

// unanswered is what is known of a process that gave no answer.
func unanswered(pid int, patience time.Duration) *procRead {
	r := &procRead{pid: pid}
	r.unread = fmt.Errorf("no answer within %v", patience)
	r.fail(r.unread)
	return r
}

// keepBytes is the largest buffer that is kept for the next process.
const keepBytes = 1 << 20

// reuse gives the buffers of a process back. When ctx has ended a fill may
// still hold them.
func (g *procGathering) reuse(ctx context.Context, r *procRead) {
	if ctx.Err() == nil && max(cap(r.raw), cap(r.files), cap(r.maps)) <= keepBytes {
		g.pool.Reuse(r)
	}
}

func (g *procGathering) broken() bool {
	for _, t := range g.tables {
		if t.ended() {
			return true
		}
	}
	return false
}

func (g *procGathering) put(ctx context.Context, r *procRead) error {
	g.rowTally.Merge(&r.rowTally)
	g.fileTally.Merge(&r.fileTally)
	g.mapTally.Merge(&r.mapTally)
	g.tables[0].write(r.row)
	g.tables[1].write(r.files)
	g.tables[2].write(r.maps)
	name := "-unread.txt"
	if r.known {
		name = "-" + strconv.FormatUint(r.start, 10) + ".txt"
	}
	pid := strconv.Itoa(r.pid)
	item := evidence.Item{Path: "volatile/processes/" + pid + name, Source: "/proc/" + pid}
	return g.to.Put(ctx, item, func(w io.Writer) error {
		if len(r.raw) > 0 {
			if _, err := w.Write(r.raw); err != nil {
				return err
			}
		}
		return r.outcome()
	})
}

// outcome is the error with which the raw item of a process ends.
func (r *procRead) outcome() error {
	if r.unread != nil {
		return r.unread
	}
	if err := r.rawTally.Err(); err != nil {
		return err
	}
	if r.gone {
		return evidence.Gone("it ended while it was read")
	}
	return nil
}
