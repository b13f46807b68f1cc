package onwindows

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"hozen/collector/hosttest"
	"hozen/collector/ntapi"
	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

// A replay answers what was recorded of one process.
type replay struct {
	answers map[string]winsys.Pieces
	errs    map[string]string
	memory  winsys.Pieces
	mapped  []ntapi.Region
}

func newReplay(raw string) (*replay, error) {
	r := &replay{answers: map[string]winsys.Pieces{}, errs: map[string]string{}}
	for raw != "" {
		s, rest, err := section.Cut(raw)
		if err != nil {
			return r, err
		}
		raw = rest
		p, err := winsys.ParsePieces([]byte(s.Data))
		switch {
		case err != nil:
			return r, err
		case s.Name == "memory":
			r.memory = p
		case len(p) == 0:
			r.errs[s.Name] = s.Err
		default:
			r.answers[s.Name] = p
		}
	}
	return r, nil
}

func (r *replay) ask(q question) (ntapi.Answer, error) {
	if p := r.answers[q.String()]; len(p) > 0 {
		return ntapi.Answer{Base: p[0].Addr, Data: p[0].Data}, nil
	}
	return ntapi.Answer{}, evidence.NotHere("recorded: %s", r.errs[q.String()])
}

func (r *replay) ReadAt(b []byte, at int64) (int, error) {
	got := r.memory.From(uint64(at))
	n := copy(b, got)
	if n < len(b) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

func (r *replay) regions(context.Context) ([]ntapi.Region, error) { return r.mapped, nil }

// noNames is a namer that knows nothing.
type noNames struct{}

func (noNames) Name(h ntapi.Handle, kind string) (string, error) { return "", nil }
func (noNames) Target(h ntapi.Handle, kind string) (uint32, uint32, error) {
	return 0, 0, evidence.Gone("closed")
}

// recordedSystem answers what is in testdata/processes; change may alter each file first.
func recordedSystem(t testing.TB, change func(name string, b []byte) []byte) processSystem {
	read := func(name string) []byte {
		b := hosttest.Unzip(t, "testdata/processes/"+name+".bin.gz")
		if change != nil {
			b = change(name, b)
		}
		return b
	}
	answer := func(name string) (ntapi.Answer, error) {
		p, err := winsys.ParsePieces(read(name))
		if err != nil || len(p) == 0 {
			return ntapi.Answer{}, errors.Join(errors.New("recorded answer"), err)
		}
		return ntapi.Answer{Base: p[0].Addr, Data: p[0].Data}, nil
	}
	return processSystem{
		system: func(class ntapi.SystemClass, _ int) (ntapi.Answer, error) {
			switch class {
			case ntapi.SystemExtendedProcess:
				return answer("system")
			case ntapi.SystemExtendedHandle:
				return answer("handles")
			case ntapi.SystemModuleEx:
				return answer("drivers")
			}
			return ntapi.Answer{}, evidence.NotHere("class %d: not recorded", class)
		},
		types: func() (ntapi.Answer, error) { return answer("types") },
		pids:  func(context.Context, uint32) ([]uint32, error) { return []uint32{32, 56, 4444}, nil },
		open: func(pid uint32, created uint64) (*openedProcess, error) {
			switch pid {
			case 56:
				r, err := newReplay(string(read("services")))
				return &openedProcess{subject: r, created: created, handle: 0x38}, errors.Join(nil, ignore(err))
			case 4444:
				return &openedProcess{subject: &replay{}, created: 134398137926568081}, nil
			}
			return nil, evidence.Gone("process %d: it has ended", pid)
		},
		enableDebug: func() (bool, error) { return true, nil },
		names: func() (ntapi.Drives, string) {
			return ntapi.Drives{{Letter: "C:", Device: `\Device\HarddiskVolume1`}}, `C:\windows`
		},
		namer: func() (namer, func()) { return noNames{}, func() {} },
	}
}

// ignore: a raw item that was altered is replayed as far as it goes.
func ignore(error) error { return nil }

func collectProcessesFrom(t testing.TB, sys processSystem) *hosttest.Sink {
	t.Helper()
	var s hosttest.Sink
	h := liveHost()
	if err := collectProcesses(t.Context(), h, &s, sys); err != nil {
		t.Fatal(err)
	}
	return &s
}

// TestRecordedProcesses holds the rows of recorded answers against what these rows were when
// the answers were recorded, under Wine: no other tool was asked about that prefix. That the
// answers are read as Windows means them, TestLiveProcesses and package ntapi's tests say.
func TestRecordedProcesses(t *testing.T) {
	s := collectProcessesFrom(t, recordedSystem(t, nil))
	checkTables(t, s)
	rows := rowsOf[ProcessRow](t, s, processTable)
	var names []string
	for _, r := range rows {
		names = append(names, string(r.Name))
	}
	if want := []string{"dump.exe", "services.exe", "winedevice.exe", "explorer.exe", "winedevice.exe", "plugplay.exe", "svchost.exe", "rpcss.exe", ""}; !slices.Equal(names, want) {
		t.Fatalf("processes: %q", names)
	}
	p := rows[1]
	if p.PID != 56 || p.StartedAt != 134398137926568080 || p.Start != "2026-11-22T09:36:32.656808000Z" || *p.Session != 1 ||
		p.Image != `C:\windows\system32\services.exe` || p.PEBImage != p.Image || p.LoaderImage != p.Image || p.ImageNT != `\??\C:\windows\system32\services.exe` ||
		p.PEBCommandLine != `"C:\windows\system32\services.exe"` || p.Cwd != `C:\windows\` || len(p.Environ) != 46 || !slices.Contains(p.Environ, "USERDOMAIN=VM") {
		t.Errorf("services.exe: %+v", p)
	}
	if p.User.SID != "S-1-5-21-0-0-0-1000" || p.Integrity != "high" || p.Elevation != "full" || !p.Elevated || len(p.Privileges) < 20 || len(p.Groups) != 8 {
		t.Errorf("services.exe runs as: %+v", p)
	}
	if !slices.Equal(p.SeenIn, []string{"list", "number", "handles"}) || len(p.Differences) != 0 || p.Counts.Modules < 8 {
		t.Errorf("services.exe: %v %v %+v", p.SeenIn, p.Differences, p.Counts)
	}
	if hidden := rows[8]; hidden.PID != 4444 || !slices.Equal(hidden.SeenIn, []string{"number"}) || hidden.StartedAt == 0 {
		t.Errorf("a process that no list has: %+v", hidden)
	}
	if gone := rows[3]; gone.Unread == "" || gone.Name != "explorer.exe" {
		t.Errorf("a process that has ended: %+v", gone)
	}
	modules := rowsOf[ProcessModuleRow](t, s, processFiles+"modules.jsonl")
	if len(modules) != p.Counts.Modules || modules[0].Name != "services.exe" || modules[0].InLoad != 1 || modules[1].Name != "ntdll.dll" || modules[1].InInit != 1 {
		t.Errorf("modules: %+v", modules)
	}
	threads := rowsOf[ThreadRow](t, s, processFiles+"threads.jsonl")
	if len(threads) != 43 {
		t.Errorf("%d threads", len(threads))
	}
	handles := rowsOf[HandleRow](t, s, processFiles+"handles.jsonl")
	if len(handles) != 360 || handles[0].PID == 0 || handles[0].Handle != "0x4" {
		t.Errorf("%d handles", len(handles))
	}
	drivers := rowsOf[DriverRow](t, s, processFiles+"drivers.jsonl")
	if len(drivers) != 3 || drivers[2].Name != "mountmgr.sys" || drivers[2].Path != `C:\windows\system32\drivers\mountmgr.sys` || drivers[0].Base != "0x10000000" {
		t.Errorf("drivers: %+v", drivers)
	}
}

// TestDamagedProcesses cuts and changes every recorded answer: there are rows or errors, and
// nothing else happens.
func TestDamagedProcesses(t *testing.T) {
	for _, name := range []string{"system", "handles", "types", "drivers", "services"} {
		for _, how := range []func(b []byte) []byte{
			func(b []byte) []byte { return b[:0] },
			func(b []byte) []byte { return b[:len(b)/2] },
			func(b []byte) []byte { b[8], b[9] = 0xff, 0xff; return b },
			func(b []byte) []byte {
				for i := 16; i < len(b); i += 97 {
					b[i] ^= 0xff
				}
				return b
			},
		} {
			s := collectProcessesFrom(t, recordedSystem(t, func(file string, b []byte) []byte {
				if file == name {
					return how(b)
				}
				return b
			}))
			if _, ok := s.Record(processTable); !ok {
				t.Errorf("%s: no table", name)
			}
		}
	}
}

// FuzzProcessRaw replays the raw item of a process with any changes. The changes are what is
// fuzzed, since the engine spends a minute on making each new text of its size smaller.
func FuzzProcessRaw(f *testing.F) {
	recorded := hosttest.Unzip(f, "testdata/processes/services.bin.gz")
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, '<'})                           // the first header
	f.Add([]byte{0, 8, 1, 40, 0, 16, 2, 200, 9, 4, 7, 1}) // some bytes less, some twice, another address
	basis := &processBasis{root: `C:\Windows`}
	f.Fuzz(func(t *testing.T, changes []byte) {
		s, _ := newReplay(string(changed(recorded, changes)))
		r := processReader{s: s, basis: basis, processRead: &processRead{row: &ProcessRow{PID: 1}}}
		r.read(context.Background(), nil)
		if len(r.modules) > 1<<16 || strings.Contains(string(r.row.Unread), "panic") {
			t.Error("more than could be")
		}
	})
}

// changed makes changes to a copy of b. One has 4 bytes: where (2, little-endian), what, and
// how much of it.
func changed(b, changes []byte) []byte {
	b = slices.Clone(b)
	for range 64 {
		if len(changes) < 4 || len(b) == 0 {
			break
		}
		at, what, n := (int(changes[0])|int(changes[1])<<8)%len(b), changes[2], int(changes[3])
		changes = changes[4:]
		end := min(at+n, len(b))
		switch what % 4 {
		case 0:
			b[at] = byte(n)
		case 1:
			b = slices.Delete(b, at, end)
		case 2:
			b = slices.Insert(b, at, slices.Clone(b[at:end])...)
		case 3: // a number of 8 bytes
			for i := range b[at:min(at+8, len(b))] {
				b[at+i] = 0
			}
			b[min(at+int(what>>2)%8, len(b)-1)] = byte(n)
		}
	}
	return b
}
