package volatile

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"hozen/collector"
)

// loadTestBPF loads a map and a program that uses it, and closes them at the end.
func loadTestBPF(t *testing.T) (*ebpf.Map, *ebpf.Program) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: loading an eBPF program")
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "hozen_map", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 17})
	if err != nil {
		t.Skipf("this kernel loads no eBPF map: %v", err)
	}
	t.Cleanup(func() { m.Close() })
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "hozen_prog", Type: ebpf.SocketFilter, License: "GPL",
		Instructions: asm.Instructions{asm.LoadMapPtr(asm.R1, m.FD()), asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		t.Skipf("this kernel loads no eBPF program: %v", err)
	}
	t.Cleanup(func() { p.Close() })
	return m, p
}

// TestBPFAgreesWithAnotherReader plants a program and a map, and holds our rows
// to what the module cilium/ebpf reads of them.
func TestBPFAgreesWithAnotherReader(t *testing.T) {
	m, p := loadTestBPF(t)
	mi, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	pi, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	mapID, _ := mi.ID()
	progID, _ := pi.ID()
	s := collectKernelOf(t, collector.ThisHost())
	const table = "volatile/kernel/bpf.jsonl"

	programs := rowsOf[BPFProgramRow](t, s, table, "bpf_program")
	i := slices.IndexFunc(programs, func(r BPFProgramRow) bool { return r.ID == uint32(progID) })
	if i < 0 {
		t.Fatalf("program %d is not among %v", progID, programs)
	}
	row, me := programs[i], BPFHolder{os.Getpid(), p.FD()}
	uid, _ := pi.CreatedByUID()
	loaded, _ := pi.LoadTime()
	if row.Type != "socket_filter" || row.Name != "hozen_prog" || row.Tag != pi.Tag || row.UID != uid || int64(row.LoadedNS) != int64(loaded) ||
		!slices.Equal(row.MapIDs, []uint32{uint32(mapID)}) || !slices.Contains(row.Holders, me) || !row.GPL || row.Error != "" {
		t.Errorf("got %+v\nwant tag %s, uid %d, loaded %d, map %d, holder %v", row, pi.Tag, uid, loaded, mapID, me)
	}
	rec, _ := s.Record("volatile/kernel/bpf/program-" + jsonNumber(int(progID)) + ".xlated")
	if size, _ := pi.TranslatedSize(); int(rec.Size) != size || size == 0 {
		t.Errorf("instructions: %s, %d bytes of %d, %s", rec.Outcome, rec.Size, size, rec.Note)
	}

	maps := rowsOf[BPFMapRow](t, s, table, "bpf_map")
	i = slices.IndexFunc(maps, func(r BPFMapRow) bool { return r.ID == uint32(mapID) })
	if i < 0 {
		t.Fatalf("map %d is not among %v", mapID, maps)
	}
	if r := maps[i]; r.Type != "hash" || r.Name != "hozen_map" || r.KeySize != 4 || r.ValueSize != 8 || r.MaxEntries != 17 ||
		!slices.Contains(r.Holders, BPFHolder{os.Getpid(), m.FD()}) {
		t.Errorf("map %+v", r)
	}
}

func TestParseBPFInfo(t *testing.T) {
	for text, want := range map[string]bpfObject{
		"pos:\t0\nprog_type:\t6\nprog_tag:\ta04f5eef06a7f555\nprog_id:\t42\n":     {bpfProgram, 42},
		"pos:\t0\nmap_type:\t1\nmap_id:\t7\nowner_prog_type:\t6\n":                {bpfMap, 7},
		"link_type:\txdp\nlink_id:\t3\nprog_tag:\t0\nprog_id:\t42\nifindex:\t2\n": {bpfLink, 3},
	} {
		if got, ok := parseBPFInfo(text); !ok || got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if _, ok := parseBPFInfo("pos:\t0\nprog_id:\t-1\n"); ok {
		t.Error("a negative id")
	}
}

func TestBPFLinkRow(t *testing.T) {
	b := make([]byte, 64)
	put32(b, 0, 3) // cgroup
	put32(b, 8, 42)
	put64(b, 16, 1<<40)
	put32(b, 24, 1)
	row := bpfLinkRow(5, b)
	if row.Type != "cgroup" || row.ProgramID != 42 || row.CgroupID != 1<<40 || row.AttachType == nil || *row.AttachType != 1 {
		t.Errorf("%+v", row)
	}
	if row := bpfLinkRow(5, nil); row.Type != "unspec" || row.AttachType != nil {
		t.Errorf("of nothing: %+v", row)
	}
	if got := nameOf(bpfLinkTypes, 999); got != "999" {
		t.Errorf("an unknown type is %q", got)
	}
}

func jsonNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}
