package contents

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/proc"
	"hozen/collector/sparse"
	"hozen/packager/evidence"
	"hozen/testdata/fixtures/planted"
)

// take runs the collector on this machine.
func take(t *testing.T, o Options) (*hosttest.Sink, []Content) {
	t.Helper()
	s := &hosttest.Sink{}
	if err := Contents(o).Collect(t.Context(), collector.ThisHost(), s); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[Content](s.Body(table))
	if err != nil {
		t.Fatal(err)
	}
	return s, rows
}

// rowOf finds the row of a kind that a process holds.
func rowOf(t *testing.T, rows []Content, kind string, pid int, inode uint64) Content {
	t.Helper()
	for _, r := range rows {
		if r.Kind == kind && (inode == 0 || r.Inode == inode) && slices.ContainsFunc(r.Holders, func(h Holder) bool { return h.PID == pid }) {
			return r
		}
	}
	t.Fatalf("no row %s of process %d, inode %d, among %d", kind, pid, inode, len(rows))
	return Content{}
}

func TestDeletedContentsAreTaken(t *testing.T) {
	b := planted.Build(t)
	image, memfdImage := b.Start(t, "image-deleted"), b.Start(t, "image-memfd")
	library := b.Start(t, "map-deleted-file")
	open, data, big := b.Start(t, "deleted-open"), b.Start(t, "memfd-data"), b.Start(t, "hostile-memfd")
	s, rows := take(t, Options{})
	program, err := os.ReadFile(b.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []planted.Truth{image, memfdImage} {
		r := rowOf(t, rows, "image", p.PID, 0)
		if !bytes.Equal(s.Body(r.Path), program) {
			t.Errorf("%s: %d bytes are not the program's %d", p.Kind, len(s.Body(r.Path)), len(program))
		}
	}
	if os.Geteuid() == 0 { // map_files(5) is root's
		if r := rowOf(t, rows, "mapped_file", library.PID, 0); len(s.Body(r.Path)) == 0 {
			t.Errorf("the deleted library: %+v", r)
		}
	}
	for kind, p := range map[string]planted.Truth{"deleted_file": open, "memfd": data} {
		r := rowOf(t, rows, kind, p.PID, p.Inode)
		wantWhole(t, s, r, p)
	}
	wantWhole(t, s, rowOf(t, rows, "memfd", big.PID, big.Inode), big)
}

// wantWhole puts a sparse file together again, and looks for what was planted.
func wantWhole(t *testing.T, s *hosttest.Sink, r Content, p planted.Truth) {
	t.Helper()
	rec, _ := s.Record(r.Path)
	if r.Size != p.Size || r.Taken != rec.Size || r.Taken > 4<<20 || rec.Shortfall {
		t.Errorf("%s: %+v, %s %s", p.Kind, r, rec.Outcome, rec.Note)
	}
	extents, err := jsonl.Read[sparse.Extent](s.Body(r.Extents))
	if err != nil || len(extents) < 3 {
		t.Fatalf("%s: extents %v, %v", p.Kind, extents, err)
	}
	body, found := s.Body(r.Path), 0
	for _, e := range extents {
		part := body[:e.Length]
		body = body[e.Length:]
		for _, at := range []int64{0, p.Size / 2, p.Size - int64(len(p.Bytes))} {
			if at >= e.Offset && at+int64(len(p.Bytes)) <= e.Offset+e.Length && bytes.HasPrefix(part[at-e.Offset:], p.Bytes) {
				found++
			}
		}
	}
	if found != 3 || len(body) != 0 {
		t.Errorf("%s: %d of 3 texts at their places, %d bytes over", p.Kind, found, len(body))
	}
}

func TestOneFileOfManyHoldersIsTakenOnce(t *testing.T) {
	b := planted.Build(t)
	p := b.Start(t, "deleted-open")
	f, err := os.Open(fmt.Sprintf("/proc/%d/fd/%d", p.PID, p.FD))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, rows := take(t, Options{})
	r := rowOf(t, rows, "deleted_file", p.PID, p.Inode)
	for _, pid := range []int{p.PID, os.Getpid()} { // who else reads /proc just now holds it, too
		if !slices.ContainsFunc(r.Holders, func(h Holder) bool { return h.PID == pid && h.FD != nil }) {
			t.Errorf("%d is not among the holders %+v", pid, r.Holders)
		}
	}
	n := 0
	for _, other := range rows {
		if other.Inode == p.Inode && other.Dev == r.Dev {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d rows for one file", n)
	}
}

func TestRegionsOfSuspects(t *testing.T) {
	b := planted.Build(t)
	p := b.Start(t, "map-elf-anonymous")
	gone := memory.Suspect{PID: p.PID, StartTicks: p.StartTicks + 1, Level: memory.High, Regions: []memory.Region{{Start: p.Start, End: p.End, Why: "x"}}}
	var suspects memory.Suspects
	if s, _ := take(t, Options{Suspects: &suspects}); !strings.Contains(record(t, s, "memory/contents/regions").Note, "no indicators were looked for") {
		t.Error("it is not said that there are no suspects")
	}
	suspects.Add(memory.Suspect{PID: p.PID, StartTicks: p.StartTicks, Level: memory.High, Regions: []memory.Region{{Start: p.Start, End: p.End, Why: "map-elf-anonymous"}}})
	suspects.Add(gone)
	suspects.Done(nil)
	s, rows := take(t, Options{Suspects: &suspects})
	r := rowOf(t, rows, "region", p.PID, 0)
	if body := s.Body(r.Path); !bytes.HasPrefix(body, p.Bytes) || int64(len(body)) != r.Size || r.Size != int64(p.End-p.Start) {
		t.Errorf("%+v: %d bytes, begin with %x", r, len(body), body[:min(16, len(body))])
	}
	if rec := record(t, s, fmt.Sprintf("memory/contents/%d-%d/%x-%x.bin", p.PID, p.StartTicks+1, p.Start, p.End)); rec.Outcome != evidence.Absent {
		t.Errorf("a process of another start was read: %+v", rec)
	}
	suspects.Add(memory.Suspect{PID: p.PID, StartTicks: p.StartTicks, Level: memory.High, Regions: []memory.Region{{Start: p.End + 1<<20, End: p.End + 2<<20, Why: "x"}}})
	if s, _ := take(t, Options{Suspects: &suspects, PerProcess: r.Size}); !record(t, s, fmt.Sprintf("memory/contents/%d-%d/more", p.PID, p.StartTicks)).Shortfall {
		t.Error("it is not recorded what the limit left out")
	}
	if s, rows = take(t, Options{Suspects: &suspects, PerProcess: 100}); record(t, s, rowOf(t, rows, "region", p.PID, 0).Path).Outcome != evidence.Partial {
		t.Error("the limit of a process did not cut")
	}
}

// A sample of what is explained is the plan: a browser must not keep anybody from
// switching off.
func TestSampleOfWhatIsLowIsNoShortfall(t *testing.T) {
	p := planted.Build(t).Start(t, "map-elf-anonymous")
	for level, short := range map[memory.Level]bool{memory.Low: false, memory.Medium: true} {
		var suspects memory.Suspects
		suspects.Add(memory.Suspect{PID: p.PID, StartTicks: p.StartTicks, Level: level, Regions: []memory.Region{
			{Start: p.Start, End: p.End, Why: "x"}, {Start: p.End + 1<<20, End: p.End + 2<<20, Why: "x"}}})
		suspects.Done(nil)
		s, rows := take(t, Options{Suspects: &suspects, PerProcess: 100, PerLow: 64})
		if r := record(t, s, rowOf(t, rows, "region", p.PID, 0).Path); r.Outcome != evidence.Partial || r.Shortfall != short {
			t.Errorf("%s: %s, shortfall %v", level, r.Outcome, r.Shortfall)
		}
		if r := record(t, s, fmt.Sprintf("memory/contents/%d-%d/more", p.PID, p.StartTicks)); r.Outcome != evidence.Skipped || r.Shortfall != short {
			t.Errorf("%s: more is %s, shortfall %v", level, r.Outcome, r.Shortfall)
		}
	}
}

func record(t *testing.T, s *hosttest.Sink, path string) evidence.Record {
	t.Helper()
	r, ok := s.Record(path)
	if !ok {
		t.Fatalf("%s is not there", path)
	}
	return r
}

// coreOf dumps a process, and reads the core with another program's eyes.
func coreOf(t *testing.T, p planted.Truth, freeze bool) (*elf.File, Content, []byte) {
	t.Helper()
	s, rows := take(t, Options{Dump: []int{p.PID}, Freeze: freeze})
	r := rowOf(t, rows, "core", p.PID, 0)
	body := s.Body(r.Path)
	if rec := record(t, s, r.Path); rec.Shortfall || int64(len(body)) != r.Size || r.Taken != r.Size {
		t.Fatalf("%+v: %d bytes, %s %s", r, len(body), rec.Outcome, rec.Note)
	}
	f, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return f, r, body
}

func TestCoreHoldsTheMemory(t *testing.T) {
	b := planted.Build(t)
	p := b.Start(t, "map-elf-anonymous")
	f, r, _ := coreOf(t, p, false)
	if f.Type != elf.ET_CORE || r.Frozen != "" {
		t.Errorf("type %v, frozen %q", f.Type, r.Frozen)
	}
	var covered uint64
	for _, ph := range f.Progs {
		if ph.Type == elf.PT_LOAD && ph.Vaddr <= p.Start && p.End <= ph.Vaddr+ph.Filesz {
			got := make([]byte, len(p.Bytes))
			if _, err := ph.ReadAt(got, int64(p.Start-ph.Vaddr)); err != nil || !bytes.Equal(got, p.Bytes) {
				t.Errorf("at %#x: %x, %v", p.Start, got, err)
			}
			covered++
		}
	}
	if covered != 1 {
		t.Errorf("%d segments hold the region", covered)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.PID))
	if err != nil {
		t.Fatal(err)
	}
	maps, _, _ := proc.ParseMappings(string(text))
	for _, m := range maps { // every mapping is in the core, to its last byte
		at := m.Start
		for _, ph := range f.Progs {
			if ph.Type == elf.PT_LOAD && ph.Vaddr <= at && at < ph.Vaddr+ph.Memsz {
				at = ph.Vaddr + ph.Memsz
			}
		}
		if at < m.End && m.Path != "[stack]" { // which grows
			t.Errorf("%x-%x %s is in the core up to %x", m.Start, m.End, m.Path, at)
		}
	}
}

func TestCoreOpensInGDB(t *testing.T) {
	gdb, err := exec.LookPath("gdb")
	if err != nil {
		t.Skip("gdb is not installed")
	}
	b := planted.Build(t)
	p := b.Start(t, "map-elf-anonymous")
	_, r, body := coreOf(t, p, true)
	if !strings.HasPrefix(r.Frozen, "stopped by SIGSTOP") {
		t.Errorf("frozen: %q", r.Frozen)
	}
	core := t.TempDir() + "/core"
	if err := os.WriteFile(core, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(gdb, "-batch", "-nx", "-ex", "info proc", "-ex", "info threads", "-ex", "info registers pc sp",
		"-ex", fmt.Sprintf("x/4xb %#x", p.Start), b.Path(), core).CombinedOutput()
	text := string(out)
	for _, want := range []string{"0x7f\t0x45\t0x4c\t0x46", "Core was generated by", "LWP " + strconv.Itoa(p.PID)} {
		if !strings.Contains(text, want) {
			t.Errorf("gdb does not say %q: %v\n%s", want, err, text)
		}
	}
	if strings.Contains(text, "pc             0x0 ") || strings.Contains(text, "not a core dump") || strings.Contains(text, "truncated") {
		t.Errorf("gdb says\n%s", text)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if s, _ := proc.ParseStat(string(stat)); err != nil || s.State == "T" {
		t.Errorf("it does not go on: %s %v", stat, err)
	}
}

func TestWhatCannotBeDumped(t *testing.T) {
	s, rows := take(t, Options{Dump: []int{os.Getpid(), 2, 1 << 30}})
	for pid, want := range map[int]evidence.Outcome{os.Getpid(): evidence.Skipped, 1 << 30: evidence.Failed} {
		r := rowOf(t, rows, "core", pid, 0)
		if rec := record(t, s, r.Path); rec.Outcome != want || r.Note == "" {
			t.Errorf("%d: %s %s, %+v", pid, rec.Outcome, rec.Note, r)
		}
	}
	if stat, err := os.ReadFile("/proc/2/stat"); err == nil && bytes.Contains(stat, []byte("(kthreadd)")) {
		if rec := record(t, s, rowOf(t, rows, "core", 2, 0).Path); rec.Outcome != evidence.Absent && rec.Outcome != evidence.Denied {
			t.Errorf("kthreadd: %s %s", rec.Outcome, rec.Note)
		}
	}
}

func TestHostileProcessesAreTaken(t *testing.T) {
	b := planted.Build(t)
	for _, kind := range []string{"hostile-mappings", "hostile-remapping", "hostile-names", "hostile-descriptors"} {
		p := b.Start(t, kind)
		if p.Skip != "" {
			continue
		}
		s, rows := take(t, Options{Dump: []int{p.PID}})
		r := rowOf(t, rows, "core", p.PID, 0)
		body := s.Body(r.Path)
		if int64(len(body)) != r.Size || r.Size == 0 {
			t.Errorf("%s: %d bytes of %d", kind, len(body), r.Size)
			continue
		}
		if kind == "hostile-mappings" && len(body) > 0 && body[56] == 0xff && body[57] == 0xff { // PN_XNUM: debug/elf cannot read it
			continue
		}
		if _, err := elf.NewFile(bytes.NewReader(body)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestCollectorKeepsTheRules(t *testing.T) {
	hosttest.Conform(t, Contents(Options{}), &collector.Host{Root: t.TempDir()})
	hosttest.Conform(t, Contents(Options{Suspects: &memory.Suspects{}, Dump: []int{os.Getpid()}}), collector.ThisHost())
}

// TestPayloadAtTheEndOfAWideRegion: the limit of a process is for what it has
// touched, not for the emptiness before it.
func TestPayloadAtTheEndOfAWideRegion(t *testing.T) {
	const wide = 1 << 30
	b, err := unix.Mmap(-1, 0, wide, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	copy(b[wide-4096:], "payload")
	start := uint64(uintptr(unsafe.Pointer(&b[0])))
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	self, err := proc.ParseStat(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var suspects memory.Suspects
	suspects.Add(memory.Suspect{PID: self.PID, StartTicks: self.Start(), Level: memory.High, Regions: []memory.Region{{Start: start, End: start + wide, Why: "map-rwx"}}})
	suspects.Done(nil)
	s, rows := take(t, Options{Suspects: &suspects, PerProcess: 8 << 20})
	r := rowOf(t, rows, "region", self.PID, 0)
	if r.Taken > 8<<20 || !bytes.Contains(s.Body(r.Path), []byte("payload")) {
		t.Errorf("%+v", r)
	}
}
