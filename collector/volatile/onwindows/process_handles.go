package onwindows

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hozen/collector/jsonl"
	"hozen/collector/ntapi"
	"hozen/collector/section"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// A namer tells what handles lead to: ntapi.Namer, or a test.
type namer interface {
	Name(h ntapi.Handle, kind string) (string, error)
	Target(h ntapi.Handle, kind string) (pid, tid uint32, err error)
}

// patienceNames is how long asking for names may take altogether.
const patienceNames = 40 * time.Second

// allAccess are the rights that the creator of a process gets, of Windows Vista and later
// (PROCESS_ALL_ACCESS of winnt.h); older programs ask for fewer.
const allAccess = 0x1fffff

// A handleTable makes rows of all handles of the host.
type handleTable struct {
	all     []ntapi.Handle
	types   map[uint16]string
	targets map[uint64]uint32      // process by the address of its object
	known   map[uint64]handleNames // by the address of the object
	rows    map[uint32]*ProcessRow
	basis   *processBasis
	holders map[uint32][]uint32 // who holds all access to a process
}

type handleNames struct {
	name     string
	pid, tid uint32
	err      error
}

// newHandleTable sorts the handles by process. own gives, by the value of our own handles,
// the process that each leads to.
func newHandleTable(all []ntapi.Handle, types []ntapi.ObjectType, self uint32, own map[uint64]uint32) *handleTable {
	t := &handleTable{all: all, types: map[uint16]string{}, targets: map[uint64]uint32{}, known: map[uint64]handleNames{}, holders: map[uint32][]uint32{}}
	sorting.By(all, func(a, b ntapi.Handle) int { return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.Value, b.Value)) })
	processes := map[uint16]int{}
	for _, h := range all {
		if pid, ok := own[h.Value]; ok && h.PID == self {
			processes[h.Type]++
			if h.Object != 0 {
				t.targets[h.Object] = pid
			}
		}
	}
	t.name(types, processes)
	return t
}

// name names the types by their index. The index of what we know to be processes says
// whether the numbers of both tables begin with the same: Windows 7 and Wine differ.
func (t *handleTable) name(types []ntapi.ObjectType, processes map[uint16]int) {
	shift := 0
	for _, o := range types {
		if o.Name != "Process" || len(processes) == 0 {
			continue
		}
		best, seen := o.Index, 0
		for index, n := range processes {
			if n > seen {
				best, seen = index, n
			}
		}
		shift = int(best) - int(o.Index)
	}
	for _, o := range types {
		t.types[uint16(int(o.Index)+shift)] = o.Name
	}
}

// hasName says whether the objects of a type have names that tell something.
func hasName(kind string) bool {
	switch kind {
	case "File", "Key", "Section", "Mutant", "Event", "Semaphore", "Directory", "SymbolicLink", "ALPC Port", "Job",
		"Desktop", "WindowStation", "Timer", "Device", "Session":
		return true
	}
	return false
}

// each gives the rows in order of process and handle.
func (t *handleTable) each(ctx context.Context, n namer, tally *evidence.Tally, row func(*HandleRow)) {
	until, cancel := context.WithTimeoutCause(ctx, patienceNames, evidence.Cut("names were asked for %v, and no longer", patienceNames))
	defer cancel()
	denied := map[uint32]bool{}
	for i := range t.all {
		h := &t.all[i]
		r := HandleRow{
			PID: h.PID, Handle: hex(h.Value), Type: t.types[h.Type], TypeIndex: h.Type, Access: hex(uint64(h.Access)),
			Attributes: h.Attributes, Object: hexIf(h.Object),
		}
		if p := t.rows[h.PID]; p != nil {
			r.StartedAt = p.StartedAt
		}
		got := t.resolve(until, n, h, r.Type)
		if r.Name = jsonl.Text(got.name); r.Type == "File" {
			r.Path = jsonl.Text(t.basis.drives.Win32(got.name, t.basis.root))
		}
		if r.TargetPID, r.TargetTID = got.pid, got.tid; got.pid != 0 && t.rows[got.pid] != nil {
			r.TargetName = t.rows[got.pid].Name
		}
		if r.Type == "Process" && got.pid != 0 && got.pid != h.PID && h.Access&allAccess == allAccess {
			t.holders[got.pid] = append(t.holders[got.pid], h.PID)
		}
		if got.err != nil {
			r.Error = jsonl.Text(section.Because(got.err))
			if outcome, _, _ := evidence.Classify(got.err, 0); outcome != evidence.Denied || !denied[h.PID] {
				denied[h.PID] = denied[h.PID] || outcome == evidence.Denied
				tally.Add(fmt.Sprintf("handle %#x of process %d", h.Value, h.PID), got.err)
			}
		}
		row(&r)
	}
}

// resolve says what a handle leads to: of each object once, where its address is known.
func (t *handleTable) resolve(ctx context.Context, n namer, h *ntapi.Handle, kind string) (got handleNames) {
	if pid, ok := t.targets[h.Object]; ok && kind == "Process" && h.Object != 0 {
		return handleNames{pid: pid}
	}
	target := kind == "Process" || kind == "Thread"
	if !target && !hasName(kind) {
		return got
	}
	if known, ok := t.known[h.Object]; ok && h.Object != 0 {
		return known
	}
	if ctx.Err() != nil {
		return handleNames{err: context.Cause(ctx)}
	}
	if target {
		got.pid, got.tid, got.err = n.Target(*h, kind)
	} else {
		got.name, got.err = n.Name(*h, kind)
	}
	if h.Object != 0 && got.err == nil {
		t.known[h.Object] = got
	}
	return got
}

// addHolders writes into the rows who holds all access to each process.
func (t *handleTable) addHolders() {
	for pid, by := range t.holders {
		if row := t.rows[pid]; row != nil {
			slices.Sort(by)
			row.Holders = slices.Compact(by)
		}
	}
}

// driverRows makes rows of the loaded drivers, with the image file of each.
func driverRows(all []ntapi.Driver, b *processBasis, im *images) (rows []DriverRow) {
	for _, d := range all {
		path := b.drives.Win32(d.Path, b.root)
		if strings.HasPrefix(path, `\Windows\`) && len(b.root) > 2 { // of the boot: without a volume
			path = b.root[:2] + path
		}
		name := d.Path
		if int(d.NameAt) < len(name) {
			name = name[d.NameAt:]
		}
		row := DriverRow{
			Base: hexIf(d.Base), Size: d.Size, Name: jsonl.Text(name), PathNT: jsonl.Text(d.Path), Path: jsonl.Text(path),
			LoadOrder: d.LoadOrder, LoadCount: d.LoadCount, Timestamp: stampUnix(d.Timestamp), Exe: im.want(path),
		}
		if d.Checksum != 0 {
			row.Checksum = hex(uint64(d.Checksum))
		}
		rows = append(rows, row)
	}
	return rows
}
