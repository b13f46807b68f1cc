package onwindows

import (
	"context"
	"fmt"
	"io"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Kernel is the collector "kernel": which disks lock at power-off, and what the kernel
// says of itself and of the protections that it runs with. Items:
//
//	volatile/kernel/disks.bin      answers about disks and volumes, in sections; of an
//	                               encrypted volume the boot sector and the headers of
//	                               BitLocker's metadata, without any key
//	volatile/kernel/block.jsonl    a winsys.Disk per disk, a winsys.Volume per volume
//	volatile/kernel/NAME.bin       one answer of NtQuerySystemInformation each
//	volatile/kernel.jsonl          FactRow: secure boot, code integrity, debugger, hypervisor, …
//	volatile/kernel/settings.jsonl SettingRow: boot, page files, crash dumps, security
func Kernel() collector.Collector {
	return collector.Collector{
		Name: "kernel", Doc: "disks, volumes and their encryption, secure boot, code integrity, hypervisor, boot and security settings",
		Volatility: collector.Live, Needs: collector.LiveHost,
		Limit: collector.Limit{Time: 90 * time.Second},
		Collect: func(ctx context.Context, h *collector.Host, to evidence.Sink) error {
			return collectKernel(newJob(ctx, h, to, thisSystem()), listStorage)
		},
	}
}

// storage is what a look at disks and volumes found; errors of parts are in them.
type storage struct {
	disks   []winsys.Disk
	volumes []winsys.Volume
}

func listStorage(ctx context.Context) (s storage, err error) {
	var derr, verr error
	s.volumes, verr = winsys.Volumes(ctx)
	s.disks, derr = winsys.Disks(ctx)
	return s, fault.Join(verr, derr)
}

// storageTime bounds the look at disks: a drive without a medium answers late.
const storageTime = 30 * time.Second

func collectKernel(j *job, list func(context.Context) (storage, error)) error {
	if err := putStorage(j, list); err != nil {
		return err
	}
	if err := j.take(kernelAnswers()...); err != nil {
		return err
	}
	var parts []part
	for _, f := range kernelFacts() {
		parts = append(parts, part{f.of, f.rows})
	}
	if err := j.table("volatile/kernel.jsonl", "NtQuerySystemInformation: the classes of kernel/*.bin", parts...); err != nil {
		return err
	}
	return putSettings(j, "volatile/kernel/settings.jsonl", kernelSettings())
}

func putStorage(j *job, list func(context.Context) (storage, error)) error {
	ctx, cancel := context.WithTimeout(j.ctx, storageTime)
	defer cancel()
	got := make(chan storage, 1)
	raw := evidence.Item{Path: "volatile/kernel/disks.bin", Source: "IOCTL_STORAGE_QUERY_PROPERTY, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, boot sectors"}
	err := j.to.Put(ctx, raw, func(w io.Writer) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s, err := list(ctx)
		got <- s
		if _, werr := w.Write(s.raw()); werr != nil {
			return werr
		}
		return err
	})
	if err != nil {
		return err
	}
	item := evidence.Item{Path: "volatile/kernel/block.jsonl", Source: raw.Source}
	return j.to.Put(j.ctx, item, func(w io.Writer) error {
		select {
		case s := <-got:
			return s.write(w)
		default:
			return evidence.Cut("disks and volumes did not answer")
		}
	})
}

func (s storage) raw() (out []byte) {
	for _, d := range s.disks {
		for _, a := range d.Sources {
			out = section.Append(out, a.Name, false, a.Data, a.Err)
		}
	}
	for _, v := range s.volumes {
		for _, a := range v.Sources {
			out = section.Append(out, a.Name, false, a.Data, a.Err)
		}
		if len(v.Head) > 0 {
			out = section.Append(out, "boot sector and metadata headers "+string(v.Name), false, v.Head, nil)
		}
	}
	return out
}

func (s storage) write(w io.Writer) error {
	t := jsonl.NewWriter(w)
	var tally evidence.Tally
	for i := range s.disks {
		tally.Add(string(s.disks[i].Name), s.disks[i].Err)
		if err := t.Row(&s.disks[i]); err != nil {
			return err
		}
	}
	for i := range s.volumes {
		tally.Add(s.volumes[i].Shown(), s.volumes[i].Err())
		if err := t.Row(&s.volumes[i]); err != nil {
			return err
		}
	}
	return fault.Join(t.Flush(), tally.Err())
}

