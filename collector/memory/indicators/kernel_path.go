package indicators

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"hozen/collector/elf"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/section"
)

// checkSyscallPath reads the table of system calls and the first bytes of the
// functions on their way through /proc/kcore: a few pages, of the kernel's own
// text and data only.
func checkSyscallPath(s *survey, v *kernelView) {
	if runtime.GOARCH != "amd64" {
		return // another processor's first instructions are not understood here
	}
	p := &syscallPath{v: v, text: [2]uint64{v.symbols.addr["_stext"], v.symbols.addr["_etext"]}}
	var found []finding
	member := s.put("syscall-path.txt", "/proc/kcore", func(w io.Writer) error {
		f, err := s.host.Open("/proc/kcore")
		if err != nil {
			return err
		}
		defer f.Close()
		core, err := elf.Read(f)
		if err != nil {
			return fmt.Errorf("/proc/kcore: %w", err)
		}
		if p.text[0] == 0 || p.text[1] <= p.text[0] {
			return fmt.Errorf("/proc/kallsyms does not tell where the kernel's text is")
		}
		found = p.look(coreReader(f, core))
		_, err = w.Write(p.raw)
		return err
	})
	for _, f := range found {
		f.evidence = []string{member, v.member}
		s.report(f)
	}
}

// coreReader gives the function that reads the kernel's memory by its addresses.
func coreReader(file io.ReaderAt, core *elf.File) func(b []byte, addr uint64) error {
	return func(b []byte, addr uint64) error {
		for _, p := range core.Segments {
			if p.Type == elf.Load && addr >= p.Addr && addr-p.Addr < p.Size && uint64(len(b)) <= p.Size-(addr-p.Addr) {
				_, err := file.ReadAt(b, int64(p.Offset+addr-p.Addr))
				return err
			}
		}
		return fmt.Errorf("%#x: no memory there", addr)
	}
}

type syscallPath struct {
	v    *kernelView
	text [2]uint64 // where the kernel's own text begins and ends
	raw  []byte    // sections
}

const (
	maxSyscalls  = 1 << 10
	prologueSize = 24
)

// look gives what leads out of the kernel's text.
func (p *syscallPath) look(read func(b []byte, addr uint64) error) (out []finding) {
	for _, table := range []string{"sys_call_table", "ia32_sys_call_table"} {
		if at := p.v.symbols.addr[table]; at != 0 {
			out = append(out, p.table(table, at, read)...)
		}
	}
	listed := p.listed()
	names := make([]string, 0, len(p.v.symbols.addr))
	for name, at := range p.v.symbols.addr {
		if at >= p.text[0] && at < p.text[1] && name != "_stext" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if f, ok := p.prologue(name, listed[name], read); ok {
			out = append(out, f)
		}
	}
	return out
}

// table looks at the entries of a table of system calls.
func (p *syscallPath) table(name string, at uint64, read func([]byte, uint64) error) (out []finding) {
	size := uint64(maxSyscalls * 8)
	if end := p.v.symbols.end[name]; end > at {
		size = min(size, (end-at)&^7)
	}
	b := make([]byte, size)
	err := read(b, at)
	p.raw = section.Append(p.raw, fmt.Sprintf("%s@%x", name, at), false, b, err)
	for n := 0; err == nil && 8*n < len(b); n++ {
		entry := binary.LittleEndian.Uint64(b[8*n:])
		if entry == 0 || p.inText(entry) {
			continue
		}
		out = append(out, finding{id: "kernel-syscall-path", object: fmt.Sprintf("system call %d in %s", n, name),
			seen: fmt.Sprintf("entry %d of %s is %#x, outside of the kernel's text%s", n, name, entry, p.where(entry)),
			views: []memory.View{{Source: "/proc/kcore", Says: jsonl.Text(fmt.Sprintf("%#x", entry))},
				{Source: "/proc/kallsyms", Says: jsonl.Text(fmt.Sprintf("text is %#x to %#x", p.text[0], p.text[1]))}}})
	}
	return out
}

