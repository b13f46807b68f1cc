package onwindows

import (
	"encoding/binary"
	"fmt"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/memory/indicators"
	"hozen/collector/ntapi"
)

func mapKinds() []indicators.Kind {
	jit := "a program that makes code while it runs (JIT, closures of libffi, emulators) that is not known here or lies in an unusual place"
	return []indicators.Kind{
		{ID: "map-private-exec", Technique: "T1055", Level: memory.Medium,
			Doc:    "private memory that may be executed",
			Benign: []string{jit, "security software that hooks functions; a packed program that unpacks itself"}},
		{ID: "map-private-rwx", Technique: "T1055", Level: memory.Medium,
			Doc:    "private memory that may be written and executed at once",
			Benign: []string{jit, "old programs with thunks of ATL"}},
		{ID: "map-shared-exec", Technique: "T1055", Level: memory.Medium,
			Doc:    "a mapping that may be executed and is no image",
			Benign: []string{jit}},
		{ID: "map-pe-private", Technique: "T1055.002", Level: memory.High,
			Doc:    "the headers of a PE image where a page begins in executable memory that is no image",
			Benign: []string{"protected programs that load their libraries themselves"}},
		{ID: "map-pe-wiped", Technique: "T1620", Level: memory.High,
			Doc:    "an image without its headers in executable memory: its table of functions or imports is there",
			Benign: []string{"protected programs that load their libraries themselves"}},
		{ID: "map-pe-data", Technique: "T1620", Level: memory.Medium,
			Doc:    "the headers of a PE image where private memory begins that may not be executed",
			Benign: []string{"installers, scanners and linkers read programs into memory; .NET loads assemblies from memory"}},
		{ID: "map-thread-private", Technique: "T1055.003", Level: memory.High,
			Doc:    "a thread began in memory that belongs to no image",
			Benign: []string{"protected programs that load their libraries themselves"}},
		{ID: "map-thread-runs", Technique: "T1055.003", Level: memory.High,
			Doc:    "the next instruction of a thread lies in memory that belongs to no image",
			Benign: []string{jit, "protected programs that load their libraries themselves"}},
		{ID: "map-thread-nowhere", Technique: "T1055.004", Level: memory.Low,
			Doc:    "a thread began where nothing is mapped any more",
			Benign: []string{"a library that was unloaded while its thread went on"}},
		{ID: "map-thread-loads", Technique: "T1055.001", Level: memory.Medium,
			Doc:    "a thread began in the function that loads a library",
			Benign: []string{"security software, debuggers and input methods get their libraries into other programs so"}},
		{ID: "hook-callback-table", Technique: "T1574.013", Level: memory.High,
			Doc: "the table of functions by which the kernel calls into the process lies outside of user32, or leads out of it"},
	}
}

// An allocation is memory that was allocated at once and is no image.
type allocation struct {
	span
	regions []ntapi.Region
	exec    []ntapi.Region
	rwx     bool
	shared  bool // mapped, and no image
	file    string
}

// allocations groups what is no image.
func (p *process) allocations() (out []*allocation) {
	for _, r := range p.regions {
		if r.State == ntapi.MemFree || r.Type == ntapi.MemImage || r.Type == 0 {
			continue
		}
		n := len(out)
		if n == 0 || out[n-1].start != r.AllocationBase {
			out = append(out, &allocation{span: span{r.AllocationBase, r.Base}, shared: r.Type == ntapi.MemMapped, file: r.File})
			n++
		}
		a := out[n-1]
		a.end = r.Base + r.Size
		a.regions = append(a.regions, r)
		if r.Executable() {
			a.exec = append(a.exec, r)
			a.rwx = a.rwx || r.Writable()
		}
	}
	return out
}

// checkPrivate looks for code and programs in memory that is no image.
func checkPrivate(p *process) {
	for _, a := range p.allocations() {
		switch {
		case p.ctx.Err() != nil:
			p.tally.Add("memory", p.ctx.Err())
			return
		case len(a.exec) > 0:
			p.checkCode(a)
		case !a.shared:
			p.checkData(a)
		}
	}
}

// limitSearched bounds how much of an allocation is searched for headers.
const limitSearched = 64 << 20

