package indicators

import (
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/volatile"
	"hozen/packager/evidence/sorting"
)

// hiddenBPF compares the kernel's list of programs with what file descriptors,
// links and kallsyms show.
func hiddenBPF(v *kernelView) (out []finding) {
	if !v.bpfRead {
		return nil
	}
	known, functions := map[uint32]bool{}, uint64(0)
	for _, p := range v.bpf.Programs {
		known[p.ID] = true
		functions += uint64(max(1, infoU32(p.Info, 104))) // nr_jited_ksyms of struct bpf_prog_info
	}
	lost := map[uint32][]string{}
	for id, who := range v.held {
		if !known[id] {
			lost[id] = append(lost[id], who...)
		}
	}
	for _, l := range v.bpf.Links {
		if l.ProgramID != 0 && !known[l.ProgramID] {
			lost[l.ProgramID] = append(lost[l.ProgramID], fmt.Sprintf("link %d (%s)", l.ID, l.Type))
		}
	}
	for id, who := range lost {
		out = append(out, hiddenProgram(id, strings.Join(who[:min(len(who), 8)], ", ")))
	}
	sorting.By(out, func(a, b finding) int { return strings.Compare(a.object, b.object) })
	if f, ok := strayJIT(v, functions); ok {
		out = append(out, f)
	}
	return out
}

func hiddenProgram(id uint32, where string) finding {
	return finding{id: "kernel-bpf-hidden", object: fmt.Sprintf("bpf program %d", id),
		seen: fmt.Sprintf("%s shows eBPF program %d, which the kernel's list of programs leaves out", where, id),
		views: []memory.View{{Source: where, Says: jsonl.Text(fmt.Sprintf("program %d", id))},
			{Source: "BPF_PROG_GET_NEXT_ID", Says: "no such program"}}}
}

// strayJIT counts the compiled functions of programs in kallsyms.
func strayJIT(v *kernelView, functions uint64) (finding, bool) {
	tags := map[string]bool{}
	for _, p := range v.bpf.Programs {
		tags[p.Tag] = true
	}
	var count uint64
	var strays []string
	for _, sym := range v.symbols.labels["bpf"] {
		rest, ok := strings.CutPrefix(sym.name, "bpf_prog_")
		if !ok {
			continue
		}
		count++
		if tag, _, _ := strings.Cut(rest, "_"); !tags[tag] && len(strays) < 8 {
			strays = append(strays, sym.name)
		}
	}
	if count <= functions || len(strays) == 0 {
		return finding{}, false
	}
	return finding{id: "kernel-bpf-hidden", level: memory.Medium, object: "compiled eBPF functions",
		seen: fmt.Sprintf("kallsyms has %d compiled functions of eBPF programs, the listed programs have %d", count, functions),
		views: []memory.View{{Source: "/proc/kallsyms", Says: jsonl.Text(strings.Join(strays, " "))},
			{Source: "BPF_PROG_GET_NEXT_ID", Says: jsonl.Text(fmt.Sprintf("%d programs", len(v.bpf.Programs)))}}}, true
}

func infoU32(b []byte, at int) uint32 {
	if at+4 > len(b) {
		return 0
	}
	return binary.NativeEndian.Uint32(b[at:])
}

