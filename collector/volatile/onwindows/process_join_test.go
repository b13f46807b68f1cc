package onwindows

import (
	"errors"
	"slices"
	"testing"

	"hozen/collector/ntapi"
	"hozen/packager/evidence"
)

// TestModulesDisagree joins lists and mappings that do not agree.
func TestModulesDisagree(t *testing.T) {
	b := &processBasis{drives: ntapi.Drives{{Letter: "C:", Device: `\Device\HarddiskVolume3`}}, root: `C:\Windows`}
	image := func(base uint64, file string) []ntapi.Region {
		return []ntapi.Region{
			{Base: base, Size: 0x1000, AllocationBase: base, State: ntapi.MemCommit, Type: ntapi.MemImage, Protect: ntapi.PageReadOnly, File: file},
			{Base: base + 0x1000, Size: 0x4000, AllocationBase: base, State: ntapi.MemCommit, Type: ntapi.MemImage, Protect: ntapi.PageExecuteRead, File: file},
		}
	}
	regions := slices.Concat(image(0x10000, `\Device\HarddiskVolume3\Windows\System32\ntdll.dll`), image(0x20000, `\Device\HarddiskVolume3\x\other.dll`),
		image(0x40000, `\Device\HarddiskVolume3\Windows\SysWOW64\kernel32.dll`), image(0x50000, `\Device\HarddiskVolume3\x\unlinked.dll`))
	modules := []ntapi.Module{
		{Base: 0x10000, FullName: `C:\WINDOWS\system32\ntdll.dll`, Wide: true, InLoad: 1, InMemory: 1, InInit: 1},
		{Base: 0x20000, FullName: `C:\x\listed.dll`, Wide: true, InLoad: 2, InMemory: 2},
		{Base: 0x30000, FullName: `C:\x\nowhere.dll`, Wide: true, InLoad: 3},
		{Base: 0x40000, FullName: `C:\Windows\System32\kernel32.dll`, InMemory: 1},
	}
	got := joinModules(&ProcessRow{PID: 4}, modules, regions, b)
	want := [][]string{nil, {"path"}, {"not in memory order", "not mapped"}, {"not in load order"}, {"unlisted"}}
	if len(got) != len(want) {
		t.Fatalf("%d rows", len(got))
	}
	for i, r := range got {
		if !slices.Equal(r.Disagreements, want[i]) {
			t.Errorf("%s: %q, want %q", r.Base, r.Disagreements, want[i])
		}
	}
	if r := got[4]; r.MappedPath != `C:\x\unlinked.dll` || r.Size != 0x5000 || r.Base != "0x50000" {
		t.Errorf("%+v", r)
	}
	if r := regionAt(regions, 0x24fff); r == nil || r.AllocationBase != 0x20000 || regionAt(regions, 0x25000) != nil || regionAt(regions, 0) != nil {
		t.Errorf("region: %+v", r)
	}
}

// answers names two objects, and refuses the rest.
type fewNames struct{ asked int }

func (f *fewNames) Name(h ntapi.Handle, _ string) (string, error) {
	if f.asked++; h.PID == 8 {
		return "", errors.New("pipe hangs")
	}
	return `\Device\HarddiskVolume3\secret.txt`, nil
}

func (f *fewNames) Target(ntapi.Handle, string) (uint32, uint32, error) { return 12, 5, nil }

// TestHandleTable maps objects to processes by our own handles, names each object once, and
// finds who holds all access.
func TestHandleTable(t *testing.T) {
	all := []ntapi.Handle{
		{PID: 8, Value: 4, Type: 5, Object: 0xa0, Access: 0x12019f},
		{PID: 4, Value: 8, Type: 5, Object: 0xb0, Access: 0x12019f},
		{PID: 4, Value: 12, Type: 5, Object: 0xb0, Access: 0x12019f},
		{PID: 4, Value: 16, Type: 7, Object: 0xc0, Access: allAccess},
		{PID: 12, Value: 4, Type: 7, Object: 0xc0, Access: allAccess},
		{PID: 4, Value: 20, Type: 8, Object: 0xd0, Access: 0x1000},
		{PID: 4, Value: 24, Type: 9, Object: 0xe0},
		{PID: 99, Value: 0x64, Type: 7, Object: 0xc0, Access: 0x1410},
	}
	types := []ntapi.ObjectType{{Index: 9, Name: "Process"}, {Index: 7, Name: "File"}, {Index: 10, Name: "Thread"}, {Index: 11, Name: "EtwRegistration"}}
	table := newHandleTable(all, types, 99, map[uint64]uint32{0x64: 12})
	table.basis = &processBasis{drives: ntapi.Drives{{Letter: "C:", Device: `\Device\HarddiskVolume3`}}}
	table.rows = map[uint32]*ProcessRow{12: {PID: 12, Name: "child.exe"}, 4: {PID: 4, StartedAt: 77}}
	var rows []HandleRow
	var tally evidence.Tally
	n := &fewNames{}
	table.each(t.Context(), n, &tally, func(r *HandleRow) { rows = append(rows, *r) })
	table.addHolders()
	if n.asked != 2 {
		t.Errorf("asked for %d names: each object has one", n.asked)
	}
	if tally.Count(evidence.Failed) != 1 {
		t.Errorf("tally: %v", tally.Err())
	}
	if r := rows[0]; r.PID != 4 || r.Type != "File" || r.Path != `C:\secret.txt` || r.StartedAt != 77 || r.Object != "0xb0" {
		t.Errorf("%+v", r)
	}
	if r := rows[2]; r.Type != "Process" || r.TargetPID != 12 || r.TargetName != "child.exe" || r.Access != "0x1fffff" {
		t.Errorf("%+v", r)
	}
	if r := rows[3]; r.Type != "Thread" || r.TargetPID != 12 || r.TargetTID != 5 {
		t.Errorf("%+v", r)
	}
	if got := table.rows[12].Holders; !slices.Equal(got, []uint32{4}) {
		t.Errorf("holders: %v", got)
	}
	if r := rows[5]; r.PID != 8 || r.Error == "" || r.Name != "" {
		t.Errorf("%+v", r)
	}
}
