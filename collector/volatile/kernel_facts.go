package volatile

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
)

// FactRow is one thing that the kernel says of itself in one short text.
type FactRow struct {
	Kind   string       `json:"kind"` // command_line, taint, lsm, ftrace, kprobe, power, firmware, ...
	Name   string       `json:"name"`
	Source jsonl.Text   `json:"source"`
	Value  jsonl.Text   `json:"value"`
	Means  []jsonl.Text `json:"means,omitempty"` // the value decoded, or split into its lines
}

// SwapRow is a line of /proc/swaps (mm/swapfile.c, swap_show).
type SwapRow struct {
	Kind     string     `json:"kind"` // "swap"
	Name     jsonl.Text `json:"name"`
	Type     jsonl.Text `json:"type"` // partition, file
	Size     int64      `json:"size"` // bytes
	Used     int64      `json:"used"` // bytes
	Priority jsonl.Text `json:"priority"`
}

// parseSwaps reads /proc/swaps: a head, then name type size used priority, sizes
// in KiB, names with octal escapes.
func parseSwaps(text string) (rows []SwapRow) {
	head := true
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if head || len(f) < 5 {
			head = false
			continue
		}
		size, err1 := strconv.ParseInt(f[2], 10, 54)
		used, err2 := strconv.ParseInt(f[3], 10, 54)
		if err1 != nil || err2 != nil || size < 0 || used < 0 || len(rows) >= 1024 {
			continue
		}
		rows = append(rows, SwapRow{"swap", jsonl.Text(proc.UnescapeOctal(f[0])), jsonl.Text(f[1]), size << 10, used << 10, jsonl.Text(f[4])})
	}
	return rows
}

// KprobeRow is a line of /sys/kernel/debug/kprobes/list (kernel/kprobes.c,
// report_probe): address, k or r, symbol+offset, module, flags in brackets.
type KprobeRow struct {
	Kind    string       `json:"kind"` // "kprobe"
	Address jsonl.Text   `json:"address"`
	Type    jsonl.Text   `json:"type"` // k: kprobe, r: kretprobe
	Symbol  jsonl.Text   `json:"symbol"`
	Module  jsonl.Text   `json:"module,omitempty"`
	Flags   []jsonl.Text `json:"flags,omitempty"` // DISABLED, OPTIMIZED, FTRACE, GONE
}

