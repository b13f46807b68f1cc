package indicators

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/volatile"
)

// hiddenModules compares everything that names a module, and the memory that
// modules have, with the lists of modules.
func hiddenModules(v *kernelView) (out []finding) {
	listed := map[string]*volatile.ModuleRow{}
	for i := range v.modules {
		m := &v.modules[i]
		listed[string(m.Name)] = m
		if f, ok := halfListed(m); ok {
			out = append(out, f)
		}
	}
	named := v.namedModules()
	for _, name := range sortedNames(named) {
		if m := listed[name]; m == nil || m.BuiltIn {
			out = append(out, unlisted(name, named[name]))
		}
	}
	if f, ok := moduleMemory(v); ok {
		out = append(out, f)
	}
	return out
}

// halfListed looks at one module that some of the three lists leave out.
func halfListed(m *volatile.ModuleRow) (finding, bool) {
	if m.BuiltIn || len(m.Missing) == 0 || moving(m) {
		return finding{}, false
	}
	f := finding{id: "kernel-module-hidden", object: "module " + string(m.Name),
		seen: fmt.Sprintf("module %s is in %s, but not in %s", m.Name, strings.Join(m.Views, " and "), strings.Join(m.Missing, " and "))}
	if slices.Equal(m.Missing, []string{"kallsyms"}) {
		f.level = memory.Medium // a module without symbols hides nothing by that alone
	}
	for _, source := range m.Views {
		f.views = append(f.views, memory.View{Source: source, Says: "listed"})
	}
	for _, source := range m.Missing {
		f.views = append(f.views, memory.View{Source: source, Says: "not listed"})
	}
	return f, true
}

// moving says that a module is being loaded or removed.
func moving(m *volatile.ModuleRow) bool {
	return m.State != "" && m.State != "Live" || m.InitState != "" && m.InitState != "live"
}

func unlisted(name string, sources []string) finding {
	f := finding{id: "kernel-module-hidden", object: "module " + name,
		seen: fmt.Sprintf("%s names a module %s, which neither /proc/modules nor /sys/module shows", strings.Join(sources, " and "), name)}
	for _, source := range sources {
		f.views = append(f.views, memory.View{Source: source, Says: jsonl.Text("module " + name)})
	}
	f.views = append(f.views, memory.View{Source: "/proc/modules", Says: "not listed"}, memory.View{Source: "/sys/module", Says: "not listed"})
	return f
}

// namedModules gives, for every module that something else than the three lists
// names, what does. The symbols that ftrace gives come from the kernel's tree of
// modules, which one that took itself off the list is still in.
func (v *kernelView) namedModules() map[string][]string {
	out := map[string][]string{}
	add := func(name, source string) {
		if name != "" && !strings.HasPrefix(name, "__builtin__") && name != "bpf" && name != "vmlinux" && !slices.Contains(out[name], source) && len(out) < 1<<14 {
			out[name] = append(out[name], source)
		}
	}
	if v.tracing != "" {
		for _, f := range []string{"available_filter_functions", "enabled_functions", "touched_functions"} {
			file := v.tracing + "/" + f
			eachTag(v.trace(f), func(name string) { add(name, file) })
		}
	}
	for _, k := range v.kprobes() {
		add(string(k.Module), v.debug+"/kprobes/list")
	}
	for _, name := range v.btf {
		add(name, "/sys/kernel/btf")
	}
	for _, name := range v.bpf.Modules {
		add(name, "BPF_BTF_GET_NEXT_ID")
	}
	for _, m := range v.modules {
		for _, h := range m.Holders {
			add(string(h), "/sys/module/"+string(m.Name)+"/holders")
		}
		for _, u := range m.UsedBy {
			if u != "[permanent]" {
				add(string(u), "/proc/modules, users of "+string(m.Name))
			}
		}
	}
	return out
}

// eachTag calls f with the names of modules in brackets that follow a symbol:
// "func [name]".
func eachTag(text string, f func(string)) {
	last := ""
	for line := range strings.Lines(text) {
		for rest := line; ; {
			_, after, ok := strings.Cut(rest, " [")
			if !ok {
				break
			}
			name, tail, ok := strings.Cut(after, "]")
			if ok && name != last && moduleWord(name) {
				f(name)
				last = name
			}
			rest = tail
		}
	}
}

func moduleWord(s string) bool {
	return s != "" && len(s) < 64 && !strings.ContainsAny(s, " \t/[")
}

// A vmArea is a line of /proc/vmallocinfo (mm/vmalloc.c, s_show).
type vmArea struct {
	start, size uint64 // the address is a hash where kptr_restrict is 0
	caller      string
}

func parseVMArea(line string) (a vmArea, ok bool) {
	f := strings.Fields(line)
	if len(f) < 3 {
		return a, false
	}
	from, _, ok := strings.Cut(f[0], "-")
	start, err1 := strconv.ParseUint(strings.TrimPrefix(from, "0x"), 16, 64)
	size, err2 := strconv.ParseUint(f[1], 10, 64)
	a.caller, _ = function(f[2])
	return vmArea{start, size, a.caller}, ok && err1 == nil && err2 == nil
}

const pageBytes = 4096

