package volatile

import (
	"hozen/collector"
	"hozen/collector/jsonl"
)

// ReadModules joins the views of the modules: /proc/modules, /sys/module, and how
// many symbols of each kallsyms has (CountSymbols; nil where it was not read). What
// was read is given with an error, too.
func ReadModules(h *collector.Host, symbols map[string]int) ([]ModuleRow, error) {
	r := &factReader{h: h}
	rows := moduleRows(r, symbols)
	return rows, r.tally.Err()
}

// TraceDirs gives the places where tracefs and debugfs are mounted already, by
// the kernel's list of mounts; nothing is mounted by looking.
func TraceDirs(h *collector.Host) (tracing, debug []string) {
	return traceDirs(&factReader{h: h})
}

// ParseKprobes reads /sys/kernel/debug/kprobes/list (kernel/kprobes.c, report_probe).
func ParseKprobes(text string) []KprobeRow { return parseKprobes(text) }

// TaintLetters gives the letters of the mask in /proc/sys/kernel/tainted
// (Documentation/admin-guide/tainted-kernels.rst) with what each means.
func TaintLetters(mask string) []string { return kernelTaint(mask) }

// ModuleTaint explains the letters of one module's taint ("OE").
func ModuleTaint(letters jsonl.Text) []string { return moduleTaint(string(letters)) }