func parseKprobes(text string) (rows []KprobeRow) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 || len(rows) >= 1<<16 {
			continue
		}
		row := KprobeRow{Kind: "kprobe", Address: jsonl.Text(f[0]), Type: jsonl.Text(f[1]), Symbol: jsonl.Text(f[2])}
		for _, x := range f[3:] {
			if strings.HasPrefix(x, "[") {
				row.Flags = append(row.Flags, jsonl.Text(strings.Trim(x, "[]")))
			} else {
				row.Module = jsonl.Text(x)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// factSource names one fact: kind, name and the file that tells it.
type factSource struct{ kind, name, file string }

func factSources() []factSource {
	return []factSource{
		{"command_line", "command_line", "/proc/cmdline"},
		{"command_line", "bootconfig", "/proc/bootconfig"},
		{"taint", "tainted", "/proc/sys/kernel/tainted"},
		{"lsm", "lsm", "/sys/kernel/security/lsm"},
		{"lsm", "lockdown", "/sys/kernel/security/lockdown"},
		{"lsm", "selinux_enforce", "/sys/fs/selinux/enforce"},
		{"lsm", "selinux_policy_version", "/sys/fs/selinux/policyvers"},
		{"lsm", "apparmor_enabled", "/sys/module/apparmor/parameters/enabled"},
		{"lsm", "apparmor_mode", "/sys/module/apparmor/parameters/mode"},
		{"lsm", "yama_ptrace_scope", "/proc/sys/kernel/yama/ptrace_scope"},
		{"lsm", "ima_violations", "/sys/kernel/security/ima/violations"},
		{"lsm", "ima_measurements", "/sys/kernel/security/ima/runtime_measurements_count"},
		{"lsm", "tomoyo_version", "/sys/kernel/security/tomoyo/version"},
		{"modules", "modules_disabled", "/proc/sys/kernel/modules_disabled"},
		{"modules", "modprobe", "/proc/sys/kernel/modprobe"},
		{"modules", "signature_enforced", "/sys/module/module/parameters/sig_enforce"},
		{"kexec", "loaded", "/sys/kernel/kexec_loaded"},
		{"kexec", "crash_loaded", "/sys/kernel/kexec_crash_loaded"},
		{"power", "states", "/sys/power/state"},
		{"power", "suspend", "/sys/power/mem_sleep"},
		{"power", "hibernation", "/sys/power/disk"},
		{"power", "resume_device", "/sys/power/resume"},
		{"power", "hibernation_image_size", "/sys/power/image_size"},
		{"firmware", "efi_platform_size", "/sys/firmware/efi/fw_platform_size"},
		{"core_dump", "core_pattern", "/proc/sys/kernel/core_pattern"},
		{"uevent", "helper", "/sys/kernel/uevent_helper"},
		{"ftrace", "enabled", "/proc/sys/kernel/ftrace_enabled"},
	}
}

// factRows reads the facts that are here; an absent one leaves no row, its raw
// item or the sysctl table says that it is absent.
func factRows(r *factReader) (rows []any) {
	for _, s := range factSources() {
		b, err := r.h.ReadFile(s.file, shortText)
		if r.tally.Add(s.file, err) != nil && len(b) == 0 {
			continue
		}
		row := FactRow{Kind: s.kind, Name: s.name, Source: jsonl.Text(s.file), Value: jsonl.Text(strings.TrimSuffix(string(b), "\n"))}
		switch s.name {
		case "tainted":
			row.Means = jsonl.Texts(kernelTaint(string(b)))
		case "lsm":
			row.Means = jsonl.Texts(strings.Split(string(row.Value), ","))
		case "command_line":
			row.Means = jsonl.Texts(strings.Fields(string(b)))
		}
		rows = append(rows, row)
	}
	return append(append(rows, firmwareRows(r)...), patchRows(r)...)
}

// firmwareRows says which tables of the firmware are there, and the state of
// Secure Boot: UEFI specification 2.10 section 3.3, one byte after the four of
// attributes that efivarfs puts in front (Documentation/filesystems/efivarfs.rst).
func firmwareRows(r *factReader) (rows []any) {
	for _, dir := range []string{"/sys/firmware", "/sys/firmware/acpi/tables", "/sys/firmware/dmi/tables", "/sys/firmware/efi"} {
		if names := r.names(dir, 1024); len(names) > 0 {
			rows = append(rows, FactRow{"firmware", "present", jsonl.Text(dir), jsonl.Text(strings.Join(names, " ")), nil})
		}
	}
	const guid = "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	for _, v := range []string{"SecureBoot", "SetupMode", "AuditMode", "DeployedMode"} {
		name := "/sys/firmware/efi/efivars/" + v + guid
		b, err := r.h.ReadFile(name, shortText)
		if r.tally.Add(name, err) != nil {
			continue
		}
		means := "malformed"
		if len(b) == 5 && b[4] <= 1 {
			means = []string{"off", "on"}[b[4]]
		}
		rows = append(rows, FactRow{"secure_boot", v, jsonl.Text(name), jsonl.Text(hex.EncodeToString(b)), jsonl.Texts([]string{means})})
	}
	return rows
}

func patchRows(r *factReader) (rows []any) {
	for _, n := range r.names("/sys/kernel/livepatch", 1024) {
		dir := "/sys/kernel/livepatch/" + n
		rows = append(rows, FactRow{"livepatch", n, jsonl.Text(dir), r.text(dir + "/enabled"), nil})
	}
	return rows
}

// traceDirs finds tracefs and debugfs where they are mounted already. Nothing is
// looked up below /sys/kernel/debug/tracing otherwise: that would mount tracefs.
func traceDirs(r *factReader) (tracing, debug []string) {
	mounts := r.mounts()
	for _, m := range mounts {
		switch {
		case m.Type == "tracefs" && !slices.Contains(tracing, m.Point):
			tracing = append(tracing, m.Point)
		case m.Type == "debugfs" && !slices.Contains(debug, m.Point):
			debug = append(debug, m.Point)
		}
	}
	return tracing, debug
}

// traceFiles are the files of tracefs that are short and change nothing when
// read (Documentation/trace/ftrace.rst); trace and trace_pipe are not among them.
func traceFiles() []string {
	return []string{
		"current_tracer", "available_tracers", "tracing_on", "trace_clock", "enabled_functions", "touched_functions",
		"kprobe_events", "kprobe_profile", "uprobe_events", "uprobe_profile", "dynamic_events", "synthetic_events",
		"set_event", "set_event_pid", "set_ftrace_filter", "set_ftrace_notrace", "set_ftrace_pid", "set_graph_function", "error_log",
	}
}

// traceRows gives one row per line of the lists of hooks, and the instances.
func traceRows(r *factReader) (rows []any) {
	tracing, debug := traceDirs(r)
	for _, dir := range tracing {
		for _, f := range []string{"current_tracer", "tracing_on", "enabled_functions", "kprobe_events", "uprobe_events", "dynamic_events", "set_event"} {
			for line := range strings.Lines(r.long(dir + "/" + f)) {
				if len(rows) < 1<<17 {
					rows = append(rows, FactRow{"ftrace", f, jsonl.Text(dir + "/" + f), jsonl.Text(strings.TrimSuffix(line, "\n")), nil})
				}
			}
		}
		for _, n := range r.names(dir+"/instances", 1024) {
			at := dir + "/instances/" + n
			rows = append(rows, FactRow{"ftrace", "instance", jsonl.Text(at), r.text(at + "/current_tracer"), nil})
		}
	}
	for _, dir := range debug {
		for _, k := range parseKprobes(r.long(dir + "/kprobes/list")) {
			rows = append(rows, k)
		}
	}
	return rows
}