// moduleMemory compares how much memory was taken for modules with how much the
// listed ones have. Where the kernel takes memory for modules and for other code
// by one function (execmem, from Linux 6.10), nothing can be said.
func moduleMemory(v *kernelView) (finding, bool) {
	var taken, owned uint64
	var areas []uint64
	for line := range strings.Lines(v.texts.get("/proc/vmallocinfo")) {
		a, ok := parseVMArea(line)
		if !ok || !slices.Contains([]string{"load_module", "move_module", "layout_and_allocate", "module_memory_alloc"}, a.caller) || a.size < 2*pageBytes {
			continue
		}
		areas = append(areas, a.size-pageBytes) // without the guard page
		taken += a.size - pageBytes
	}
	for _, m := range v.modules {
		if moving(&m) {
			return finding{}, false // what its first functions need is freed later
		}
		owned += (uint64(m.Size) + pageBytes - 1) &^ (pageBytes - 1)
	}
	if len(areas) == 0 || taken <= owned || !v.texts.read["/proc/modules"] {
		return finding{}, false
	}
	return finding{id: "kernel-module-hidden", object: fmt.Sprintf("%d bytes of module memory", taken-owned),
		seen: fmt.Sprintf("%d bytes are taken for modules, in %d pieces; the listed modules have %d: %d bytes belong to none", taken, len(areas), owned, taken-owned),
		views: []memory.View{{Source: "/proc/vmallocinfo", Says: jsonl.Text(fmt.Sprintf("%d bytes by load_module", taken))},
			{Source: "/proc/modules", Says: jsonl.Text(fmt.Sprintf("%d bytes in all", owned))}}}, true
}

// knownForeign are modules from outside the kernel's tree that many healthy
// machines have.
const knownForeign = " nvidia nvidia_uvm nvidia_modeset nvidia_drm nvidia_peermem vboxdrv vboxnetflt vboxnetadp vboxpci vboxguest vboxsf vboxvideo " +
	"vmmon vmnet zfs spl zunicode znvpair zavl icp zcommon zlua zzstd wireguard wl v4l2loopback acpi_call bbswitch tp_smapi xt_NDPI falco scap " +
	"falcon_lsm_serviceable falcon_nf_netcontain falcon_kal lkrg p_lkrg ena efa gve lustre openafs evdi rapl_msr amdgpu "

// unsignedModules reports modules that taint; files are the names in modules.dep,
// nil where that was not read.
func unsignedModules(v *kernelView, files map[string]bool) (out []finding) {
	for _, m := range v.modules {
		letters := strings.Trim(string(m.Taint), "+-")
		if m.BuiltIn || !strings.ContainsAny(letters, "POFER") {
			continue
		}
		f := finding{id: "kernel-module-unsigned", object: "module " + string(m.Name),
			seen: fmt.Sprintf("module %s taints the kernel: %s", m.Name, strings.Join(volatile.ModuleTaint(m.Taint), ", "))}
		known := strings.Contains(knownForeign, " "+string(m.Name)+" ")
		switch {
		case files != nil && !files[string(m.Name)]:
			f.level = memory.Medium
			f.seen += "; no file of the kernel's modules has its name"
		case known:
			f.explained = "a driver that many machines have, and its file is among the kernel's modules"
		}
		out = append(out, f)
	}
	return out
}

// moduleFiles gives the names of the modules that modules.dep lists; nil where it
// cannot be read.
func moduleFiles(s *survey) map[string]bool {
	release, err := s.host.ReadFile("/proc/sys/kernel/osrelease", limitText)
	r := strings.TrimSpace(string(release))
	if err != nil || r == "" || strings.ContainsAny(r, "/\x00") {
		return nil
	}
	text, err := s.host.ReadFile("/lib/modules/"+r+"/modules.dep", limitKernelText)
	if err != nil {
		return nil
	}
	return depNames(string(text))
}

// depNames reads modules.dep(5): "kernel/fs/fuse/fuse.ko.xz: …".
func depNames(text string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(text) {
		file, _, ok := strings.Cut(line, ":")
		name, _, ko := strings.Cut(path.Base(file), ".ko")
		if ok && ko {
			out[strings.ReplaceAll(name, "-", "_")] = true
		}
	}
	return out
}

// taintOf reports what the kernel says of modules that no module shows now.
func taintOf(v *kernelView) (out []finding) {
	const file = "/proc/sys/kernel/tainted"
	mask := v.texts.get(file)
	carried := ""
	for _, m := range v.modules {
		carried += string(m.Taint)
	}
	for _, means := range volatile.TaintLetters(mask) {
		letter, _, _ := strings.Cut(means, ":")
		f := finding{id: "kernel-taint", object: "taint " + letter, seen: "the kernel is tainted, " + means}
		switch {
		case !strings.Contains("PFROEC", letter):
			f.explained = "this letter is not of a module's origin"
		case strings.Contains(carried, letter):
			f.explained = "a listed module has this letter"
		default:
			f.seen += ", but no listed module has that letter"
			f.views = []memory.View{{Source: file, Says: jsonl.Text(means)}, {Source: "/proc/modules", Says: "no module with it"}}
		}
		out = append(out, f)
	}
	return out
}

func sortedNames(m map[string][]string) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
