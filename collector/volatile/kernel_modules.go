package volatile

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/packager/evidence/sorting"
)

// ModuleRow is one loadable module of the kernel (or a built-in one that has a
// folder in /sys/module), with the views that show it. A rootkit that takes itself
// off one list is often still on another.
type ModuleRow struct {
	Kind       string          `json:"kind"` // "module"
	Name       jsonl.Text      `json:"name"`
	Views      []string        `json:"views"`             // of proc_modules, sysfs, kallsyms: those that show it
	Missing    []string        `json:"missing,omitempty"` // those that could be read and should show it
	BuiltIn    bool            `json:"built_in,omitempty"`
	Size       int64           `json:"size,omitempty"`
	RefCount   jsonl.Text      `json:"ref_count,omitempty"`
	UsedBy     []jsonl.Text    `json:"used_by,omitempty"`
	State      jsonl.Text      `json:"state,omitempty"`      // /proc/modules: Live, Loading, Unloading
	InitState  jsonl.Text      `json:"init_state,omitempty"` // sysfs: live, coming, going
	Address    jsonl.Text      `json:"address,omitempty"`    // zeros where kptr_restrict hides it
	Taint      jsonl.Text      `json:"taint,omitempty"`      // letters
	TaintMeans []string        `json:"taint_means,omitempty"`
	Version    jsonl.Text      `json:"version,omitempty"`
	SrcVersion jsonl.Text      `json:"src_version,omitempty"`
	Holders    []jsonl.Text    `json:"holders,omitempty"`
	Sections   []ModuleSection `json:"sections,omitempty"`
	Symbols    int             `json:"symbols,omitempty"` // in kallsyms
}

// ModuleSection is a section of a module with the address that the kernel gives
// for it (/sys/module/NAME/sections, root only).
type ModuleSection struct {
	Name    jsonl.Text `json:"name"`
	Address jsonl.Text `json:"address"`
}

// The three views of the modules.
const (
	inProcModules = "proc_modules"
	inSysfs       = "sysfs"
	inKallsyms    = "kallsyms"
)

// parseModuleLine reads a line of /proc/modules (kernel/module/procfs.c, m_show):
// name size refcount users state address [(taint)]. False if it is none.
func parseModuleLine(line string) (ModuleRow, bool) {
	f := strings.Fields(line)
	if len(f) < 5 {
		return ModuleRow{}, false
	}
	size, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil || size < 0 {
		return ModuleRow{}, false
	}
	row := ModuleRow{Kind: "module", Name: jsonl.Text(f[0]), Size: size, RefCount: jsonl.Text(f[2]), State: jsonl.Text(f[4])}
	for _, u := range strings.Split(f[3], ",") {
		if u != "" && u != "-" {
			row.UsedBy = append(row.UsedBy, jsonl.Text(u))
		}
	}
	if len(f) > 5 {
		row.Address = jsonl.Text(f[5])
	}
	if len(f) > 6 {
		row.Taint = jsonl.Text(strings.Trim(f[6], "()"))
	}
	return row, true
}

// parseSymbolLine reads a line of /proc/kallsyms (kernel/kallsyms.c, s_show):
// address type name, then a tab and [module] for what is no part of the image.
func parseSymbolLine(line []byte) (name, module []byte, ok bool) {
	addr, rest, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(addr) == 0 || len(rest) < 3 || rest[1] != ' ' {
		return nil, nil, false
	}
	name = rest[2:]
	if i := bytes.IndexByte(name, '\t'); i >= 0 {
		module = bytes.TrimSuffix(bytes.TrimPrefix(name[i+1:], []byte{'['}), []byte{']'})
		name = name[:i]
	}
	return name, module, len(name) > 0
}

// maxModuleNames bounds what a forged kallsyms can make us remember.
const maxModuleNames = 1 << 16