// A FactRow is one thing that the kernel says of itself: secure_boot, code_integrity,
// kernel_debugger, kernel_debugger_ex, boot_environment, hypervisor, isolated_user_mode.
type FactRow struct {
	Kind   string     `json:"kind"`
	Source string     `json:"source"`
	Value  jsonl.Text `json:"value,omitempty"`
	Flags  []string   `json:"flags,omitempty"` // what is on
}

// A kernelFact is one class of NtQuerySystemInformation.
type kernelFact struct {
	name, source string
	class        ntapi.SystemClass
	read         func(a ntapi.Answer, r *FactRow) error
	of           string
}

func (f kernelFact) rows(b []byte, row func(any)) error {
	r := FactRow{Kind: f.name, Source: f.source}
	if err := f.read(ntapi.Answer{Data: b}, &r); err != nil {
		return err
	}
	row(&r)
	return nil
}

func kernelAnswers() (out []answer) {
	for _, f := range kernelFacts() {
		out = append(out, answer{name: f.of, source: "NtQuerySystemInformation(" + f.source + ")"})
	}
	return out
}

// kernelFacts is the list. The layouts are in package ntapi.
func kernelFacts() []kernelFact {
	all := []kernelFact{
		{name: "secure_boot", source: "SystemSecureBootInformation", class: ntapi.SystemSecureBoot, read: func(a ntapi.Answer, r *FactRow) error {
			s, err := ntapi.ParseSecureBoot(a)
			r.flags("enabled", s.Enabled, "capable", s.Capable)
			return err
		}},
		{name: "code_integrity", source: "SystemCodeIntegrityInformation", class: ntapi.SystemCodeIntegrity, read: func(a ntapi.Answer, r *FactRow) error {
			c, err := ntapi.ParseCodeIntegrity(a)
			r.Flags, r.Value = c.Names(), jsonl.Text(fmt.Sprintf("%#x", uint32(c)))
			return err
		}},
		{name: "kernel_debugger", source: "SystemKernelDebuggerInformation", class: ntapi.SystemKernelDebugger, read: func(a ntapi.Answer, r *FactRow) error {
			d, err := ntapi.ParseKernelDebugger(a)
			r.flags("enabled", d.Enabled, "not_present", d.NotPresent)
			return err
		}},
		{name: "kernel_debugger_ex", source: "SystemKernelDebuggerInformationEx", class: ntapi.SystemKernelDebuggerEx, read: func(a ntapi.Answer, r *FactRow) error {
			d, err := ntapi.ParseKernelDebuggerEx(a)
			r.flags("allowed", d.Allowed, "enabled", d.Enabled, "present", d.Present)
			return err
		}},
		{name: "boot_environment", source: "SystemBootEnvironmentInformation", class: ntapi.SystemBootEnvironment, read: bootEnvironment},
		{name: "isolated_user_mode", source: "SystemIsolatedUserModeInformation", class: ntapi.SystemIsolatedUserMode, read: func(a ntapi.Answer, r *FactRow) error {
			m, err := ntapi.ParseIsolatedUserMode(a)
			r.Flags = m.Names()
			return err
		}},
		{name: "hypervisor", source: "SystemHypervisorDetailInformation", class: ntapi.SystemHypervisorDetail, read: hypervisor},
	}
	for i := range all {
		all[i].of = "kernel/" + all[i].name
	}
	return all
}

func (r *FactRow) flags(pairs ...any) {
	r.Flags = []string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1].(bool) {
			r.Flags = append(r.Flags, pairs[i].(string))
		}
	}
}

// hypervisor reads SYSTEM_HYPERVISOR_DETAIL_INFORMATION (phnt, ntexapi.h): CPUID leaves
// from 0x40000000 on, of which the first has the vendor in EBX, ECX and EDX. It answers
// "Microsoft Hv" on a PC whose own Windows runs above Hyper-V, too: with VBS on, that is
// each.
func hypervisor(a ntapi.Answer, r *FactRow) error {
	if len(a.Data) < 32 {
		return fmt.Errorf("hypervisor: %d bytes", len(a.Data))
	}
	r.flags("present", u32(a.Data, 0) != 0)
	if u32(a.Data, 0) != 0 {
		r.Value = jsonl.Text(a.Data[4:16])
	}
	return nil
}

func bootEnvironment(a ntapi.Answer, r *FactRow) error {
	b, err := ntapi.ParseBootEnvironment(a)
	r.Value = jsonl.Text(nth(uint64(b.Firmware), "unknown", "bios", "uefi") + " " + guid(b.Identifier[:]))
	return err
}
