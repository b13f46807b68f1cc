package indicators

import (
	"fmt"
	"slices"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
)

// probingModules set kprobes or ftrace hooks on healthy machines.
const probingModules = " lkrg p_lkrg falco scap sysdig_probe lttng_tracer lttng_ftrace lttng_kprobes lttng_kretprobes falcon_kal falcon_lsm_serviceable " +
	"kpatch kpatch_core tmhook bmhook dsa_filter mfe_aac vboxdrv "

// probers gives the loaded modules that are known to set probes.
func (v *kernelView) probers() (out []string) {
	for _, m := range v.modules {
		if name := string(m.Name); !m.BuiltIn && (strings.Contains(probingModules, " "+name+" ") || strings.HasPrefix(name, "stap_")) {
			out = append(out, name)
		}
	}
	return out
}

// kprobeHooks reports every probe. The kernel does not tell who set one: those of
// tracefs are in its list of events, those of eBPF come with programs of type
// kprobe; the rest are a module's.
func kprobeHooks(v *kernelView) (out []finding) {
	if v.debug == "" {
		return nil
	}
	file := v.debug + "/kprobes/list"
	events := eventTargets(v.trace("kprobe_events") + v.trace("dynamic_events"))
	programs := 0
	for _, p := range v.bpf.Programs {
		if p.Type == "kprobe" {
			programs++
		}
	}
	for _, k := range v.kprobes() {
		name, offset := function(string(k.Symbol))
		f := finding{id: "kernel-kprobe", object: fmt.Sprintf("kprobe %s %s", k.Symbol, k.Address),
			seen:  fmt.Sprintf("a probe (%s) at %s, %v", map[jsonl.Text]string{"k": "kprobe", "r": "kretprobe"}[k.Type], k.Symbol, k.Flags),
			views: []memory.View{{Source: file, Says: jsonl.Text(fmt.Sprintf("%s %s %s", k.Address, k.Type, k.Symbol))}}}
		switch {
		case slices.Contains(events, name):
			f.explained = "set through tracefs (kprobe_events), which can look, but not change"
		case len(v.probers()) > 0 && watched(name) && offset < 16: // a module can be called anything
			f.seen += "; module " + v.probers()[0] + " is loaded, which sets probes, if it is what it is called"
		case len(v.probers()) > 0:
			f.explained = "module " + v.probers()[0] + " is loaded, which sets probes"
		case programs > 0:
			f.seen += fmt.Sprintf("; %d eBPF programs of type kprobe are loaded, it may be one's", programs)
		case watched(name) && offset < 16:
			f.level = memory.High
			f.seen += "; neither tracefs nor an eBPF program set it, so that code in the kernel did, on a function that lists, reads or takes orders"
			f.views = append(f.views, memory.View{Source: v.tracing + "/kprobe_events", Says: "not listed"}, memory.View{Source: "BPF_PROG_GET_NEXT_ID", Says: "no program of type kprobe"})
		}
		out = append(out, f)
	}
	return out
}

// eventTargets gives the functions of kprobe_events (Documentation/trace/kprobetrace.rst):
// "p:kprobes/NAME SYMBOL+offset …", "r8:GROUP/NAME MOD:SYMBOL".
func eventTargets(text string) (out []string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "" || f[0][0] != 'p' && f[0][0] != 'r' && f[0][0] != 'f' {
			continue
		}
		target := f[1]
		if _, sym, ok := strings.Cut(target, ":"); ok {
			target = sym
		}
		name, _ := function(strings.TrimSuffix(target, "%return"))
		out = append(out, name)
	}
	return out
}

// A hook is a record of enabled_functions (kernel/trace/ftrace.c, t_show).
type hook struct {
	function, module string
	registers        bool     // R: the callback sees, and may change, the registers
	ipModify         bool     // I: the callback may change where the function goes
	direct           bool     // D: without ftrace in between
	callbacks        []string // what is called: "klp_ftrace_handler+0x0/0x1a0 [mod]"; a bare address is in no module
	line             string
}

// parseHooks reads enabled_functions: "func [mod] (1) R I  \ttramp: A (CALLBACK) ->OPS",
// then perhaps a line "\tdirect-->TARGET".
func parseHooks(text string) (out []hook) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if _, target, ok := strings.Cut(line, "direct-->"); ok && len(out) > 0 && strings.HasPrefix(line, "\t") {
			h := &out[len(out)-1]
			h.direct, h.callbacks, h.line = true, append(h.callbacks, strings.TrimSpace(target)), h.line+line
			continue
		}
		head, tail, _ := strings.Cut(line, "\t")
		f := strings.Fields(head)
		if len(f) < 2 || len(out) >= 1<<17 {
			continue
		}
		h := hook{function: f[0], line: line}
		for _, x := range f[1:] {
			switch {
			case strings.HasPrefix(x, "["):
				h.module = strings.Trim(x, "[]")
			case x == "R":
				h.registers = true
			case x == "I":
				h.ipModify = true
			case x == "D":
				h.direct = true
			}
		}
		h.callbacks = callbacks(tail)
		out = append(out, h)
	}
	return out
}

