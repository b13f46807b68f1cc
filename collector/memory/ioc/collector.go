package ioc

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
)

const collectorName = "ioc"

// Collector hashes the files that processes run and searches their memory for the
// lists of s. Without lists (nil) it has nothing to do and says so.
func Collector(s *Search) collector.Collector {
	return collector.Collector{
		Name: collectorName, Doc: "what the lists of --ioc name, in mapped files and in memory",
		Volatility: collector.Memory, Needs: collector.LiveHost, Asked: "--ioc",
		Limit:    collector.Limit{Time: 20 * time.Minute},
		Estimate: s.estimate,
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			if s == nil {
				return to.Put(ctx, item("searched.jsonl", "/proc/PID/mem"), func(io.Writer) error {
					return evidence.Skip("no list was given with --ioc")
				})
			}
			return s.collect(ctx, h, to)
		},
	}
}

// estimate takes what processes have in RAM, and half a gigabyte a second.
func (s *Search) estimate(h *collector.Host) collector.Estimate {
	if s == nil || !s.inMemory {
		return collector.Estimate{}
	}
	text, _ := h.ReadFile("/proc/meminfo", 1<<16) // without it: no guess
	var bytes int64
	proc.EachLine(string(text), func(key, value string) {
		if kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 50); err == nil && (key == "AnonPages" || key == "Mapped") {
			bytes += kb << 10
		}
	})
	return collector.Estimate{Time: time.Duration(bytes / 500 * int64(time.Microsecond))}
}

func item(name, source string) evidence.Item {
	return evidence.Item{Path: "memory/ioc/" + name, Source: source, Collector: collectorName}
}

func (s *Search) collect(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	if err := to.Put(ctx, item("files.jsonl", "/proc/PID/exe, /proc/PID/map_files"), func(w io.Writer) error {
		if len(s.hashKinds) == 0 {
			return evidence.Skip("no hash is in the lists")
		}
		return s.files(ctx, h, w)
	}); err != nil {
		return err
	}
	return to.Put(ctx, item("searched.jsonl", "/proc/PID/mem"), func(w io.Writer) error {
		switch {
		case !s.inMemory:
			return evidence.Skip("memory is searched with --ioc-memory and in profile full")
		case len(s.bytes.search.patterns) == 0:
			return evidence.Skip("nothing in the lists is searched for in memory")
		}
		return s.processes(ctx, h, w)
	})
}

func (s *Search) files(ctx context.Context, h *collector.Host, w io.Writer) error {
	rows := jsonl.NewWriter(w)
	images := &imageSearch{search: s, host: h, seen: map[string]bool{}}
	err := eachProcess(ctx, h, &images.tally, func(pid int) error {
		return images.process(ctx, pid, func(r *FileRow) error { return rows.Row(r) })
	})
	if err == nil {
		err = images.tally.Err()
	}
	if e := rows.Flush(); e != nil {
		return e
	}
	return err
}

func (s *Search) processes(ctx context.Context, h *collector.Host, w io.Writer) error {
	rows := jsonl.NewWriter(w)
	var tally evidence.Tally
	seen, hung := &seenPages{}, 0
	m := newMemorySearch(s, h, seen)
	err := eachProcess(ctx, h, &tally, func(pid int) error {
		if hung >= maxHung {
			tally.Add(memOf(pid), evidence.Cut("%d processes gave no answer: no more are searched", hung))
			return nil
		}
		row, err := patiently(ctx, &m.pulse, patience, func() (Searched, error) { return m.process(ctx, pid) })
		if m.pulse.abandoned.Load() {
			hung++
			row = Searched{Process: memory.Subject{PID: pid}, Outcome: "failed", Note: jsonl.Text(err.Error())}
			m = newMemorySearch(s, h, seen)
		}
		tally.Add(memOf(pid), err)
		return rows.Row(&row)
	})
	if err == nil {
		err = tally.Err()
	}
	if e := rows.Flush(); e != nil {
		return e
	}
	return err
}

func memOf(pid int) string { return fmt.Sprintf("/proc/%d/mem", pid) }

// eachProcess calls f for every process that is not hidden beneath a mount. It
// gives an error of f; where ctx ends, the rest is counted as cut.
func eachProcess(ctx context.Context, h *collector.Host, tally *evidence.Tally, f func(pid int) error) error {
	pids, err := proc.PIDs(h)
	tally.Add("/proc", err)
	covered := proc.Covered(h)
	pids = slices.DeleteFunc(pids, func(pid int) bool {
		what, is := covered[pid]
		if is {
			tally.Add("/proc", evidence.Cut("process %d: covered by a %s", pid, what))
		}
		return is
	})
	for _, pid := range pids {
		if ctx.Err() != nil {
			tally.Add("/proc", context.Cause(ctx))
			return nil
		}
		if err := f(pid); err != nil {
			return err
		}
	}
	return nil
}
