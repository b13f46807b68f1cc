package indicators

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/volatile"
)

// viewOf makes a look at the kernel from texts; tracefs is /t, debugfs /d.
func viewOf(texts map[string]string) *kernelView {
	read := map[string]bool{}
	for _, name := range []string{"/proc/modules", "/proc/vmallocinfo", "/proc/sys/kernel/tainted", "/t/available_filter_functions", "/t/enabled_functions",
		"/t/touched_functions", "/t/kprobe_events", "/t/dynamic_events", "/t/current_tracer", "/d/kprobes/list"} {
		if _, ok := texts[name]; !ok {
			texts[name] = ""
		}
		read[name] = true
	}
	return &kernelView{tracing: "/t", debug: "/d", texts: &textSet{text: texts, read: read}, bpfRead: true}
}

// brief writes findings as "id level object", as the table of rows would have them.
func brief(found []finding) (out []string) {
	kinds := kindsByID()
	for _, f := range found {
		r := f.row(kinds, nil, nil)
		out = append(out, r.ID+" "+r.Level.String()+" "+string(r.Object))
	}
	return out
}

func expect(t *testing.T, found []finding, want ...string) {
	t.Helper()
	if got := brief(found); !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func module(name string, missing ...string) volatile.ModuleRow {
	return volatile.ModuleRow{Name: jsonl.Text(name), Views: []string{"sysfs"}, Missing: missing, State: "Live", InitState: "live", Size: 16384}
}

func TestHiddenModules(t *testing.T) {
	for name, c := range map[string]struct {
		texts   map[string]string
		modules []volatile.ModuleRow
		want    []string
	}{
		"nothing": {texts: map[string]string{}, modules: []volatile.ModuleRow{module("fuse")}},
		"in sysfs only": {texts: map[string]string{}, modules: []volatile.ModuleRow{module("rk", "proc_modules", "kallsyms")},
			want: []string{"kernel-module-hidden high module rk"}},
		"without symbols": {texts: map[string]string{}, modules: []volatile.ModuleRow{module("rk", "kallsyms")},
			want: []string{"kernel-module-hidden medium module rk"}},
		"being loaded": {texts: map[string]string{}, modules: []volatile.ModuleRow{{Name: "x", State: "Loading", Missing: []string{"sysfs"}}}},
		// a Debian guest (Linux 6.1) with a module that left the list and sysfs
		"ftrace still knows": {texts: map[string]string{"/t/available_filter_functions": "do_one_initcall\nhidemod_work [hidemod]\nfuse_open [fuse]\n"},
			modules: []volatile.ModuleRow{module("fuse")}, want: []string{"kernel-module-hidden high module hidemod"}},
		"its callback": {texts: map[string]string{"/t/enabled_functions": "__x64_sys_kill (1) R I     \ttramp: 0xffffffffc0a5d000 (thunk+0x0/0x30 [rk]) ->ftrace_ops_assist_func+0x0/0x110\n"},
			want: []string{"kernel-module-hidden high module rk"}},
		"its memory": {texts: map[string]string{"/proc/vmallocinfo": "0x00000000591ffcc4-0x00000000d318208b   20480 load_module+0x9d0/0x1f0 pages=4 vmalloc N0=4\n" +
			"0x00000000591ffcc5-0x00000000d318208c   20480 kernel_clone+0xbf/0x430 pages=4 vmalloc\n"}, want: []string{"kernel-module-hidden high 16384 bytes of module memory"}},
		"all memory owned": {texts: map[string]string{"/proc/vmallocinfo": "0x1-0x2   20480 load_module+0x9d0/0x1f0 pages=4 vmalloc N0=4\n"}, modules: []volatile.ModuleRow{module("fuse")}},
		"a user nobody knows": {texts: map[string]string{}, modules: []volatile.ModuleRow{{Name: "a", State: "Live", UsedBy: []jsonl.Text{"b", "[permanent]"}}},
			want: []string{"kernel-module-hidden high module b"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := viewOf(c.texts)
			v.modules = c.modules
			expect(t, hiddenModules(v), c.want...)
		})
	}
}

func TestModulesThatTaint(t *testing.T) {
	v := viewOf(map[string]string{"/proc/sys/kernel/tainted": "12801\n"}) // P, W, O, E
	v.modules = []volatile.ModuleRow{{Name: "rk", Taint: "OE"}, {Name: "zfs", Taint: "POE"}, {Name: "fuse"}, {Name: "dkms_thing", Taint: "OE"}}
	files := depNames("updates/dkms/zfs.ko.xz: updates/dkms/spl.ko\nupdates/dkms/dkms-thing.ko:\nkernel/fs/fuse/fuse.ko:\n")
	expect(t, unsignedModules(v, files), "kernel-module-unsigned medium module rk", "kernel-module-unsigned low module zfs", "kernel-module-unsigned low module dkms_thing")
	expect(t, taintOf(v), "kernel-taint low taint P", "kernel-taint low taint W", "kernel-taint low taint O", "kernel-taint low taint E")
	v.modules = nil
	expect(t, taintOf(v), "kernel-taint medium taint P", "kernel-taint low taint W", "kernel-taint medium taint O", "kernel-taint medium taint E")
}

func TestBPFPrograms(t *testing.T) {
	base, probeWrite := uint64(0xffffffff814ca810), uint64(0xffffffff81300000)
	call := make([]byte, 16)
	call[0], call[8] = 0xb7, 0x85
	binary.NativeEndian.PutUint32(call[12:], uint32(probeWrite-base))
	program := func(id uint32, typ, name string, xlated []byte) volatile.BPFProgram {
		return volatile.BPFProgram{BPFProgramRow: volatile.BPFProgramRow{ID: id, Type: typ, Name: jsonl.Text(name), Tag: "54c1abe6e18fc39c"}, Xlated: xlated}
	}
	v := viewOf(map[string]string{})
	v.symbols.addr = map[string]uint64{"__bpf_call_base": base, "bpf_probe_write_user": probeWrite}
	v.bpf.Programs = []volatile.BPFProgram{
		program(2, "cgroup_device", "sd_devices", nil), program(3, "kprobe", "x", nil), program(4, "tracepoint", "y", call),
		program(5, "cgroup_skb", "mine", nil), program(6, "kprobe", "sensor", call), program(7, "kprobe", "liar", nil),
	}
	holder := func(p *volatile.BPFProgram, pid int) { p.Holders = []volatile.BPFHolder{{PID: pid, FD: 3}} }
	holder(&v.bpf.Programs[4], 40)
	holder(&v.bpf.Programs[5], 50)
	seen := map[int]*summary{40: {Subject: memory.Subject{PID: 40, Exe: "/usr/bin/tetragon"}, installed: true}, 50: {Subject: memory.Subject{PID: 50, Exe: "/tmp/tetragon"}}}
	expect(t, bpfPrograms(v, seen), "kernel-bpf-program low bpf program 2", "kernel-bpf-program medium bpf program 3", "kernel-bpf-program high bpf program 4",
		"kernel-bpf-program low bpf program 5", "kernel-bpf-program low bpf program 6", "kernel-bpf-program medium bpf program 7")
}

func TestHiddenBPF(t *testing.T) {
	v := viewOf(map[string]string{})
	v.symbols.labels = map[string][]symbol{"bpf": {{"bpf_prog_47dd357395126b0c_sd_devices", 1}, {"bpf_trampoline_1", 2}}}
	v.bpf.Programs = []volatile.BPFProgram{{BPFProgramRow: volatile.BPFProgramRow{ID: 2, Tag: "47dd357395126b0c"}}}
	expect(t, hiddenBPF(v))
	v.held = map[uint32][]string{9: {"pid 7 (x) fd 3"}, 2: {"pid 1 (systemd) fd 9"}}
	v.bpf.Links = []volatile.BPFLinkRow{{ID: 1, Type: "xdp", ProgramID: 8}, {ID: 2, ProgramID: 2}}
	v.symbols.labels["bpf"] = append(v.symbols.labels["bpf"], symbol{"bpf_prog_6deef7357e7b4530_evil", 3})
	expect(t, hiddenBPF(v), "kernel-bpf-hidden high bpf program 8", "kernel-bpf-hidden high bpf program 9", "kernel-bpf-hidden medium compiled eBPF functions")
	v.bpfRead = false
	expect(t, hiddenBPF(v))
}

func TestKprobeHooks(t *testing.T) {
	const list = "ffffffff9cb7d0a0  k  filldir64+0x0    [FTRACE]\nffffffff9cb7d0b0  r  do_nothing+0x0    \n"
	expect(t, kprobeHooks(viewOf(map[string]string{"/d/kprobes/list": list})),
		"kernel-kprobe high kprobe filldir64+0x0 ffffffff9cb7d0a0", "kernel-kprobe medium kprobe do_nothing+0x0 ffffffff9cb7d0b0")
	expect(t, kprobeHooks(viewOf(map[string]string{"/d/kprobes/list": list, "/t/kprobe_events": "p:kprobes/a filldir64\nr8:kprobes/b do_nothing+0\n"})),
		"kernel-kprobe low kprobe filldir64+0x0 ffffffff9cb7d0a0", "kernel-kprobe low kprobe do_nothing+0x0 ffffffff9cb7d0b0")
	v := viewOf(map[string]string{"/d/kprobes/list": list})
	v.modules = []volatile.ModuleRow{{Name: "stap_1234"}}
	expect(t, kprobeHooks(v), "kernel-kprobe medium kprobe filldir64+0x0 ffffffff9cb7d0a0", "kernel-kprobe low kprobe do_nothing+0x0 ffffffff9cb7d0b0")
}

func TestFtraceHooks(t *testing.T) {
	v := viewOf(map[string]string{"/t/current_tracer": "nop\n", "/t/enabled_functions": "" +
		"__x64_sys_getdents64 (1) R I     \ttramp: 0xffffffffc0a5d000 (fh_thunk+0x0/0x30 [rk]) ->ftrace_ops_assist_func+0x0/0x110\n" +
		"kernel_clone (1)           \ttramp: 0xffffffffc0a5e000 (0xffffffffc0777000) ->ftrace_ops_assist_func+0x0/0x110\n" +
		"filldir64 (1) R     \ttramp: 0xffffffffc0a5f000 (kprobe_ftrace_handler+0x0/0x1d0) ->kprobe_ftrace_handler+0x0/0x1d0\n" +
		"security_file_open (1)   D   \n\tdirect-->bpf_trampoline_6442499893+0x0/0x100\n" +
		"schedule (1)           \t->lkm_watch+0x0/0x10 [other]\n" +
		"meminfo_proc_show (1) R I     \ttramp: 0xffffffffc0a60000 (klp_ftrace_handler+0x0/0x1a0) ->ftrace_ops_assist_func+0x0/0x110\n"})
	v.patches = []string{"kpatch_1"}
	expect(t, ftraceHooks(v), "kernel-ftrace-hook high ftrace callback fh_thunk+0x0/0x30 [rk]", "kernel-ftrace-hook high ftrace callback 0xffffffffc0777000",
		"kernel-ftrace-hook low ftrace callback kprobe_ftrace_handler+0x0/0x1d0", "kernel-ftrace-hook low ftrace callback bpf_trampoline_6442499893+0x0/0x100",
		"kernel-ftrace-hook medium ftrace callback lkm_watch+0x0/0x10 [other]", "kernel-ftrace-hook low ftrace callback klp_ftrace_handler+0x0/0x1a0")
}

func TestParseSymbols(t *testing.T) {
	const text = "ffffffff81000000 T _stext\nffffffff81100000 t __pfx_filldir64\nffffffff81100010 t filldir64\nffffffff82209988 T _etext\n" +
		"ffffffff82400000 D sys_call_table\nffffffff82400010 D sys_call_table\nffffffff82401000 d x32\nnot a line\nffffffffc014b7b0 t bpf_prog_47dd_x\t[bpf]\n" +
		"ffffffffc0000000 t ftrace_trampoline\t[__builtin__ftrace]\nffffffffc0300000 t a\t[fuse]\nffffffffc0300010 t b\t[fuse]\n"
	s, err := parseSymbols(strings.NewReader(text))
	if err != nil || !s.whole || !s.shown {
		t.Fatalf("%+v %v", s, err)
	}
	if s.addr["filldir64"] != 0xffffffff81100010 || s.addr["_etext"] != 0xffffffff82209988 || s.end["sys_call_table"] != 0xffffffff82400010 {
		t.Errorf("addresses %x, ends %x", s.addr, s.end)
	}
	if s.modules["fuse"] != 2 || len(s.modules) != 1 || len(s.labels["bpf"]) != 1 || len(s.labels["__builtin__ftrace"]) != 1 {
		t.Errorf("modules %v, labels %v", s.modules, s.labels)
	}
}

func FuzzKernelTexts(f *testing.F) {
	f.Add("a [b] (1) R I D\ttramp: 0x1 (f+0x0/0x1 [m]) ->g\n\tdirect-->x\n")
	f.Add("0x1-0x2 20480 load_module+0x1/0x2\n")
	f.Fuzz(func(t *testing.T, text string) {
		v := viewOf(map[string]string{"/t/enabled_functions": text, "/t/available_filter_functions": text, "/proc/vmallocinfo": text,
			"/d/kprobes/list": text, "/t/kprobe_events": text, "/proc/sys/kernel/tainted": text})
		hiddenModules(v)
		ftraceHooks(v)
		kprobeHooks(v)
		taintOf(v)
		depNames(text)
		fdinfoProgram(text)
		if _, err := parseSymbols(strings.NewReader(text)); err != nil {
			t.Error(err)
		}
		leadsTo([]byte(text), 1)
	})
}