// countSymbols streams kallsyms and counts the symbols of each module. Names
// like "bpf" and "__builtin__ftrace" are the kernel's own labels for generated
// code, no modules.
func countSymbols(r io.Reader) (map[string]int, error) {
	out := map[string]int{}
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := b.ReadSlice('\n')
		if err == bufio.ErrBufferFull { // no symbol is that long: pass over
			continue
		}
		if _, mod, ok := parseSymbolLine(bytes.TrimSuffix(line, []byte{'\n'})); ok && len(mod) > 0 {
			if n, known := out[string(mod)]; known || len(out) < maxModuleNames {
				out[string(mod)] = n + 1
			}
		}
		if err == io.EOF {
			delete(out, "bpf")
			for name := range out {
				if strings.HasPrefix(name, "__builtin__") {
					delete(out, name)
				}
			}
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

// moduleRows merges the three views. symbols is nil if kallsyms was not read.
func moduleRows(r *factReader, symbols map[string]int) []ModuleRow {
	rows := map[string]*ModuleRow{}
	text, err := r.h.ReadFile("/proc/modules", longText)
	r.tally.Add("/proc/modules", err)
	procRead := err == nil
	for line := range strings.Lines(string(text)) {
		if row, ok := parseModuleLine(line); ok && len(rows) < maxModuleNames {
			row.Views = []string{inProcModules}
			rows[string(row.Name)] = &row
		}
	}
	folders := r.names("/sys/module", maxModuleNames)
	for _, name := range folders {
		row := rows[name]
		if row == nil {
			row = &ModuleRow{Kind: "module", Name: jsonl.Text(name)}
			rows[name] = row
		}
		row.Views = append(row.Views, inSysfs)
		row.fromSysfs(r, "/sys/module/"+name)
	}
	for name, n := range symbols {
		row := rows[name]
		if row == nil {
			row = &ModuleRow{Kind: "module", Name: jsonl.Text(name)}
			rows[name] = row
		}
		row.BuiltIn, row.Symbols = false, n
		row.Views = append(row.Views, inKallsyms)
	}
	return finishModules(rows, map[string]bool{inProcModules: procRead, inSysfs: len(folders) > 0, inKallsyms: symbols != nil})
}

func finishModules(rows map[string]*ModuleRow, read map[string]bool) []ModuleRow {
	out := make([]ModuleRow, 0, len(rows))
	for _, row := range rows {
		for _, v := range []string{inProcModules, inSysfs, inKallsyms} {
			if read[v] && !row.BuiltIn && !slices.Contains(row.Views, v) {
				row.Missing = append(row.Missing, v)
			}
		}
		row.TaintMeans = moduleTaint(string(row.Taint))
		out = append(out, *row)
	}
	sorting.By(out, func(a, b ModuleRow) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return out
}

// fromSysfs reads what Documentation/ABI/stable/sysfs-module names. Only a
// loadable module has "initstate"; parameters are left alone, for reading one
// runs code of the module.
func (row *ModuleRow) fromSysfs(r *factReader, dir string) {
	state, err := r.h.ReadFile(dir+"/initstate", shortText)
	if err != nil {
		row.BuiltIn = !slices.Contains(row.Views, inProcModules)
		if row.BuiltIn {
			return
		}
	}
	row.InitState = jsonl.Text(strings.TrimSpace(string(state)))
	row.Version, row.SrcVersion = r.text(dir+"/version"), r.text(dir+"/srcversion")
	if row.RefCount == "" {
		row.RefCount = r.text(dir + "/refcnt")
	}
	if t := r.text(dir + "/taint"); row.Taint == "" {
		row.Taint = t
	}
	row.Holders = jsonl.Texts(r.names(dir+"/holders", 1024))
	for _, s := range r.names(dir+"/sections", 256) {
		row.Sections = append(row.Sections, ModuleSection{jsonl.Text(s), r.text(dir + "/sections/" + s)})
	}
}

// taintFlag is a row of Documentation/admin-guide/tainted-kernels.rst: the
// index is the bit.
type taintFlag struct {
	letter byte
	means  string
}

func taintFlags() []taintFlag {
	return []taintFlag{
		{'P', "proprietary module was loaded"}, {'F', "module was force loaded"},
		{'S', "kernel running on an out of specification system"}, {'R', "module was force unloaded"},
		{'M', "processor reported a machine check exception"}, {'B', "bad page referenced or some unexpected page flags"},
		{'U', "taint requested by userspace application"}, {'D', "kernel died recently: there was an OOPS or BUG"},
		{'A', "ACPI table overridden by user"}, {'W', "kernel issued warning"}, {'C', "staging driver was loaded"},
		{'I', "workaround for bug in platform firmware applied"}, {'O', "externally-built (out-of-tree) module was loaded"},
		{'E', "unsigned module was loaded"}, {'L', "soft lockup occurred"}, {'K', "kernel has been live patched"},
		{'X', "auxiliary taint, defined for and used by distributions"},
		{'T', "kernel was built with the struct randomization plugin"}, {'N', "an in-kernel test has been run"},
		{'J', "userspace used a mutating debug operation in fwctl"},
	}
}

// moduleTaint explains the letters of one module ("OE", and + - for coming and going).
func moduleTaint(letters string) (out []string) {
	for _, f := range taintFlags() {
		if strings.IndexByte(letters, f.letter) >= 0 {
			out = append(out, f.means)
		}
	}
	return out
}

// kernelTaint explains the mask of /proc/sys/kernel/tainted.
func kernelTaint(mask string) (out []string) {
	n, err := strconv.ParseUint(strings.TrimSpace(mask), 10, 64)
	if err != nil {
		return nil
	}
	flags := taintFlags()
	for bit := range 64 {
		if n&(1<<bit) == 0 {
			continue
		}
		if bit < len(flags) {
			out = append(out, string(flags[bit].letter)+": "+flags[bit].means)
		} else {
			out = append(out, "bit "+strconv.Itoa(bit))
		}
	}
	return out
}
