package onwindows

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/ntapi"
)

// makePE makes an image of three sections: .text (0x1000) whose bytes count up, and
// which has a pointer to be relocated at 0x1100 and an exported function Exported at
// 0x1200; .rdata (0x2000) with the tables; .reloc (0x3000).
func makePE(stamp uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0x400+4*0x1000)
	copy(b, "MZ")
	le.PutUint32(b[60:], 0x80)
	copy(b[0x80:], "PE\x00\x00\x64\x86\x03\x00")
	le.PutUint32(b[0x88:], stamp)
	le.PutUint16(b[0x94:], 240)
	o := b[0x98:]
	le.PutUint16(o, 0x20b)
	le.PutUint32(o[16:], 0x1010) // entry
	le.PutUint64(o[24:], 0x180000000)
	le.PutUint32(o[32:], 0x1000)
	le.PutUint32(o[36:], 0x200)
	le.PutUint32(o[56:], 0x4000)
	le.PutUint32(o[60:], 0x400)
	le.PutUint32(o[112:], 0x2000) // exports
	le.PutUint32(o[116:], 0x100)
	le.PutUint32(o[112+40:], 0x3000)
	le.PutUint32(o[116+40:], 12)
	for i, s := range []struct {
		name  string
		flags uint32
	}{{".text", 0x60000020}, {".rdata", 0x40000040}, {".reloc", 0x42000040}} {
		h := o[240+40*i:]
		copy(h, s.name)
		le.PutUint32(h[8:], 0x1000)
		le.PutUint32(h[12:], uint32(i+1)*0x1000)
		le.PutUint32(h[16:], 0x1000)
		le.PutUint32(h[20:], uint32(0x400+i*0x1000))
		le.PutUint32(h[36:], s.flags)
	}
	text := b[0x400:0x1400]
	for i := range text {
		text[i] = byte(i * 7)
	}
	le.PutUint64(text[0x100:], 0x180002000)
	e := b[0x1400:]
	le.PutUint32(e[20:], 1)
	le.PutUint32(e[24:], 1)
	le.PutUint32(e[28:], 0x2040)
	le.PutUint32(e[32:], 0x2048)
	le.PutUint32(e[36:], 0x2050)
	le.PutUint32(e[0x40:], 0x1200)
	le.PutUint32(e[0x48:], 0x2060)
	copy(e[0x60:], "Exported")
	r := b[0x2400:]
	le.PutUint32(r, 0x1000)
	le.PutUint32(r[4:], 12)
	le.PutUint16(r[8:], 0xa100)
	return b
}

// mapPE lays a file out as the loader does.
func mapPE(file []byte, base uint64) []byte {
	m := make([]byte, 0x4000)
	copy(m, file[:0x400])
	copy(m[0x1000:], file[0x400:0x3400])
	binary.LittleEndian.PutUint64(m[0x98+24:], base)
	binary.LittleEndian.PutUint64(m[0x1100:], binary.LittleEndian.Uint64(m[0x1100:])+base-0x180000000)
	return m
}

// A fakeMemory is the memory of a process, by the address of each run.
type fakeMemory map[uint64][]byte

func (m fakeMemory) ReadAt(b []byte, off int64) (int, error) {
	for start, data := range m {
		if at := uint64(off); at >= start && at < start+uint64(len(data)) {
			n := copy(b, data[at-start:])
			if n < len(b) {
				return n, errors.New("no access")
			}
			return n, nil
		}
	}
	return 0, errors.New("no access")
}

// A fake is a Windows with one program and two libraries.
type fake struct {
	snap    snapshot
	program fakeProgram
	files   map[string][]byte
	drivers *Drivers // nil: those built in
	// signature is nil where signatures are not looked at.
	signature SignatureCheck
}

type fakeProgram struct {
	path, kernelPath string
	peb              ntapi.PEB
	params           ntapi.Parameters
	modules          []ntapi.Module
	regions          []ntapi.Region
	mem              fakeMemory
	instructions     map[uint32]uint64
}

func (f *fake) snapshot(context.Context, *survey) snapshot { return f.snap }

func (f *fake) read(p *process) func() {
	p.mem = fakeMemory{}
	if p.info.PID == 100 {
		g := &f.program
		p.path, p.kernelPath, p.sid = g.path, g.kernelPath, "S-1-5-21-1"
		p.peb, p.pebRead, p.params, p.modules, p.regions, p.mem = g.peb, true, g.params, g.modules, g.regions, g.mem
		p.instructions = g.instructions
	}
	return func() {}
}

