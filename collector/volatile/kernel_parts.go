package volatile

import (
	"bufio"
	"bytes"
	"io"
	"path"
	"strings"

	"hozen/collector"
	"hozen/collector/proc"
)

// kernelParts answers whether a part of the kernel is there already. It is asked
// before every system call that would otherwise make the kernel look for a
// module: it would start /sbin/modprobe (a child process on the examined host)
// and change the kernel. The answers are kept; use one value for a collection.
type kernelParts struct {
	h         *collector.Host
	loaded    map[string]bool // from /proc/modules
	builtin   map[string]bool // from modules.builtin; nil if that file cannot be read
	symbols   map[string]bool // functions *_init of the kernel; nil until asked for
	noStarter string          // why the kernel can start nothing at all; "" if it can
}

const maxModuleTable = 16 << 20

// newKernelParts reads the small tables; the kernel's symbols are read only if
// an answer needs them.
func newKernelParts(h *collector.Host) *kernelParts {
	k := &kernelParts{h: h, loaded: map[string]bool{}}
	text, _ := h.ReadFile("/proc/modules", maxModuleTable)
	for line := range bytes.Lines(text) {
		name, _, _ := bytes.Cut(line, []byte{' '})
		k.loaded[string(name)] = true
	}
	k.noStarter = starterless(h)
	if release, err := h.ReadFile("/proc/sys/kernel/osrelease", 1<<10); err == nil {
		r := string(bytes.TrimSpace(release))
		if r != "" && !strings.ContainsAny(r, "/\x00") {
			if text, err := h.ReadFile("/lib/modules/"+r+"/modules.builtin", maxModuleTable); err == nil {
				k.builtin = builtinModules(text)
			}
		}
	}
	return k
}

// starterless says why the kernel cannot start a module loader: it is built
// without modules, or kernel.modprobe is empty (admin-guide/sysctl/kernel.rst).
// kernel.modules_disabled is no reason: the loader is started all the same and
// fails (kernel/module/kmod.c, __request_module looks at the path alone).
func starterless(h *collector.Host) string {
	if _, err := h.ReadFile("/proc/sys/kernel/osrelease", 1<<10); err != nil {
		return "" // without /proc/sys nothing can be said
	}
	text, err := h.ReadFile("/proc/sys/kernel/modprobe", 1<<12)
	if err != nil {
		if _, gone := h.Lstat("/proc/sys/kernel/modprobe"); gone != nil {
			return "the kernel has no loadable modules"
		}
		return ""
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return "kernel.modprobe is empty: the kernel starts no module loader"
	}
	return ""
}

// builtinModules reads modules.builtin: a path a line, "kernel/net/ipv4/tcp_diag.ko".
func builtinModules(text []byte) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(path.Base(strings.TrimSpace(line)), ".ko")
		out[moduleName(name)] = true
	}
	return out
}

// moduleName gives the kernel's own spelling, with _ for -.
func moduleName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// has says whether asking for what the module gives can be done without the
// kernel looking for it, and why or why not: it is loaded, built in, or the
// kernel can start nothing (then asking for an absent part just fails).
func (k *kernelParts) has(module string) (bool, string) {
	module = moduleName(module)
	if !k.h.Live {
		return false, "not a live host"
	}
	if k.noStarter != "" {
		return true, k.noStarter
	}
	if k.loaded[module] {
		return true, "module " + module + " is loaded"
	}
	if _, err := k.h.Lstat("/sys/module/" + module); err == nil {
		return true, "module " + module + " is in the kernel"
	}
	if k.builtin != nil {
		if k.builtin[module] {
			return true, "module " + module + " is built in"
		}
		return false, "module " + module + " is not loaded, and asking would load it"
	}
	if k.symbols == nil {
		k.symbols = initSymbols(k.h)
	}
	if k.symbols[initSymbol(module)] {
		return true, "module " + module + " is in the kernel's symbols"
	}
	return false, "module " + module + " is not known to be in the kernel, and asking might load it"
}

// initSymbol is the function by which a part of the kernel starts, where that is
// not NAME_init.
func initSymbol(module string) string {
	switch module {
	case "af_packet_diag":
		return "packet_diag_init"
	case "nf_conntrack_netlink":
		return "ctnetlink_init"
	case "nf_tables":
		return "nf_tables_module_init"
	}
	return module + "_init"
}

// initSymbols streams /proc/kallsyms (some 10 MiB) and keeps names that end in _init.
func initSymbols(h *collector.Host) map[string]bool {
	out := map[string]bool{}
	f, err := h.Open("/proc/kallsyms")
	if err != nil {
		return out
	}
	defer f.Close()
	sc := bufio.NewScanner(io.LimitReader(f, 256<<20))
	for sc.Scan() {
		line, _, _ := bytes.Cut(sc.Bytes(), []byte{'\t'})
		if bytes.HasSuffix(line, []byte("_init")) && len(out) < 1<<17 {
			out[string(line[bytes.LastIndexByte(line, ' ')+1:])] = true
		}
	}
	return out
}

// netlinkFamilyHere says whether a netlink family is registered in the namespace
// that a /proc/net/netlink text shows: then the kernel's own socket is in it,
// with port 0. Opening a socket of a family that is not makes the kernel look
// for a module (net/netlink/af_netlink.c, netlink_create).
func netlinkFamilyHere(text []byte, family int) bool {
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) < 3 || len(f[2]) != 1 || f[2][0] != '0' {
			continue
		}
		if n, ok := proc.Number(f[1]); ok && n == uint64(family) {
			return true
		}
	}
	return false
}
