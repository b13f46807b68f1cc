package onwindows

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/contents"
	"hozen/collector/ntapi"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
)

const (
	contentsTable  = "memory/contents.jsonl"
	contentsFolder = "memory/contents/"

	// limitWhole is how large a process may be that is taken whole for its indicators;
	// one that --dump names has no limit.
	limitWhole = 1 << 30
)

// ContentsOptions says what is taken.
type ContentsOptions struct {
	contents.Options
	// Whole takes every process that has an indicator above the lowest level whole,
	// within limits; without it only those of the highest.
	Whole bool
}

// Contents takes memory that dies with its process: minidumps of the processes that
// are named and of the surest suspects, the regions that indicators rest on, and images
// whose file is gone, rebuilt from memory. On a directory that holds a host's files,
// and on other systems than Windows, it says skipped.
func Contents(o ContentsOptions) collector.Collector {
	return collector.Collector{
		Name: "contents", Doc: "images without a file, suspicious memory, and processes to be dumped",
		Volatility: collector.Memory,
		Limit:      collector.Limit{Time: 30 * time.Minute},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			sys, err := thisOpener()
			if !h.Live {
				err = collector.ErrNotLive
			}
			if err != nil {
				return to.Put(ctx, contentsItem(), func(io.Writer) error { return err })
			}
			return takeContents(ctx, to, sys, o)
		},
	}
}

func contentsItem() evidence.Item {
	return evidence.Item{Path: contentsTable, Source: "ReadProcessMemory"}
}

// A victim is an open process whose memory is taken.
type victim struct {
	info    ntapi.Process
	path    string
	regions []ntapi.Region
	modules []ntapi.Module
	mem     io.ReaderAt
	threads []threadState
	system  systemFacts
	frozen  string
	cut     error // what of it could not be read
	close   func()
}

// A threadState is what a minidump has of a thread beside the list of the system.
type threadState struct {
	tid          uint32
	context      []byte
	stackPointer uint64
	stackBase    uint64
}

// systemFacts are what a minidump says of the system.
type systemFacts struct {
	architecture        uint16
	product             uint8
	major, minor, build uint32
	processors          uint8
}

// An opener opens processes, as a test can fake it.
type opener interface {
	// open opens a process by its number and start (0: any); whole asks for all that a
	// minidump has, freeze for it to be stopped until it is closed.
	open(ctx context.Context, pid uint32, created uint64, whole, freeze bool) (*victim, error)
}

// A taking is one run of the collector.
type taking struct {
	ctx   context.Context
	to    evidence.Sink
	sys   opener
	o     ContentsOptions
	left  int64
	rows  []contents.Content
	tally evidence.Tally
	whole map[uint32]bool // taken whole
}

func takeContents(ctx context.Context, to evidence.Sink, sys opener, o ContentsOptions) error {
	for _, l := range []struct {
		at *int64
		is int64
	}{{&o.PerProcess, 256 << 20}, {&o.PerLow, 16 << 20}, {&o.Total, 4 << 30}} {
		if *l.at <= 0 {
			*l.at = l.is
		}
	}
	t := &taking{ctx: ctx, to: to, sys: sys, o: o, left: o.Total, whole: map[uint32]bool{}}
	for _, step := range []func() error{t.named, t.suspects, t.surest} {
		if err := step(); err != nil {
			return err
		}
	}
	return t.to.Put(context.WithoutCancel(ctx), contentsItem(), func(w io.Writer) error {
		return fault.Join(jsonl.Write(w, t.rows), t.tally.Err())
	})
}

// named takes the processes that the responder names, whole.
func (t *taking) named() error {
	for _, pid := range t.o.Dump {
		if err := t.dump(uint32(pid), 0, nil, 0); err != nil {
			return err
		}
	}
	return nil
}

// sorted gives the suspects, the surest first.
func (t *taking) sorted() ([]memory.Suspect, bool) {
	if t.o.Suspects == nil {
		return nil, true
	}
	list, searched := t.o.Suspects.List()
	sorting.By(list, func(a, b memory.Suspect) int { return -cmp.Compare(a.Level, b.Level) })
	return list, searched
}

