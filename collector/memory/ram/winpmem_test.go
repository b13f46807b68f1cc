package ram

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// pmemRange is a PHYSICAL_MEMORY_RANGE.
type pmemRange struct{ start, size uint64 }

// pmemAnswer lays out what the driver says, field by field as winpmem_shared.h has
// them: CR3, NtBuildNumber, KernBase, KDBG, KPCR[64], PfnDataBase, PsLoadedModuleList,
// PsActiveProcessHead, NtBuildNumberAddr, Padding[0xfe], NumberOfRuns, Run[].
func pmemAnswer(cr3, kernel uint64, runs ...pmemRange) []byte {
	var b []byte
	put := func(v ...uint64) {
		for _, v := range v {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	put(cr3, 19045, kernel, 0)
	put(make([]uint64, 64)...)
	put(0, 0, 0, 0)
	put(make([]uint64, 0xfe)...)
	put(uint64(len(runs)))
	for _, r := range runs {
		put(r.start, r.size)
	}
	return b
}

// A fakePmem is a driver over a memory of 8 MiB with a hole, and one page that cannot
// be read.
type fakePmem struct {
	answer []byte
	memory []byte
	bad    int64
	closed bool
}

func (p *fakePmem) info() ([]byte, error) { return p.answer, nil }
func (p *fakePmem) Close() error          { p.closed = true; return nil }

func (p *fakePmem) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > int64(len(p.memory)) || p.bad >= at && p.bad < at+int64(len(b)) {
		return 0, errors.New("bad address")
	}
	return copy(b, p.memory[at:]), nil
}

const fakeKernel = 0xfffff80312a00000

// newPmem makes a memory whose page tables map the kernel at 0x600000 by a large page.
func newPmem(levels int) *fakePmem {
	p := &fakePmem{memory: make([]byte, 8<<20), bad: 0x212345}
	for i := range p.memory {
		p.memory[i] = byte(i >> 12)
	}
	table := uint64(0x101000)
	for level := levels - 1; level >= 1; level-- {
		at := table + uint64(fakeKernel)>>(12+9*level)&511*8
		next := table + 0x1000 | 1
		if level == 1 {
			next = 0x600000 | entryPresent | entryLarge
		}
		clear(p.memory[table : table+0x1000])
		binary.LittleEndian.PutUint64(p.memory[at:], next)
		table += 0x1000
	}
	copy(p.memory[0x600000:], "MZ")
	p.answer = pmemAnswer(0x101000|0x18, fakeKernel, pmemRange{0x1000, 0x9e000}, pmemRange{0x100000, 0x700000})
	return p
}

func takePmem(t *testing.T, o Options, h *collector.Host) (*hosttest.Sink, SummaryRow, SourceRow) {
	t.Helper()
	s := &hosttest.Sink{}
	if err := RAM(o).Collect(t.Context(), h, s); err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for line := range bytes.Lines(s.Body(mapPath)) {
		lines = append(lines, line)
	}
	if len(lines) < 2 {
		t.Fatalf("the map has %d rows", len(lines))
	}
	source, err1 := jsonl.Read[SourceRow](lines[0])
	sum, err2 := jsonl.Read[SummaryRow](lines[len(lines)-1])
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return s, sum[0], source[0]
}

func TestMemoryThroughADriver(t *testing.T) {
	for _, levels := range []int{4, 5} {
		p := newPmem(levels)
		s, sum, source := takePmem(t, Options{driver: func() (driver, error) { return p, nil }}, &collector.Host{Root: t.TempDir(), Live: true})
		if !source.Used || sum.PagesUnreadable != 1 || !strings.Contains(sum.Checked, "0x600000") || !p.closed {
			t.Fatalf("%d levels: %+v, %+v", levels, source, sum)
		}
		ranges := readLime(t, s.Body(imagePath))
		if len(ranges) != 2 || ranges[0].start != 0x1000 || ranges[1].end != 0x7fffff {
			t.Fatalf("%+v", ranges)
		}
		want := bytes.Clone(p.memory[0x100000:])
		clear(want[0x112000:0x113000])
		if !bytes.Equal(ranges[1].b, want) {
			t.Error("the image is not the memory")
		}
		if !bytes.Equal(s.Body(pmemInfoPath), p.answer) {
			t.Error("what the driver said is not kept")
		}
	}
}

func TestDriversThatWillNotDo(t *testing.T) {
	other := newPmem(4)
	copy(other.memory[0x600000:], "\x00\x00")
	short := newPmem(4)
	short.answer = short.answer[:100]
	for name, c := range map[string]struct {
		open driverOpener
		want evidence.Outcome
		says string
	}{
		"no driver":       {func() (driver, error) { return nil, &fs.PathError{Op: "open", Path: pmemName, Err: fs.ErrNotExist} }, evidence.Failed, "winpmem install"},
		"a normal user":   {func() (driver, error) { return nil, &fs.PathError{Op: "open", Path: pmemName, Err: fs.ErrPermission} }, evidence.Denied, "run as administrator"},
		"other memory":    {func() (driver, error) { return other, nil }, evidence.Failed, "there is no program"},
		"another program": {func() (driver, error) { return short, nil }, evidence.Failed, "not as WinPmem does"},
	} {
		s, _, source := takePmem(t, Options{driver: c.open}, &collector.Host{Root: t.TempDir(), Live: true})
		r, _ := s.Record(imagePath)
		if r.Outcome != c.want || !strings.Contains(r.Note, c.says) || source.Used || source.Remedy == "" {
			t.Errorf("%s: %s %q, %+v", name, r.Outcome, r.Note, source)
		}
	}
}

func TestPageFilesAreTaken(t *testing.T) {
	h := &collector.Host{Root: t.TempDir(), Live: true, Drives: []string{"C:"}}
	for name, text := range map[string]string{"C:/pagefile.sys": "paged", "C:/hiberfil.sys": "slept", "C:/Windows/MEMORY.DMP": "PAGEDU64"} {
		at := filepath.Join(h.Root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	none := func() (driver, error) { return nil, fs.ErrNotExist }
	s, _, _ := takePmem(t, Options{driver: none, Swap: true}, h)
	for name, want := range map[string]string{"C-pagefile.sys": "paged", "C-hiberfil.sys": "slept", "C-MEMORY.DMP": "PAGEDU64"} {
		if got := string(s.Body("memory/ram/swap/" + name)); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	s, _, _ = takePmem(t, Options{driver: none}, h)
	if !bytes.Contains(s.Body(mapPath), []byte(`C:\\pagefile.sys`)) || len(s.Body("memory/ram/swap/C-pagefile.sys")) != 0 {
		t.Error("without --swap they are named, and not taken")
	}
}

func FuzzPmem(f *testing.F) {
	f.Add(newPmem(4).answer)
	f.Add(pmemAnswer(0, 0, pmemRange{1 << 60, 1 << 60}, pmemRange{0, 8192}, pmemRange{4096, 8192}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parsePmem(b)
		if err != nil {
			return
		}
		for i, r := range m.ram {
			if r.start >= r.end || r.end > maxPhysical || i > 0 && r.start < m.ram[i-1].end {
				t.Fatalf("%+v", m.ram)
			}
		}
	})
}