// checkCode looks at an allocation of which something may be executed.
func (p *process) checkCode(a *allocation) {
	f := finding{id: "map-private-exec", regions: []memory.Region{regionOf(a.span, "")}, proofs: []proof{p.proof("code", a.exec[0].Base, 4096)}}
	what := "private memory"
	if a.shared {
		what = "a mapping that is no image"
	}
	var head *peHead
	at, gone := uint64(0), ""
	if !a.shared || a.file == "" || onDrive(p.s.win32(a.file)) { // else it may lie on another machine, which may never answer
		head, at = p.findPE(a)
		gone = p.wiped(a)
	}
	switch {
	case head != nil:
		f.id, f.seen = "map-pe-private", fmt.Sprintf("a program of %d bytes lies at %#x in %s that may be executed", head.sizeOfImage, at, what)
		f.proofs = append(f.proofs, p.proof("head", at, 4096))
	case gone != "":
		f.id, f.seen = "map-pe-wiped", fmt.Sprintf("a program without its headers lies in %s at %#x: %s", what, a.start, gone)
	case a.shared:
		f.id, f.seen = "map-shared-exec", fmt.Sprintf("a mapping at %#x (%s) may be executed and is no image", a.start, firstOf(clipped(a.file), "of no file"))
	case a.rwx:
		f.id, f.seen = "map-private-rwx", fmt.Sprintf("%d bytes of private memory at %#x may be written and executed", a.exec[0].Size, a.exec[0].Base)
	default:
		f.seen = fmt.Sprintf("%d bytes of private memory at %#x may be executed", a.exec[0].Size, a.exec[0].Base)
	}
	f.regions[0].Why = f.id
	if f.id != "map-pe-private" && f.id != "map-pe-wiped" {
		f.explained = p.whyCode()
		for _, t := range p.trampolines {
			if t == a.span {
				f.explained = "a hook of installed software goes through it"
			}
		}
		if f.explained == "" {
			f.explained = p.whyThere(a)
		}
	}
	p.report(f)
}

// checkData looks whether private memory that may not be executed begins with a program.
func (p *process) checkData(a *allocation) {
	if len(a.regions) == 0 || !a.regions[0].Readable() || a.regions[0].Base != a.start {
		return
	}
	b, err := p.read(a.start, 2)
	if err != nil || string(b) != "MZ" {
		return
	}
	b, _ = p.read(a.start, headBytes)
	head, err := parsePE(b)
	if err != nil {
		return
	}
	p.report(finding{id: "map-pe-data", seen: fmt.Sprintf("private memory at %#x begins with a program of %d bytes", a.start, head.sizeOfImage),
		regions: []memory.Region{regionOf(a.span, "map-pe-data")}, proofs: []proof{p.proof("head", a.start, 4096)}})
}

// findPE looks for headers where a page begins.
func (p *process) findPE(a *allocation) (*peHead, uint64) {
	searched := uint64(0)
	for _, r := range a.regions {
		if !r.Readable() {
			continue
		}
		for at := r.Base; at < r.Base+r.Size && searched < limitSearched; at += pageBytes {
			searched += pageBytes
			b, err := p.read(at, 2)
			if err != nil || b[0] != 'M' || b[1] != 'Z' {
				continue
			}
			b, _ = p.read(at, headBytes)
			if head, err := parsePE(b); err == nil && len(head.sections) > 0 {
				return head, at
			}
		}
	}
	return nil, 0
}

// wiped looks for what a loaded image has beside its headers: the table of functions
// of .pdata, sorted, each with addresses within the allocation (RUNTIME_FUNCTION of
// "x64 exception handling"; begin, end, unwind data).
func (p *process) wiped(a *allocation) string {
	size := a.end - a.start
	if size < 3*pageBytes || size > limitSearched {
		return ""
	}
	for _, r := range a.regions {
		if !r.Readable() {
			continue
		}
		b, err := p.read(r.Base, int(r.Size))
		if err != nil {
			continue
		}
		for at := 0; at+12*minFunctions <= len(b); at += pageBytes {
			if n := functions(b[at:], size); n >= minFunctions {
				return fmt.Sprintf("a table of %d functions at %#x", n, r.Base+uint64(at))
			}
		}
	}
	return ""
}

const minFunctions = 12

// functions counts the entries of a table of RUNTIME_FUNCTION.
func functions(b []byte, size uint64) (n int) {
	last := uint32(pageBytes - 1) // the first page of an image is its headers
	for ; len(b) >= 12; b = b[12:] {
		begin, end, unwind := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
		if begin < last || end <= begin || end-begin > 1<<20 || uint64(end) > size || uint64(unwind) >= size || unwind < pageBytes {
			break
		}
		last = end
		n++
	}
	return n
}

