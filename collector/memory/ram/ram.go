package ram

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Options says what is taken beside the image.
type Options struct {
	// Swap takes the contents of the swap areas, too; they are named in any case.
	Swap bool
	// Kernel says that the collector kernel is run in the same collection: what it
	// takes (kallsyms, the kernel's command line and configuration) is referred to,
	// and not taken twice.
	Kernel bool

	open   opener       // of tests; nil: the system's own
	driver driverOpener // likewise: of systems whose memory a driver gives
	page   int          // bytes of a page, of tests; 0: the system's own
}

// RAM is the collector "ram": physical memory as an image in the format of LiME
// version 1, streamed in one pass in constant memory.
//
//	memory/ram.lime               the image: every range "System RAM" of /proc/iomem
//	memory/ram.map.jsonl          source, range, swap, summary (rows.go)
//	memory/ram/iomem.txt          the ranges as the kernel said them
//	memory/ram/kcore-headers.bin  the ELF header, program headers and notes of /proc/kcore
//	memory/ram/winpmem-info.bin   on Windows, instead of both: what the driver says
//	memory/ram/swap/NAME          swap areas (Options.Swap); page files and their like
//	memory/ram/…                  what is needed to analyse the image (needed.go)
//
// It needs CAP_SYS_RAWIO for /proc/kcore and CAP_SYS_ADMIN for the addresses of
// /proc/iomem; where no source will do, the record of the image lists each with
// its cause and what helps.
func RAM(o Options) collector.Collector {
	return collector.Collector{
		Name: "ram", Doc: "physical memory as a LiME image, with a map of what could be read and a measured smear",
		Volatility: collector.Memory,
		Needs:      collector.LiveHost,
		Asked:      "--ram",
		Blackout:   true,
		Limit:      collector.Limit{Time: 24 * time.Hour},
		Estimate:   estimate,
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return o.collect(ctx, h, to)
		},
	}
}

// usualRate is how many bytes a second one core reads, hashes twice and hands to
// the compressors; BenchmarkImage and testdata/vm measure the parts.
const usualRate = 180 << 20

// estimate goes by the ranges of RAM, or, where their addresses are hidden, by
// MemTotal of proc_meminfo(5).
func estimate(h *collector.Host) collector.Estimate {
	if !h.Live || !h.Elevated {
		return collector.Estimate{}
	}
	text, _ := h.ReadFile(iomemName, maxIomem)
	var bytes uint64
	for _, r := range parseIomem(string(text)).ram {
		bytes += r.size()
	}
	if bytes == 0 {
		bytes = memTotal(h)
	}
	bytes = min(bytes, 1<<50)
	return collector.Estimate{Time: time.Duration(bytes / (usualRate / 1000) * uint64(time.Millisecond)), Bytes: int64(bytes)}
}

func memTotal(h *collector.Host) uint64 {
	text, _ := h.ReadFile("/proc/meminfo", 64<<10)
	return statusBytes(string(text), "MemTotal")
}

// statusBytes finds a line "Name:  123 kB" of /proc/meminfo or /proc/PID/status;
// 0 if there is none.
func statusBytes(text, name string) uint64 {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		if f := strings.Fields(value); key == name && len(f) > 0 {
			n, _ := strconv.ParseUint(f[0], 10, 53)
			return n << 10
		}
	}
	return 0
}

// collect takes everything in the order in which it fades.
func (o Options) collect(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	if o.open == nil {
		o.open = systemOpener()
	}
	if o.driver == nil {
		o.driver = systemDriver()
	}
	if h.Live && o.driver != nil {
		return o.collectDriver(ctx, h, to)
	}
	if err := unfit(o, h); err != nil {
		return to.Put(ctx, evidence.Item{Path: imagePath, Source: kcoreName}, func(io.Writer) error { return err })
	}
	t := newTake(ctx, o, h)
	defer t.src.close()
	for _, step := range []func(context.Context, evidence.Sink) error{
		t.putIomem, t.putHeaders, t.putImage, t.putMap, t.putSwaps, t.putNeeded,
	} {
		if err := step(ctx, to); err != nil {
			return err
		}
	}
	return nil
}

func unfit(o Options, h *collector.Host) error {
	switch {
	case !h.Live:
		return collector.ErrNotLive
	case o.open == nil:
		return evidence.Skip("physical memory is read on Linux and Windows only")
	}
	return nil
}