// callbacks gives what stands behind "->" and in brackets behind "tramp:" and "ops:".
func callbacks(s string) (out []string) {
	for part := range strings.SplitSeq(s, "\t") {
		for _, mark := range []string{"tramp:", "ops:"} {
			if _, rest, ok := strings.Cut(part, mark); ok {
				if _, in, ok := strings.Cut(rest, "("); ok {
					in, _, _ = strings.Cut(in, ")")
					out = append(out, in)
				}
			}
		}
		if _, target, ok := strings.Cut(part, "->"); ok && !strings.Contains(part, "direct-->") {
			if target = strings.TrimSpace(target); !generic(target) && !slices.Contains(out, target) {
				out = append(out, target)
			}
		}
	}
	return out
}

// generic says whether a callback is ftrace's own, which calls the others.
func generic(callback string) bool {
	name, _ := function(callback)
	return name == "ftrace_ops_assist_func" || name == "ftrace_ops_list_func" || name == "arch_ftrace_ops_list_func" || name == "ftrace_regs_call"
}

// A hookGroup is all functions that call the same.
type hookGroup struct {
	callback string
	hooks    []hook
}

// ftraceHooks reports what functions call first, one row for each callback.
func ftraceHooks(v *kernelView) (out []finding) {
	if v.tracing == "" {
		return nil
	}
	file := v.tracing + "/enabled_functions"
	groups := map[string]*hookGroup{}
	var order []string
	for _, h := range parseHooks(v.trace("enabled_functions")) {
		list := h.callbacks
		if len(list) == 0 {
			list = []string{"(not told)"}
		}
		for _, c := range list {
			if groups[c] == nil {
				groups[c] = &hookGroup{callback: c}
				order = append(order, c)
			}
			groups[c].hooks = append(groups[c].hooks, h)
		}
	}
	for _, c := range order {
		out = append(out, groups[c].finding(v, file))
	}
	return out
}

func (g *hookGroup) finding(v *kernelView, file string) finding {
	name, _ := function(g.callback)
	var hot []string
	changes := false
	for _, h := range g.hooks {
		if watched(h.function) {
			hot = append(hot, h.function)
		}
		changes = changes || h.ipModify
	}
	examples := hot
	if len(hot) == 0 {
		examples = []string{g.hooks[0].function}
	}
	f := finding{id: "kernel-ftrace-hook", object: "ftrace callback " + g.callback,
		seen:  fmt.Sprintf("%d functions call %s first, among them %s", len(g.hooks), g.callback, strings.Join(examples[:min(len(examples), 8)], ", ")),
		views: []memory.View{{Source: file, Says: jsonl.Text(g.hooks[0].line)}}}
	if changes {
		f.seen += "; it may change where they go (IPMODIFY)"
	}
	f.explained = g.explained(v, name)
	module := ""
	if _, m, ok := strings.Cut(g.callback, " ["); ok {
		module = strings.TrimSuffix(m, "]")
	}
	switch {
	case strings.HasPrefix(name, "0x"):
		f.level = memory.High
		f.seen += "; that address is in no part of the kernel and in no module"
	case module != "" && (changes || len(hot) > 0):
		f.level = memory.High
	}
	return f
}

// explained names what is known to hook so; name is the callback's.
func (g *hookGroup) explained(v *kernelView, name string) string {
	tracer := strings.TrimSpace(v.trace("current_tracer"))
	switch {
	case name == "klp_ftrace_handler" && len(v.patches) > 0:
		return "the live patch " + v.patches[0]
	case name == "kprobe_ftrace_handler":
		return "kprobes, which have rows of their own"
	case strings.HasPrefix(name, "bpf_trampoline_") || name == "fprobe_handler" || name == "fprobe_kprobe_handler" || name == "fprobe_ftrace_entry":
		return "eBPF programs on function entry, which have rows of their own"
	case strings.HasPrefix(name, "function_") && tracer != "nop" && tracer != "":
		return "the tracer " + tracer + " is on"
	case name == "function_trace_call" || name == "ftrace_stub":
		return "the kernel's own tracer"
	case len(v.probers()) > 0 && strings.Contains(g.callback, "["+v.probers()[0]+"]"):
		return "module " + v.probers()[0] + ", which hooks so"
	}
	return ""
}
