package volatile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// HostIdentity is the collector "host": when and where we are, and who we are
// ourselves. It runs first, so that its clocks come before everything else.
// The rows of "volatile/host.jsonl" are told apart by kind: clock, identity,
// network_identity, hardware, virtualisation, tool, power.
func HostIdentity(t Tool) collector.Collector {
	return collector.Collector{
		Name: "host", Doc: "clocks, identity, hardware, virtualisation, and the tool itself",
		Volatility: collector.Live,
		Limit:      collector.Limit{Time: 20 * time.Second},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectHost(ctx, h, to, t)
		},
	}
}

func collectHost(ctx context.Context, h *collector.Host, to evidence.Sink, t Tool) error {
	if err := PutClock(ctx, h, to, "start"); err != nil {
		return err
	}
	if err := putHostAnswers(ctx, h, to); err != nil {
		return err
	}
	own := evidence.Item{Path: "volatile/host/tool.txt", Source: "/proc/self"}
	if err := to.Put(ctx, own, rawTool); err != nil {
		return err
	}
	item := evidence.Item{Path: "volatile/host.jsonl", Source: "uname(2), /sys/class/dmi/id, /sys/class/net, /etc/os-release, /proc/self"}
	return to.Put(ctx, item, func(w io.Writer) error { return hostTable(ctx, h, w, t) })
}

// putHostAnswers keeps what the host is known by: files, or on a running Windows answers.
func putHostAnswers(ctx context.Context, h *collector.Host, to evidence.Sink) error {
	answers := rawSystem()
	if !h.Live || len(answers) == 0 {
		return putRaw(ctx, h, to, "host", hostTexts())
	}
	for _, a := range answers {
		err := to.Put(ctx, evidence.Item{Path: "volatile/host/" + a.name, Source: a.source}, func(w io.Writer) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return a.fill(w)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func hostTable(ctx context.Context, h *collector.Host, w io.Writer, t Tool) error {
	r := &factReader{h: h}
	out := jsonl.NewWriter(w)
	hw := hardwareRow(r)
	parts := []func() any{
		func() any { return clockRow(r, "identity") },
		func() any { return identity(r) },
		func() any { return hw },
		func() any { return virtualisationRow(r, hw) },
		func() any { return toolRow(r, t) },
	}
	if h.Live {
		parts = append(parts, func() any { return powerRow(r) })
	}
	for _, part := range parts {
		if ctx.Err() != nil {
			return fault.Join(out.Flush(), context.Cause(ctx))
		}
		if err := out.Row(part()); err != nil {
			return err
		}
	}
	for _, row := range networkRows(r) {
		if err := out.Row(row); err != nil {
			return err
		}
	}
	return fault.Join(out.Flush(), r.tally.Err())
}

// rawFile is one text of the kernel or of /etc that is kept as it is.
type rawFile struct {
	name      string
	limit     int64
	follow    bool // the last component is usually a symbolic link
	addresses bool // its lines begin with addresses, which the kernel may hide
}

// putRaw puts each file as an own item, "volatile/COLLECTOR" + its name, so that
// one that hangs or is denied leaves the others whole.
func putRaw(ctx context.Context, h *collector.Host, to evidence.Sink, who string, files []rawFile) error {
	for _, f := range files {
		item := evidence.Item{Path: "volatile/" + who + f.name, Source: f.name}
		err := to.Put(ctx, item, func(w io.Writer) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return f.copy(h, w)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f rawFile) copy(h *collector.Host, w io.Writer) error {
	switch {
	case f.follow:
		return h.CopyFollow(w, f.name, f.limit)
	case f.addresses:
		watch := &addressWatch{w: w}
		if err := h.Copy(watch, f.name, f.limit); err != nil {
			return err
		}
		return watch.err(f.name)
	}
	err := h.Copy(w, f.name, f.limit)
	if h.Elevated && errors.Is(err, fs.ErrPermission) {
		if meta, e := h.Lstat(f.name); e == nil {
			err = forNobody(err, meta.Mode)
		}
	}
	return err
}

// forNobody tells what we were denied from what the kernel lets nobody read, such
// as the policy of IMA where the kernel was built without CONFIG_IMA_READ_POLICY.
func forNobody(err error, mode uint32) error {
	if mode&0o444 == 0 {
		return evidence.Skip("nobody may read it, not even root: %v", err)
	}
	return err
}

func hostTexts() []rawFile {
	files := []rawFile{
		{name: "/etc/os-release", limit: shortText, follow: true},
		{name: "/etc/localtime", limit: shortText, follow: true},
	}
	names := strings.Fields(`
		/etc/hostname /etc/machine-id /etc/timezone /etc/adjtime
		/proc/version /proc/version_signature /proc/uptime /proc/stat /proc/cpuinfo /proc/meminfo /proc/driver/rtc
		/proc/sys/kernel/random/boot_id /sys/class/dmi/id/modalias /sys/class/dmi/id/uevent
		/sys/firmware/dmi/tables/smbios_entry_point /sys/firmware/dmi/tables/DMI
		/proc/device-tree/compatible /sys/hypervisor/uuid /sys/hypervisor/properties/features`)
	for _, n := range names {
		files = append(files, rawFile{name: n, limit: longText})
	}
	return files
}