const (
	programAt = 0x140000000
	ntdllAt   = 0x7ff800000000
	pebAt     = 0x7ff0000
	paramsAt  = 0x7fe0000
	freeAt    = 0x10000000
)

// image maps a file, and puts it into the loader's lists.
func (f *fake) image(at uint64, path string, stamp uint32) {
	file := makePE(stamp)
	f.files[path] = file
	device := `\Device\HarddiskVolume3` + path[2:]
	g := &f.program
	g.mem[at] = mapPE(file, at)
	for i, protect := range []uint32{ntapi.PageReadOnly, ntapi.PageExecuteRead, ntapi.PageReadOnly, ntapi.PageReadOnly} {
		g.regions = append(g.regions, ntapi.Region{Base: at + uint64(i)*0x1000, Size: 0x1000, AllocationBase: at, State: ntapi.MemCommit, Protect: protect, Type: ntapi.MemImage, File: device})
	}
	n := len(g.modules) + 1
	g.modules = append(g.modules, ntapi.Module{Base: at, Size: 0x4000, FullName: path, BaseName: base(path), InLoad: n, InMemory: n, Wide: true})
}

// private adds memory that belongs to no file.
func (f *fake) private(data []byte, protect uint32) {
	g := &f.program
	g.mem[freeAt] = data
	g.regions = append(g.regions, ntapi.Region{Base: freeAt, Size: uint64(len(data)), AllocationBase: freeAt, State: ntapi.MemCommit, Protect: protect, Type: ntapi.MemPrivate})
}

const programPath = `C:\Users\u\tool.exe`

func newFake() *fake {
	f := &fake{files: map[string][]byte{}}
	f.snap = snapshot{
		raw:    []byte("the answer"),
		drives: ntapi.Drives{{Letter: "C:", Device: `\Device\HarddiskVolume3`}},
		places: places{windows: `C:\Windows`, programs: []string{`C:\Program Files`}},
		processes: []ntapi.Process{
			{PID: 4, Created: 1, Name: "System"}, {PID: 50, Created: 10, Name: "explorer.exe"},
			{PID: 100, Parent: 50, Created: 133_000_000_000_000_000, Name: "tool.exe", Threads: []ntapi.Thread{{TID: 7, Win32Start: programAt + 0x1010}}},
			{PID: 104, Parent: 50, Created: 20, Name: "lsass.exe"}, {PID: 108, Parent: 50, Created: 30, Name: "other.exe"},
		},
	}
	f.program = fakeProgram{path: programPath, kernelPath: programPath, mem: fakeMemory{}, peb: ntapi.PEB{Address: pebAt, Wide: true, ImageBase: programAt, Parameters: paramsAt}}
	f.program.params = ntapi.Parameters{ImagePath: programPath, CommandLine: "tool.exe", Flags: 1}
	f.image(programAt, programPath, 1)
	f.image(ntdllAt, `C:\Windows\System32\ntdll.dll`, 2)
	f.program.mem[pebAt] = make([]byte, 0x1000)
	f.commandLine("tool.exe", 16, 18)
	return f
}

// commandLine writes the UNICODE_STRING of the command line.
func (f *fake) commandLine(text string, length, most uint16) {
	b := make([]byte, 0x1000)
	binary.LittleEndian.PutUint16(b[commandAt:], length)
	binary.LittleEndian.PutUint16(b[commandAt+2:], most)
	binary.LittleEndian.PutUint64(b[commandAt+8:], paramsAt+0x400)
	for i := range len(text) {
		b[0x400+2*i] = text[i]
	}
	f.program.mem[paramsAt] = b
}

// run looks at the fake.
func (f *fake) run(t *testing.T) ([]memory.Indicator, *hosttest.Sink, *memory.Suspects) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("wine has no directory called C: that it can remove, and Windows none at all")
	}
	h := &collector.Host{Root: t.TempDir(), Live: true}
	for name, data := range f.files {
		at := filepath.Join(h.Root, filepath.FromSlash(hostName(name)))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, suspects := &hosttest.Sink{}, &memory.Suspects{}
	if err := collect(t.Context(), h, s, f, Options{Suspects: suspects, Drivers: f.drivers, Signature: f.signature}); err != nil {
		t.Fatal(err)
	}
	rows, err := jsonl.Read[memory.Indicator](s.Body(table))
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := s.Record(table); r.Note != "" {
		t.Errorf("%s: %s", r.Outcome, r.Note)
	}
	return rows, s, suspects
}
