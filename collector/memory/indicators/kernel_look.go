package indicators

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"hozen/collector"
	"hozen/collector/jsonl"
	"hozen/collector/proc"
	"hozen/collector/section"
	"hozen/collector/volatile"
	"hozen/packager/evidence"
)

// A textSet reads texts of the kernel, each once, and keeps them as sections.
type textSet struct {
	host *collector.Host
	text map[string]string
	read map[string]bool // that were read to their end
	raw  []byte
	note func(what string, err error)
}

// limitKernelText bounds one text: available_filter_functions has some 4 MiB.
const limitKernelText = 32 << 20

// get reads a text; what was read before an error is given, too.
func (t *textSet) get(name string) string {
	if text, ok := t.text[name]; ok {
		return text
	}
	b, err := t.host.ReadFile(name, limitKernelText)
	if errors.Is(err, collector.ErrTooLong) {
		err = evidence.Cut("longer than %d bytes", limitKernelText)
	}
	if err != nil && !proc.IsGone(err) {
		t.note(name, err)
	}
	t.raw = section.Append(t.raw, name, false, b, err)
	t.text[name], t.read[name] = string(b), err == nil
	return t.text[name]
}

// trace gives a text of tracefs; "" where it is not mounted.
func (v *kernelView) trace(name string) string {
	if v.tracing == "" {
		return ""
	}
	return v.texts.get(v.tracing + "/" + name)
}

// kprobes gives the list of probes; none where debugfs is not mounted.
func (v *kernelView) kprobes() []volatile.KprobeRow {
	if v.debug == "" {
		return nil
	}
	return volatile.ParseKprobes(v.texts.get(v.debug + "/kprobes/list"))
}

// names lists a directory; it is kept like a text, one name a line.
func (t *textSet) names(dir string) []string {
	names, err := t.host.Names(dir)
	if err != nil && !proc.IsGone(err) {
		t.note(dir, err)
	}
	const most = 1 << 16
	names = names[:min(len(names), most)]
	t.raw = section.Append(t.raw, dir, false, []byte(strings.Join(names, "\n")), err)
	return names
}

// lookAtKernel reads every view once, and puts it as memory/indicators/host/NAME.txt.
func lookAtKernel(s *survey, name string) *kernelView {
	t := &textSet{host: s.host, text: map[string]string{}, read: map[string]bool{}, note: s.note}
	v := &kernelView{texts: t, held: map[uint32][]string{}}
	if tracing, debug := volatile.TraceDirs(s.host); len(tracing)+len(debug) > 0 {
		v.tracing, v.debug = first(tracing), first(debug)
	}
	var err error
	if v.symbols, err = readSymbols(s.host); err != nil {
		s.note("/proc/kallsyms", err)
	}
	t.raw = section.Append(t.raw, "/proc/kallsyms", false, v.symbols.kept, evidenceOfPart(err))
	t.get("/proc/modules")
	t.get("/proc/sys/kernel/tainted")
	t.get("/proc/vmallocinfo")
	for _, f := range []string{"available_filter_functions", "enabled_functions", "touched_functions", "kprobe_events", "uprobe_events", "dynamic_events", "current_tracer"} {
		v.trace(f)
	}
	v.kprobes()
	counts := v.symbols.modules
	if !v.symbols.whole {
		counts = nil
	}
	if v.modules, err = volatile.ReadModules(s.host, counts); err != nil {
		s.note("modules", err)
	}
	v.patches, v.btf = t.names("/sys/kernel/livepatch"), t.names("/sys/kernel/btf")
	if v.bpf, err = volatile.ReadBPF(s.ctx, s.host); err != nil {
		s.note("bpf", err)
	}
	v.bpfRead = err == nil
	v.holders(s)
	v.member = s.putBytes(name+".txt", "kallsyms (in part), modules, vmallocinfo, tracefs, kprobes", t.raw, nil)
	v.tables(s, name)
	return v
}

// evidenceOfPart says of kallsyms that it is here in part, or why it is not.
func evidenceOfPart(err error) error {
	if err != nil {
		return err
	}
	return evidence.Cut("the kernel's own symbols are left out but for those that were needed")
}

func readSymbols(h *collector.Host) (symbolTable, error) {
	f, err := h.Open("/proc/kallsyms")
	if err != nil {
		return symbolTable{}, err
	}
	defer f.Close()
	return parseSymbols(f)
}

// holders reads which programs the file descriptors of processes hold: fdinfo has
// a line "prog_id:" of a program and of a link (bpf_prog_show_fdinfo and
// bpf_link_show_fdinfo in kernel/bpf/syscall.c).
func (v *kernelView) holders(s *survey) {
	read := 0
	for pid, p := range s.seen {
		for _, d := range p.fds {
			if !strings.HasPrefix(d.target, "anon_inode:bpf-prog") && !strings.HasPrefix(d.target, "anon_inode:bpf_link") {
				continue
			}
			if read++; read > limitFiles || s.ctx.Err() != nil {
				return
			}
			name := "/proc/" + strconv.Itoa(pid) + "/fdinfo/" + strconv.Itoa(d.fd)
			text, err := s.host.ReadFile(name, limitText)
			if err != nil {
				continue // it ended, or closed it
			}
			if id, ok := fdinfoProgram(string(text)); ok {
				v.held[id] = append(v.held[id], "pid "+strconv.Itoa(pid)+" ("+string(p.Comm)+") fd "+strconv.Itoa(d.fd))
			}
		}
	}
}

func fdinfoProgram(text string) (id uint32, ok bool) {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, "prog_id:"); found {
			n, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 32)
			return uint32(n), err == nil
		}
	}
	return 0, false
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// wait waits, and says whether the survey is still wanted.
func (s *survey) wait(d time.Duration) bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// tables keeps what the kernel says of modules and programs as rows, and the
// instructions of each program.
func (v *kernelView) tables(s *survey, name string) {
	rows := make([]any, 0, len(v.modules)+len(v.bpf.Programs)+len(v.bpf.Links))
	for _, m := range v.modules {
		if !m.BuiltIn {
			rows = append(rows, m)
		}
	}
	for _, p := range v.bpf.Programs {
		rows = append(rows, p)
	}
	for _, l := range v.bpf.Links {
		rows = append(rows, l)
	}
	table := s.put(name+".jsonl", "/proc/modules, /sys/module, bpf(2)", func(w io.Writer) error { return jsonl.Write(w, rows) })
	if len(rows) > 0 {
		v.table = table
	}
}