// checkThreads looks where threads began.
func checkThreads(p *process) {
	if len(p.regions) == 0 {
		return
	}
	loads := p.loadFunctions()
	for _, t := range p.info.Threads {
		p.checkInstruction(t.TID)
		start := t.Win32Start
		if start == 0 {
			start = t.StartAddress
		}
		if start == 0 || start >= 1<<47 {
			continue // not told, or in the kernel
		}
		f := finding{views: []memory.View{{Source: fmt.Sprintf("start of thread %d", t.TID), Says: jsonl.Text(address(start))}}}
		r, ok := p.region(start)
		switch {
		case !ok:
			f.id, f.seen = "map-thread-nowhere", fmt.Sprintf("thread %d began at %#x, where nothing is mapped", t.TID, start)
		case r.Type != ntapi.MemImage:
			f.id, f.seen = "map-thread-private", fmt.Sprintf("thread %d began at %#x in %s memory (%s)", t.TID, start, r.TypeName(), ntapi.ProtectName(r.Protect))
			f.regions = []memory.Region{regionOf(p.allocation(r.AllocationBase), f.id)}
			f.proofs = []proof{p.proof("thread", start&^(pageBytes-1), 4096)}
		case loads[start] != "":
			f.id, f.seen = "map-thread-loads", fmt.Sprintf("thread %d began in %s", t.TID, loads[start])
		default:
			continue
		}
		p.report(f)
	}
}

// checkInstruction looks where a thread is.
func (p *process) checkInstruction(tid uint32) {
	at := p.instructions[tid]
	r, ok := p.region(at)
	if at == 0 || !ok || r.Type == ntapi.MemImage || !r.Executable() {
		return
	}
	f := finding{id: "map-thread-runs", seen: fmt.Sprintf("the next instruction of thread %d, at %#x, lies in %s memory (%s)", tid, at, r.TypeName(), ntapi.ProtectName(r.Protect)),
		regions: []memory.Region{regionOf(p.allocation(r.AllocationBase), "map-thread-runs")}, proofs: []proof{p.proof("runs", at&^(pageBytes-1), 4096)}}
	f.explained = p.whyCode()
	p.report(f)
}

// loadFunctions gives the addresses of the functions that load libraries.
func (p *process) loadFunctions() map[uint64]string {
	out := map[uint64]string{}
	for i := range p.images {
		m := &p.images[i]
		name := fold(base(m.path))
		if name != "kernel32.dll" && name != "kernelbase.dll" && name != "ntdll.dll" {
			continue
		}
		file, err := p.s.files.get(m.path)
		if err != nil {
			continue
		}
		for _, e := range file.exported() {
			switch e.name {
			case "LoadLibraryA", "LoadLibraryW", "LoadLibraryExA", "LoadLibraryExW", "LdrLoadDll":
				out[m.start+uint64(e.rva)] = name + "!" + e.name
			}
		}
	}
	return out
}

// callbackAt is the offset of KernelCallbackTable in the 64-bit PEB (phnt, ntpebteb.h).
const (
	callbackAt   = 0x58
	maxCallbacks = 256
)

// checkCallbacks looks at the table by which the kernel calls into the process.
func checkCallbacks(p *process) {
	if !p.pebRead || !p.peb.Wide {
		return
	}
	b, err := p.read(p.peb.Address+callbackAt, 8)
	if err != nil {
		return
	}
	table := binary.LittleEndian.Uint64(b)
	if table == 0 {
		return
	}
	f := finding{id: "hook-callback-table", views: []memory.View{{Source: "PEB KernelCallbackTable", Says: jsonl.Text(address(table))}}}
	m := p.image(table)
	r, ok := p.region(table)
	if m == nil && ok {
		f.seen = fmt.Sprintf("the table of functions that the kernel calls lies at %#x in %s memory", table, r.TypeName())
		f.regions = []memory.Region{regionOf(p.allocation(r.AllocationBase), f.id)}
		f.proofs = []proof{p.proof("callbacks", table, 8*maxCallbacks)}
		p.report(f)
		return
	}
	entries, _ := p.read(table, 8*maxCallbacks)
	for i := 0; i+8 <= len(entries) && m != nil; i += 8 {
		to := binary.LittleEndian.Uint64(entries[i:])
		r, ok := p.region(to)
		if !ok || !r.Executable() {
			break // the table has ended
		}
		if r.Type != ntapi.MemImage {
			f.seen = fmt.Sprintf("function %d of the table that the kernel calls lies at %#x in %s memory", i/8, to, r.TypeName())
			f.regions = []memory.Region{regionOf(p.allocation(r.AllocationBase), f.id)}
			f.proofs = []proof{p.proof("callbacks", table, 8*maxCallbacks)}
			p.report(f)
			return
		}
	}
}
