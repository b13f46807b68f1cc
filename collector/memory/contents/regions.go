package contents

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// regions takes the memory that indicators rest on, of every suspect.
func (t *taking) regions() error {
	if t.o.Suspects == nil {
		return nil
	}
	list, searched := t.o.Suspects.List()
	if !searched {
		return t.to.Put(t.ctx, evidence.Item{Path: folder + "regions", Source: "/proc/PID/mem"}, func(io.Writer) error {
			return evidence.Skip("no indicators were looked for, so that no region is known to be worth taking")
		})
	}
	sorting.By(list, func(a, b memory.Suspect) int { return -cmp.Compare(a.Level, b.Level) })
	for _, s := range list {
		if len(s.Regions) > 0 {
			if err := t.suspect(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// suspect takes the regions of one process, up to its limit.
func (t *taking) suspect(s memory.Suspect) error {
	who := Holder{PID: s.PID, StartTicks: s.StartTicks}
	mem, gone := t.openSame(who)
	if gone == nil {
		defer mem.Close()
	}
	most, sample := t.o.PerProcess, false
	if s.Level == memory.Low && t.o.PerLow < min(most, t.left) {
		// What is explained (a browser's JIT) is taken as a sample: nobody must wait
		// for more of it before the machine is switched off.
		most, sample = t.o.PerLow, true
	}
	left := min(most, t.left)
	spans := joined(s.Regions)
	if gone == nil {
		spans = touched(mem, spans)
	}
	// The smallest first: what was injected is small beside what compilers make.
	sorting.By(spans, func(a, b span) int { return cmp.Compare(a.End-a.Start, b.End-b.Start) })
	for i, r := range spans {
		if left <= 0 {
			return t.leftOut(s, len(spans)-i, most, sample)
		}
		row := Content{Kind: "region", Path: fmt.Sprintf("%s%d-%d/%x-%x.bin", folder, s.PID, s.StartTicks, r.Start, r.End), Size: int64(r.End - r.Start), Why: r.why}
		who.Start, who.End = strconv.FormatUint(r.Start, 16), strconv.FormatUint(r.End, 16)
		row.Holders = []Holder{who}
		var got gap
		err := t.to.Put(t.ctx, evidence.Item{Path: row.Path, Source: fmt.Sprintf("/proc/%d/mem", s.PID), File: bytesOf(row.Size, left)}, func(w io.Writer) error {
			if gone != nil {
				return gone
			}
			var err error
			got, err = t.copyMemory(w, mem, r.Start, min(r.End, r.Start+uint64(left)))
			if err == nil && row.Size > left {
				err = evidence.Cut("longer than the limit: the first %d bytes are here", left)
				if sample {
					err = evidence.Part("a sample, for all indicators of this process are low: the first %d bytes are here", left)
				}
			}
			return err
		})
		row.Taken, row.Unreadable, row.Untouched = got.written, got.unreadable, got.untouched
		left -= got.written
		t.left -= got.written
		if t.rows = append(t.rows, row); err != nil {
			return err
		}
	}
	return nil
}

// leftOut records the regions of a process that no limit had room for, or that are
// not planned beyond a sample.
func (t *taking) leftOut(s memory.Suspect, n int, most int64, sample bool) error {
	item := evidence.Item{Path: fmt.Sprintf("%s%d-%d/more", folder, s.PID, s.StartTicks), Source: fmt.Sprintf("/proc/%d/mem", s.PID)}
	return t.to.Put(t.ctx, item, func(io.Writer) error {
		if sample {
			return evidence.Skip("%d larger regions: all indicators of this process are low, and a sample of %d bytes is taken", n, most)
		}
		return evidence.Cut("%d larger regions: over the limit of %d bytes for one process, or of %d for all", n, most, t.o.Total)
	})
}

// bytesOf lets the archive make room for a region of known size, so that it needs
// no buffer for it.
func bytesOf(size, limit int64) *evidence.FileMeta {
	if size > limit {
		return nil
	}
	return &evidence.FileMeta{Mode: evidence.ModeRegular | 0o400, Size: size}
}

// openSame opens the memory of a process, if it is still the one that it was.
func (t *taking) openSame(who Holder) (*proc.Memory, error) {
	mem, err := proc.OpenMemory(t.host, who.PID)
	if err != nil {
		return nil, err
	}
	if start, err := t.start(who.PID); err != nil || start != who.StartTicks {
		mem.Close()
		return nil, evidence.NotHere("process %d has ended", who.PID)
	}
	return mem, nil
}

// start reads when a process began.
func (t *taking) start(pid int) (uint64, error) {
	stat, err := proc.ReadStat(t.host, fmt.Sprintf("/proc/%d", pid))
	return stat.Start(), err
}

// wideSpan is the size from which a region is taken as the runs of pages in it that
// the process has touched: what is wide is mostly empty, and a limit must not be
// used up by zeros before the payload at its end.
const wideSpan = 16 << 20

// touched divides wide spans into the runs that hold something.
func touched(mem *proc.Memory, in []span) (out []span) {
	for _, s := range in {
		if s.End-s.Start < wideSpan {
			out = append(out, s)
			continue
		}
		var c core
		c.plan(proc.Mapping{Start: s.Start, End: s.End, Perms: "rw-p"}, mem.PageSize(), mem.Pagemap)
		for _, run := range c.segments {
			if run.data {
				out = append(out, span{run.start, run.start + run.size, s.why})
			}
		}
	}
	return out
}

// A span is a range of addresses that was asked for, for some reasons.
type span struct {
	Start, End uint64
	why        []string
}

// joined sorts regions and joins those that touch.
func joined(in []memory.Region) (out []span) {
	in = slices.Clone(in)
	sorting.By(in, func(a, b memory.Region) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	for _, r := range in {
		if r.End <= r.Start || r.End > 1<<63 {
			continue
		}
		if last := len(out) - 1; last >= 0 && r.Start <= out[last].End {
			out[last].End = max(out[last].End, r.End)
			if !slices.Contains(out[last].why, r.Why) {
				out[last].why = append(out[last].why, r.Why)
			}
			continue
		}
		out = append(out, span{r.Start, r.End, []string{r.Why}})
	}
	return out
}
