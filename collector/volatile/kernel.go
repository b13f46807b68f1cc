package volatile

import (
	"context"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Kernel is the collector "kernel": what the kernel says of itself. Each table
// is an item of its own, so that one that hangs leaves the others whole:
//
//	volatile/kernel.jsonl         module, command_line, taint, lsm, swap, ftrace, kprobe,
//	                              modules, kexec, power, firmware, secure_boot, livepatch,
//	                              core_dump, uevent, bpf_pin
//	volatile/kernel/mounts.jsonl  mounts of every mount namespace
//	volatile/kernel/block.jsonl   block devices with device mapper and LUKS state
//	volatile/kernel/bpf.jsonl     bpf_program, bpf_map, bpf_link, bpf_btf
//	volatile/kernel/log.jsonl     the ring buffer
//	volatile/kernel/sysctl.jsonl  all readable sysctls
//
// and beside them the raw texts of /proc, /sys and tracefs below volatile/kernel/.
// /proc/kcore, /proc/kpage* and the watchdogs are never touched: opening a
// watchdog arms it.
func Kernel() collector.Collector {
	return collector.Collector{
		Name: "kernel", Doc: "modules, eBPF, tracing, sysctls, kernel log, mounts and block devices",
		Volatility: collector.Live,
		Limit:      collector.Limit{Time: 60 * time.Second, Bytes: 256 << 20},
		Estimate: func(*collector.Host) collector.Estimate {
			return collector.Estimate{Time: 300 * time.Millisecond, Bytes: 12 << 20}
		},
		Collect: collectKernel,
	}
}

func collectKernel(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	symbols := make(chan map[string]int, 1)
	for _, step := range []func() error{
		func() error { return putLog(ctx, h, to) },
		func() error { return putMounts(ctx, h, to) },
		func() error { return putBPF(ctx, h, to) },
		func() error { return putSymbols(ctx, h, to, symbols) },
		func() error { return putRaw(ctx, h, to, "kernel", kernelTexts(h)) },
		func() error {
			return putTable(ctx, to, "volatile/kernel.jsonl", "/proc/modules, /sys/module, /proc/kallsyms and others, named in each row", asked(h, func(w io.Writer) error {
				return kernelTable(ctx, h, w, symbols)
			}))
		},
		func() error {
			return putTable(ctx, to, "volatile/kernel/block.jsonl", "/sys/block", asked(h, func(w io.Writer) error {
				r := &factReader{h: h}
				return fault.Join(jsonl.Write(w, blockRows(r)), r.tally.Err())
			}))
		},
		func() error {
			return putTable(ctx, to, "volatile/kernel/sysctl.jsonl", "/proc/sys", asked(h, func(w io.Writer) error { return writeSysctls(ctx, h, w) }))
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// putTable puts one table, unless ctx has ended.
func putTable(ctx context.Context, to evidence.Sink, name, source string, fill func(io.Writer) error) error {
	return to.Put(ctx, evidence.Item{Path: name, Source: source}, func(w io.Writer) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fill(w)
	})
}

// putSymbols keeps kallsyms as it is and counts the modules' symbols in the
// same pass: it is the largest text of all.
func putSymbols(ctx context.Context, h *collector.Host, to evidence.Sink, counted chan<- map[string]int) error {
	const name, limit = "/proc/kallsyms", 64 << 20
	return putTable(ctx, to, "volatile/kernel"+name, name, func(w io.Writer) error {
		f, err := h.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		watch := &addressWatch{w: w}
		n := &countingWriter{w: watch}
		m, err := countSymbols(io.TeeReader(io.LimitReader(f, limit), n))
		if err != nil {
			return err
		}
		counted <- m
		if n.n == limit {
			return evidence.Cut("%s: %v (%d bytes)", name, collector.ErrTooLong, limit)
		}
		return watch.err(name)
	})
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// kernelTable writes the modules, the facts, the swaps and the hooks.
func kernelTable(ctx context.Context, h *collector.Host, w io.Writer, counted <-chan map[string]int) error {
	r := &factReader{h: h}
	out := jsonl.NewWriter(w)
	var symbols map[string]int
	select {
	case symbols = <-counted:
	default: // kallsyms was not read: its record says why
	}
	rows := factRows(r)
	for _, m := range moduleRows(r, symbols) {
		rows = append(rows, m)
	}
	for _, s := range parseSwaps(r.long("/proc/swaps")) {
		rows = append(rows, s)
	}
	rows = append(append(rows, traceRows(r)...), pinRows(ctx, r)...)
	for _, row := range rows {
		if err := out.Row(row); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return fault.Join(out.Flush(), context.Cause(ctx))
	}
	return fault.Join(out.Flush(), r.tally.Err())
}

// putLog puts the bytes of the ring buffer and the rows made from those bytes.
func putLog(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	const limit = 32 << 20
	read := make(chan []byte, 1)
	err := putTable(ctx, to, "volatile/kernel/log.txt", "/dev/kmsg", func(w io.Writer) error {
		if !h.Live {
			return collector.ErrNotLive
		}
		var b strings.Builder
		err := readKernelLog(ctx, io.MultiWriter(w, &b), limit)
		if b.Len() > 0 {
			read <- []byte(b.String())
		}
		return err
	})
	if err != nil {
		return err
	}
	return putTable(ctx, to, "volatile/kernel/log.jsonl", "/dev/kmsg", func(w io.Writer) error {
		select {
		case raw := <-read:
			rows, bad, err := parseLog(raw)
			if bad > 0 {
				err = evidence.Cut("%d records not understood: %v", bad, err)
			}
			return fault.Join(jsonl.Write(w, rows), err)
		default:
			return evidence.Skip("the log was not read: see kernel/log.txt")
		}
	})
}

// kernelTexts lists the raw texts. All are files that reading leaves as they
// are: not /proc/sysrq-trigger, /proc/kmsg (reading consumes), /sys/power/wakeup_count
// (may wait), tracing/trace_pipe (consumes) and the like.
func kernelTexts(h *collector.Host) []rawFile {
	var files []rawFile
	for _, n := range strings.Fields(`
		buddyinfo bus/input/devices bus/pci/devices cgroups cmdline bootconfig consoles crypto devices diskstats dma
		execdomains fb filesystems interrupts iomem ioports irq/default_smp_affinity key-users keys loadavg locks
		mdstat misc modules mtrr partitions pressure/cpu pressure/io pressure/memory schedstat scsi/scsi slabinfo softirqs
		swaps sysvipc/msg sysvipc/sem sysvipc/shm timer_list tty/drivers tty/ldiscs vmallocinfo vmstat zoneinfo config.gz`) {
		files = append(files, rawFile{name: "/proc/" + n, limit: longText})
	}
	for i := range files {
		files[i].addresses = files[i].name == "/proc/iomem" || files[i].name == "/proc/ioports"
	}
	for _, n := range strings.Fields(`
		security/lsm security/lockdown security/apparmor/profiles security/ima/ascii_runtime_measurements security/ima/policy
		security/tomoyo/profile security/tomoyo/manager security/tomoyo/stat security/integrity/ima/ascii_runtime_measurements`) {
		files = append(files, rawFile{name: "/sys/kernel/" + n, limit: longText})
	}
	tracing, debug := traceDirs(&factReader{h: h})
	for _, dir := range tracing {
		for _, f := range traceFiles() {
			files = append(files, rawFile{name: path.Join(dir, f), limit: longText})
		}
	}
	for _, dir := range debug {
		for _, f := range []string{"kprobes/list", "kprobes/enabled", "dynamic_debug/control", "wakeup_sources", "suspend_stats"} {
			files = append(files, rawFile{name: path.Join(dir, f), limit: longText})
		}
	}
	return slices.CompactFunc(files, func(a, b rawFile) bool { return a.name == b.name })
}
