package indicators

import (
	"slices"
	"time"

	"hozen/collector/memory"
	"hozen/collector/volatile"
)

func kernelKinds() []Kind {
	return []Kind{
		{ID: "kernel-module-hidden", Technique: "T1014", Level: memory.High,
			Doc:    "a loaded module, or memory of one, that not every list of modules shows",
			Benign: []string{"a module that was being loaded or removed while the lists were read"}},
		{ID: "kernel-module-unsigned", Technique: "T1547.006", Level: memory.Low,
			Doc:    "a loaded module that is not signed, not of the kernel's own tree, or was forced; medium where its file is not among the kernel's",
			Benign: []string{"drivers built by DKMS: NVIDIA, VirtualBox, ZFS, WireGuard on old kernels", "security products with a module of their own"}},
		{ID: "kernel-taint", Technique: "T1547.006", Level: memory.Medium,
			Doc:    "the kernel says that a module was loaded that no list shows now, or forced",
			Benign: []string{"a driver that was loaded and removed since the start of the machine"}},
		{ID: "kernel-bpf-program", Technique: "T1014", Level: memory.Medium,
			Doc:    "an eBPF program of a kind that can watch, change or hide what programs see; high where it writes into programs or changes what functions return",
			Benign: []string{"systemd's and container runtimes' rules for control groups", "tracers, network and security products: bpftrace, Cilium, Falco, Tetragon"}},
		{ID: "kernel-bpf-hidden", Technique: "T1014", Level: memory.High,
			Doc:    "an eBPF program that one view shows and the kernel's list of programs does not",
			Benign: []string{"a program that was loaded or unloaded while the views were read"}},
		{ID: "kernel-kprobe", Technique: "T1014", Level: memory.Medium,
			Doc:    "a probe on a function of the kernel; high on system calls and on what lists files, processes, sockets and modules, where no tracer that is known set it",
			Benign: []string{"perf, bpftrace, SystemTap, LTTng", "LKRG and security products"}},
		{ID: "kernel-ftrace-hook", Technique: "T1014", Level: memory.Medium,
			Doc:    "a function of the kernel that calls another first; high where that is in no listed module, or may change where the function goes",
			Benign: []string{"live patches", "tracers, eBPF programs on function entry"}},
		{ID: "kernel-syscall-path", Technique: "T1014", Level: memory.High,
			Doc:    "the table of system calls, or the first instructions of a function on their way, lead out of the kernel's own text",
			Benign: []string{"probes and tracers, which the lists of probes and of ftrace then show, too"}},
	}
}

// A kernelView is one look at the kernel, by every view of it.
type kernelView struct {
	symbols symbolTable
	modules []volatile.ModuleRow
	bpf     volatile.BPFObjects
	held    map[uint32][]string // ids of programs that file descriptors show, and whose they are
	texts   *textSet
	tracing string   // where tracefs is mounted; "" if it is not
	debug   string   // and debugfs
	patches []string // names in /sys/kernel/livepatch
	btf     []string // and in /sys/kernel/btf: vmlinux and modules
	bpfRead bool
	member  string // of the archive: the texts
	table   string // and the rows of modules and programs
}

// members gives what was put of a look: an empty table proves nothing.
func (v *kernelView) members() []string {
	if v.table == "" {
		return []string{v.member}
	}
	return []string{v.member, v.table}
}

// kernelAgain is how long the second look waits: what is being loaded or removed
// is there or gone by then.
const kernelAgain = 300 * time.Millisecond

// checkKernel compares the views of the kernel.
func checkKernel(s *survey) {
	v := lookAtKernel(s, "kernel")
	hidden := slices.Concat(hiddenModules(v), hiddenBPF(v))
	if len(hidden) > 0 && s.wait(kernelAgain) {
		second := lookAtKernel(s, "kernel-again")
		for _, f := range inBoth(hidden, slices.Concat(hiddenModules(second), hiddenBPF(second))) {
			f.evidence = slices.Concat(v.members(), second.members())
			s.report(f)
		}
	}
	loaded := bpfPrograms(v, s.seen)
	if v.bpfRead {
		s.programs = programs{}
		for i, f := range loaded {
			s.programs[v.bpf.Programs[i].ID] = f
		}
	}
	for _, f := range slices.Concat(unsignedModules(v, moduleFiles(s)), taintOf(v), loaded, kprobeHooks(v), ftraceHooks(v)) {
		f.evidence = append(f.evidence, v.members()...)
		s.report(f)
	}
	checkSyscallPath(s, v)
}

// inBoth gives the findings of the first look that the second has, too.
// Not inlined, for the size of the program.
//
//go:noinline
func inBoth(first, second []finding) (out []finding) {
	for _, f := range first {
		for _, g := range second {
			if f.id == g.id && f.object == g.object {
				out = append(out, f)
				break
			}
		}
	}
	return out
}
