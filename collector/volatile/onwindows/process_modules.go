package onwindows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/section"
)

func hex(v uint64) string { return fmt.Sprintf("%#x", v) }

// hexIf leaves out 0.
func hexIf(v uint64) string {
	if v == 0 {
		return ""
	}
	return hex(v)
}

// An imageMapping is one image section as the kernel has it.
type imageMapping struct {
	base, size uint64
	file       string
	err        error
}

func imageMappings(regions []ntapi.Region) (all []imageMapping) {
	for _, r := range regions {
		if r.Type != ntapi.MemImage {
			continue
		}
		if last := len(all) - 1; last >= 0 && all[last].base == r.AllocationBase {
			all[last].size = r.Base + r.Size - r.AllocationBase
			continue
		}
		all = append(all, imageMapping{r.AllocationBase, r.Base + r.Size - r.AllocationBase, r.File, r.FileError})
	}
	return all
}

// joinModules makes rows of the loader's lists and of the mapped images, by address.
func joinModules(row *ProcessRow, modules []ntapi.Module, regions []ntapi.Region, b *processBasis) (all []ProcessModuleRow) {
	mapped := map[uint64]*imageMapping{}
	mappings := imageMappings(regions)
	for i := range mappings {
		mapped[mappings[i].base] = &mappings[i]
	}
	listed := map[uint64]bool{}
	for i := range modules {
		m := &modules[i]
		listed[m.Base] = true
		all = append(all, moduleRow(row, m, mapped[m.Base], len(regions) > 0, b))
	}
	for _, m := range mappings {
		if listed[m.base] {
			continue
		}
		one := ProcessModuleRow{PID: row.PID, StartedAt: row.StartedAt, Base: hex(m.base), Size: m.size}
		one.mapping(&m, b)
		if len(modules) > 0 { // else nothing is listed at all, and the process row says why
			one.Disagreements = []string{"unlisted"}
		}
		all = append(all, one)
	}
	return all
}

func (r *ProcessModuleRow) mapping(m *imageMapping, b *processBasis) {
	r.MappedFile, r.MappedSize = jsonl.Text(m.file), m.size
	r.MappedPath = jsonl.Text(b.drives.Win32(m.file, b.root))
	if m.err != nil {
		r.Error = jsonl.Text(section.Because(m.err))
	}
}

func moduleRow(row *ProcessRow, m *ntapi.Module, at *imageMapping, haveMap bool, b *processBasis) ProcessModuleRow {
	r := ProcessModuleRow{
		PID: row.PID, StartedAt: row.StartedAt, Base: hex(m.Base), Size: uint64(m.Size), Name: jsonl.Text(m.BaseName), Path: jsonl.Text(m.FullName),
		EntryPoint: hexIf(m.EntryPoint), WoW64: !m.Wide, InLoad: m.InLoad, InMemory: m.InMemory, InInit: m.InInit,
		LoadTime: stampTime(filetime.Time(m.LoadTime)), Timestamp: stampUnix(m.Timestamp), Error: jsonl.Text(m.Error),
	}
	if m.LoadTime != 0 {
		r.LoadReason = m.LoadReasonName()
	}
	add := func(when bool, what string) {
		if when {
			r.Disagreements = append(r.Disagreements, what)
		}
	}
	add(m.InLoad == 0, "not in load order")
	add(m.InMemory == 0, "not in memory order")
	add(at == nil && haveMap, "not mapped")
	if at != nil {
		r.mapping(at, b)
		add(at.file != "" && m.FullName != "" && !sameFile(at.file, m.FullName, b), "path")
	}
	return r
}

// stampUnix is the time of an image's header; of reproducible builds it is a hash.
func stampUnix(v uint32) string {
	if v == 0 {
		return ""
	}
	return stampTime(time.Unix(int64(v), 0))
}

// sameFile says whether two names lead to the same file, as far as names tell: of the kernel
// or of programs, in any case of letters, and of a 32-bit program's system directory, too.
func sameFile(a, b string, basis *processBasis) bool {
	plain := func(s string) string {
		s = basis.drives.Win32(s, basis.root)
		s = strings.TrimPrefix(s, `\\?\`)
		s = strings.ToLower(s)
		return strings.Replace(s, `\syswow64\`, `\system32\`, 1)
	}
	return plain(a) == plain(b)
}

func mapRows(row *ProcessRow, regions []ntapi.Region) []ProcessMapRow {
	all := make([]ProcessMapRow, len(regions))
	for i, r := range regions {
		all[i] = ProcessMapRow{
			PID: row.PID, StartedAt: row.StartedAt, Start: hex(r.Base), End: hex(r.Base + r.Size), Allocation: hex(r.AllocationBase),
			State: r.StateName(), Type: r.TypeName(), Protect: ntapi.ProtectName(r.Protect), InitialProtect: ntapi.ProtectName(r.AllocationProtect),
			File: jsonl.Text(r.File),
		}
		if r.FileError != nil {
			all[i].Error = jsonl.Text(section.Because(r.FileError))
		}
	}
	return all
}

// regionAt finds the region over an address; they are in order.
func regionAt(regions []ntapi.Region, address uint64) *ntapi.Region {
	i, found := slices.BinarySearchFunc(regions, address, func(r ntapi.Region, at uint64) int {
		switch {
		case r.Base+r.Size <= at:
			return -1
		case r.Base > at:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return &regions[i]
}

func mappedAt(regions []ntapi.Region, address uint64) jsonl.Text {
	if r := regionAt(regions, address); r != nil {
		return jsonl.Text(r.File)
	}
	return ""
}

// threadStarts makes rows of the threads, and says in what each begins.
func (r *processReader) threadStarts(regions []ntapi.Region) {
	if r.snap == nil {
		return
	}
	for i := range r.snap.Threads {
		t := &r.snap.Threads[i]
		row := ThreadRow{
			PID: r.row.PID, StartedAt: r.row.StartedAt, TID: t.TID, Start: stamp(t.Created), StartAt: hexIf(t.StartAddress),
			Win32Start: hexIf(t.Win32Start), TEB: hexIf(t.TEB), State: t.StateName(), WaitReason: t.WaitReasonName(), Suspended: t.Suspended(),
			Priority: t.Priority, Switches: t.ContextSwitches, User: int64(filetime.Duration(t.UserTime)), Kernel: int64(filetime.Duration(t.KernelTime)),
		}
		if t.PID != r.row.PID {
			row.ClaimsOther = t.PID
		}
		begin := t.Win32Start
		if begin == 0 {
			begin = t.StartAddress
		}
		if in := regionAt(regions, begin); in != nil && begin != 0 {
			row.StartIn, row.StartType = jsonl.Text(in.File), in.TypeName()
		} else if begin != 0 && len(regions) > 0 && begin < 1<<47 {
			row.StartType = "free"
		}
		r.threads = append(r.threads, row)
	}
}