// prologue looks at the first instructions of a function.
func (p *syscallPath) prologue(name string, listed bool, read func([]byte, uint64) error) (finding, bool) {
	at := p.v.symbols.addr[name]
	b := make([]byte, prologueSize)
	err := read(b, at)
	p.raw = section.Append(p.raw, fmt.Sprintf("%s@%x", name, at), false, b, err)
	if err != nil {
		return finding{}, false
	}
	what, target := leadsTo(b, at)
	if what == "" || what != "breakpoint" && p.inText(target) {
		return finding{}, false
	}
	f := finding{id: "kernel-syscall-path", object: "function " + name,
		seen: fmt.Sprintf("%s begins with a %s", name, what), views: []memory.View{{Source: "/proc/kcore", Says: jsonl.Text(fmt.Sprintf("%x", b))}}}
	if target != 0 {
		f.seen += fmt.Sprintf(" to %#x, outside of the kernel's text%s", target, p.where(target))
	}
	if listed {
		f.explained = "the lists of probes or of ftrace name this function: see kernel-kprobe and kernel-ftrace-hook"
	} else {
		f.seen += "; neither the list of probes nor that of ftrace names it"
		f.views = append(f.views, memory.View{Source: "enabled_functions and kprobes/list", Says: "not listed"})
	}
	return f, true
}

// leadsTo says where the first instructions of a function go, if they are what
// probes, ftrace and hooks put there (Intel SDM volume 2).
func leadsTo(b []byte, at uint64) (what string, target uint64) {
	if len(b) >= 4 && [4]byte(b) == [4]byte{0xf3, 0x0f, 0x1e, 0xfa} { // ENDBR64
		b, at = b[4:], at+4
	}
	if len(b) < 14 {
		return "", 0
	}
	relative := func(i int) uint64 {
		return at + uint64(i) + 4 + uint64(int64(int32(binary.LittleEndian.Uint32(b[i:]))))
	}
	switch {
	case b[0] == 0xcc:
		return "breakpoint", 0
	case b[0] == 0xe8:
		return "call", relative(1)
	case b[0] == 0xe9:
		return "jump", relative(1)
	case b[0] == 0xff && b[1] == 0x25: // JMP [RIP+n]
		return "jump through memory", relative(2)
	case b[0]&0xfe == 0x48 && b[1]&0xf8 == 0xb8: // MOV r64, imm64; then JMP r64, or PUSH and RET
		i := 10
		if b[i]&0xf0 == 0x40 {
			i++
		}
		if b[i] == 0xff && b[i+1]&0xf8 == 0xe0 || b[i]&0xf8 == 0x50 && b[i+1] == 0xc3 {
			return "jump", binary.LittleEndian.Uint64(b[2:])
		}
	case b[0] == 0x68 && b[5] == 0xc3: // PUSH imm32; RET
		return "jump", uint64(int64(int32(binary.LittleEndian.Uint32(b[1:]))))
	}
	return "", 0
}

func (p *syscallPath) inText(addr uint64) bool { return addr >= p.text[0] && addr < p.text[1] }

// where names the module or the generated code that an address is in.
func (p *syscallPath) where(addr uint64) string {
	for _, m := range p.v.modules {
		if base, ok := hexNumber([]byte(strings.TrimPrefix(string(m.Address), "0x"))); ok && base != 0 && addr >= base && addr-base < uint64(m.Size) {
			return ", in module " + string(m.Name)
		}
	}
	for label, list := range p.v.symbols.labels {
		for _, sym := range list {
			if sym.addr != 0 && addr >= sym.addr && addr-sym.addr < pageBytes {
				return ", near " + sym.name + " [" + label + "]"
			}
		}
	}
	return ", in no listed module"
}

// listed gives the functions that the lists of probes and of ftrace name.
func (p *syscallPath) listed() map[string]bool {
	out := map[string]bool{}
	for _, k := range p.v.kprobes() {
		name, _ := function(string(k.Symbol))
		out[name] = true
	}
	for _, h := range parseHooks(p.v.trace("enabled_functions")) {
		out[h.function] = true
	}
	return out
}