// helperCalls gives the functions of the kernel that a program calls by their
// addresses relative to __bpf_call_base (bpf_insn_prepare_dump in
// kernel/bpf/syscall.c), of those that symbols names.
func helperCalls(xlated []byte, symbols map[string]uint64) (out []string) {
	base := symbols["__bpf_call_base"]
	if base == 0 {
		return nil
	}
	for _, name := range []string{"bpf_probe_write_user", "bpf_override_return", "bpf_send_signal", "bpf_send_signal_thread"} {
		addr := symbols[name]
		for b := xlated; addr != 0 && len(b) >= 8; b = b[8:] {
			// BPF_JMP|BPF_CALL with source register 0: a helper, not a function of the program
			registers := b[1]
			if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
				registers >>= 4
			}
			if b[0] == 0x85 && registers&15 == 0 && base+uint64(int64(int32(binary.NativeEndian.Uint32(b[4:])))) == addr {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

// bpfPrograms reports every program.
func bpfPrograms(v *kernelView, seen map[int]*summary) (out []finding) {
	for _, p := range v.bpf.Programs {
		f := finding{id: "kernel-bpf-program", object: fmt.Sprintf("bpf program %d", p.ID), level: bpfLevel(p.Type)}
		f.seen = fmt.Sprintf("eBPF program %d %q of type %s, tag %s, loaded by uid %d, %.1f s after the start", p.ID, p.Name, p.Type, p.Tag, p.UID, float64(p.LoadedNS)/1e9)
		var holders []*summary
		pids := map[int]bool{}
		hold := func(list []volatile.BPFHolder) {
			for _, h := range list {
				if s := seen[h.PID]; s != nil && !pids[h.PID] {
					pids[h.PID] = true
					holders = append(holders, s)
				}
			}
		}
		hold(p.Holders)
		for _, l := range v.bpf.Links {
			if l.ProgramID == p.ID {
				f.seen += fmt.Sprintf("; attached by link %d (%s)", l.ID, l.Type)
				hold(l.Holders)
			}
		}
		for _, h := range holders[:min(len(holders), 4)] {
			f.seen += fmt.Sprintf("; held by %d (%s)", h.PID, h.Comm)
		}
		if len(holders) == 0 {
			f.seen += "; held by no process"
		}
		calls := helperCalls(p.Xlated, v.symbols.addr)
		if len(calls) > 0 {
			f.level = memory.High
			f.seen += "; it calls " + strings.Join(calls, " and ")
		} else if len(p.Xlated) == 0 && p.XlatedSize > 0 {
			f.seen += "; its instructions were not given out"
		}
		f.explained = bpfExplained(&p.BPFProgramRow, holders)
		if f.explained == "" && len(holders) == 1 {
			f.subject = &holders[0].Subject
		}
		out = append(out, f)
	}
	return out
}

// bpfLevel is the level by what a type of program can do: rules of a control group
// decide what is allowed, and are as common as services.
func bpfLevel(typ string) memory.Level {
	switch typ {
	case "cgroup_skb", "cgroup_device", "cgroup_sysctl", "cgroup_sockopt", "cgroup_sock", "cgroup_sock_addr", "sk_reuseport", "flow_dissector",
		"lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local", "lirc_mode2":
		return memory.Low
	}
	return memory.Medium
}

// systemdPrograms are those that systemd loads (src/core/bpf-*.c), by type.
func systemdProgram(typ, name string) bool {
	switch typ {
	case "cgroup_skb":
		return slices.Contains([]string{"sd_fw_egress", "sd_fw_ingress", "sd_restrictif_e", "sd_restrictif_i"}, name)
	case "cgroup_device":
		return name == "sd_devices"
	case "cgroup_sock_addr":
		return slices.Contains([]string{"sd_bind4", "sd_bind6"}, name)
	case "lsm":
		return slices.Contains([]string{"restrict_filesy", "sd_userns_restri"}, name)
	}
	return false
}

// knownTracers are programs that load eBPF or set probes on many healthy machines.
const knownTracers = " systemd systemd-networkd systemd-nsresourced systemd-executor bpftrace falco tetragon cilium-agent cilium calico-node tracee sysdig " +
	"system-probe datadog-agent elastic-agent elastic-endpoint auditbeat packetbeat perf ebpf.plugin netdata opensnitchd kubearmor parca-agent beyla ig pem " +
	"falcon-sensor-bpf falcon-sensor osqueryd bpfman bpftool trace-cmd stapbpf staprun lttng-sessiond pwru dae scx_loader containerd-shim runc crun dockerd "

func bpfExplained(p *volatile.BPFProgramRow, holders []*summary) string {
	name := string(p.Name)
	switch {
	case p.UID == 0 && systemdProgram(p.Type, name):
		return "systemd loads a program of this name and type for its units"
	case p.UID == 0 && p.Type == "cgroup_device" && name == "" && len(holders) == 0:
		return "container runtimes load such a program for the devices of a container"
	case p.UID == 0 && p.Type == "tracing" && (name == "dump_bpf_map" || name == "dump_bpf_prog"):
		return "the kernel's own bpf_preload loads a program of this name and type"
	}
	for _, h := range holders {
		if knownTracer(h) {
			return fmt.Sprintf("held by %s, which does so", h.Exe)
		}
	}
	return ""
}

// knownTracer says whether a process runs a known program from where packages put it.
func knownTracer(p *summary) bool {
	exe := string(p.Exe)
	return p.installed && strings.Contains(knownTracers, " "+path.Base(exe)+" ")
}