// suspects takes the memory that indicators rest on.
func (t *taking) suspects() error {
	list, searched := t.sorted()
	if !searched {
		return t.to.Put(t.ctx, evidence.Item{Path: contentsFolder + "regions", Source: "ReadProcessMemory"}, func(io.Writer) error {
			return evidence.Skip("no indicators were looked for, so that no region is known to be worth taking")
		})
	}
	for _, s := range list {
		if len(s.Regions) == 0 || s.PID == os.Getpid() {
			continue
		}
		v, err := t.sys.open(t.ctx, uint32(s.PID), s.StartTicks, false, false)
		if err == nil {
			err = t.regionsOf(s, v)
			v.close()
		} else {
			err = t.to.Put(t.ctx, evidence.Item{Path: fmt.Sprintf("%s%d-%d/regions", contentsFolder, s.PID, s.StartTicks), Source: "ReadProcessMemory"}, func(io.Writer) error { return err })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// surest takes the surest suspects whole, as far as the limits go.
func (t *taking) surest() error {
	list, _ := t.sorted()
	for _, s := range list {
		least := memory.High
		if t.o.Whole {
			least = memory.Medium
		}
		if s.Level < least || t.whole[uint32(s.PID)] || s.PID == os.Getpid() {
			continue
		}
		if err := t.dump(uint32(s.PID), s.StartTicks, s.IDs, limitWhole); err != nil {
			return err
		}
	}
	return nil
}

// regionsOf takes the regions of one suspect, the smallest first, up to its limit.
func (t *taking) regionsOf(s memory.Suspect, v *victim) error {
	most, sample := t.o.PerProcess, false
	if s.Level == memory.Low && t.o.PerLow < most {
		most, sample = t.o.PerLow, true
	}
	left := min(most, t.left)
	spans := joined(s.Regions)
	sorting.By(spans, func(a, b wanted) int { return cmp.Compare(a.end-a.start, b.end-b.start) })
	for i, r := range spans {
		if left <= 0 {
			return t.leftOut(s, len(spans)-i, most, sample)
		}
		took, err := t.region(s, v, r, left, sample)
		left -= took
		t.left -= took
		if err != nil {
			return err
		}
		for _, m := range r.why {
			if rebuilt(m) {
				n, err := t.image(s, v, r.span)
				if t.left -= n; err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// region takes one range. It gives how much was taken.
func (t *taking) region(s memory.Suspect, v *victim, r wanted, left int64, sample bool) (int64, error) {
	row := contents.Content{Kind: "region", Path: fmt.Sprintf("%s%d-%d/%x-%x.bin", contentsFolder, s.PID, s.StartTicks, r.start, r.end), Size: int64(r.end - r.start), Why: r.why, Name: jsonl.Text(v.path)}
	row.Holders = []contents.Holder{{PID: s.PID, StartTicks: s.StartTicks, Start: strconv.FormatUint(r.start, 16), End: strconv.FormatUint(r.end, 16)}}
	n := min(row.Size, left)
	err := t.to.Put(t.ctx, evidence.Item{Path: row.Path, Source: fmt.Sprintf("memory of process %d", s.PID), File: sized(row.Size, n)}, func(w io.Writer) error {
		bad, written, err := copyMemory(t.ctx, w, v.mem, r.start, uint64(n))
		row.Taken, row.Unreadable = written, bad
		switch {
		case err != nil:
		case row.Size > n && sample:
			err = evidence.Part("a sample, for all indicators of this process are low: the first %d bytes are here", n)
		case row.Size > n:
			err = evidence.Cut("longer than the limit: the first %d bytes are here", n)
		case bad > 0:
			err = evidence.Gone("%d of %d bytes could not be read, and are zeros", bad, written)
		}
		return err
	})
	t.rows = append(t.rows, row)
	return row.Taken, err
}

func (t *taking) leftOut(s memory.Suspect, n int, most int64, sample bool) error {
	item := evidence.Item{Path: fmt.Sprintf("%s%d-%d/more", contentsFolder, s.PID, s.StartTicks), Source: fmt.Sprintf("memory of process %d", s.PID)}
	return t.to.Put(t.ctx, item, func(io.Writer) error {
		if sample {
			return evidence.Skip("%d larger regions: all indicators of this process are low, and a sample of %d bytes is taken", n, most)
		}
		return evidence.Cut("%d larger regions: over the limit of %d bytes for one process, or of %d for all", n, most, t.o.Total)
	})
}

// sized lets the archive make room for what has a known size.
func sized(size, taken int64) *evidence.FileMeta {
	if size != taken {
		return nil
	}
	return &evidence.FileMeta{Mode: evidence.ModeRegular | 0o400, Size: size}
}

// copyMemory writes memory; what cannot be read is zeros, and counted.
func copyMemory(ctx context.Context, w io.Writer, mem io.ReaderAt, at, n uint64) (bad, written int64, err error) {
	buf := make([]byte, min(n, 1<<20))
	for end := at + n; at < end; {
		if ctx.Err() != nil {
			return bad, written, context.Cause(ctx)
		}
		b := buf[:min(uint64(len(buf)), end-at)]
		for _, g := range ntapi.ReadTolerant(mem, at, b) {
			bad += int64(g.Size)
		}
		k, err := w.Write(b)
		if written += int64(k); err != nil {
			return bad, written, err
		}
		at += uint64(len(b))
	}
	return bad, written, nil
}

// A wanted is a range that was asked for, for some reasons.
type wanted struct {
	span
	why []string
}

// joined sorts regions and joins those that touch.
func joined(in []memory.Region) (out []wanted) {
	in = slices.Clone(in)
	sorting.By(in, func(a, b memory.Region) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	for _, r := range in {
		if r.End <= r.Start || r.End > 1<<62 {
			continue
		}
		if last := len(out) - 1; last >= 0 && r.Start <= out[last].end {
			out[last].end = max(out[last].end, r.End)
			if !slices.Contains(out[last].why, r.Why) {
				out[last].why = append(out[last].why, r.Why)
			}
			continue
		}
		out = append(out, wanted{span{r.Start, r.End}, []string{r.Why}})
	}
	return out
}
