package ntapi

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcesses(t *testing.T) {
	for _, class := range []SystemClass{SystemProcess, SystemExtendedProcess, SystemFullProcess} {
		all, err := Processes(madeProcesses(class).answer(), class)
		if err != nil || len(all) != 2 {
			t.Fatalf("class %d: %d processes, %v", class, len(all), err)
		}
		p := all[1]
		if p.PID != 4242 || p.Parent != 17 || p.Created != 134398127051131720 || p.Session != 3 || p.Handles != 99 ||
			p.Name != "evil\xed\xa0\x80.exe" || p.UserTime != 10000000 || p.PrivateBytes != 1<<20 {
			t.Errorf("class %d: %+v", class, p)
		}
		if len(p.Threads) != 2 || p.Threads[1].TID != 104 || p.Threads[1].PID != 4242 || p.Threads[0].WaitReasonName() != "Suspended" ||
			!p.Threads[0].Suspended() || p.Threads[1].Suspended() || p.Threads[0].StateName() != "waiting" {
			t.Errorf("class %d: threads %+v", class, p.Threads)
		}
		if extended := class != SystemProcess; (p.Threads[1].Win32Start == 0x7ff612340000) != extended {
			t.Errorf("class %d: start %#x", class, p.Threads[1].Win32Start)
		}
		if full := class == SystemFullProcess; full != (p.SID == "S-1-5-18" && p.PackageFullName == "Pack_1.0_x64") {
			t.Errorf("class %d: %q %q", class, p.SID, p.PackageFullName)
		}
	}
}

func TestProcessesLie(t *testing.T) {
	for name, change := range map[string]func(m *made){
		"the next entry is inside this one": func(m *made) { m.put(0, uint32(8)) },
		"the next entry is far away":        func(m *made) { m.put(0, uint32(0xfffffff0)) },
		"the answer ends in an entry":       func(m *made) { m.b = m.b[:0x180] },
		"more threads than fit":             func(m *made) { m.put(0x104, uint32(0xffffffff)) },
		"a name elsewhere":                  func(m *made) { m.put(0x100+0x40, uint64(0x1000)) },
	} {
		m := madeProcesses(SystemExtendedProcess)
		change(m)
		all, err := Processes(m.answer(), SystemExtendedProcess)
		if !errors.Is(err, ErrShort) || len(all) == 0 {
			t.Errorf("%s: %d processes, %v", name, len(all), err)
		}
	}
}

func TestHandles(t *testing.T) {
	m := &made{}
	m.put(0, uint64(3))
	for i := range 2 {
		at := 16 + i*handleSize
		m.put(at, []uint64{0xffff800000001000, uint64(4 + 4*i), 0x1c})
		m.put(at+0x18, uint32(0x1fffff))
		m.put(at+0x1e, uint16(7))
		m.put(at+0x20, []uint32{2, 0})
	}
	all, err := Handles(m.answer())
	if !errors.Is(err, ErrShort) || len(all) != 2 || all[1] != (Handle{0xffff800000001000, 8, 0x1c, 0x1fffff, 7, 2}) {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestObjectTypes(t *testing.T) {
	m := &made{base: 0x1000}
	m.put(0, uint32(2))
	for i, name := range []string{"Type", "Process"} {
		at := 8 + i*(0x68+8)
		m.text(at, at+0x68, name[:4])
		m.put(at+2, uint16(8))
		m.put(at+0x5a, uint8(7*i))
	}
	all, err := ObjectTypes(m.answer())
	if err != nil || len(all) != 2 || all[0].Index != 2 || all[1].Index != 7 || all[1].Name != "Proc" {
		t.Errorf("%+v, %v", all, err)
	}
	m.put(0, uint32(200))
	if all, err = ObjectTypes(m.answer()); !errors.Is(err, ErrShort) || len(all) < 2 {
		t.Errorf("too many: %d, %v", len(all), err)
	}
}

func TestDrivers(t *testing.T) {
	plain, ex := &made{}, &made{}
	plain.put(0, uint32(2))
	write := func(m *made, at int) {
		m.put(at+0x10, uint64(0xfffff80012340000))
		m.put(at+0x18, []uint32{0x21000, 3})
		m.put(at+0x20, []uint16{5, 6, 1, 29})
		m.put(at+0x28, []byte(`\SystemRoot\System32\drivers\tcpip.sys`))
		m.put(at+driverSize-1, uint8(0))
	}
	write(plain, 8)
	write(ex, 8)
	ex.put(0, uint16(driverSizeEx))
	ex.put(0x130, []uint32{0xabc, 0x5f000000})
	ex.put(0x138, uint64(0x140000000))
	ex.put(driverSizeEx, uint16(0))
	all, err := Drivers(plain.answer(), SystemModule)
	if !errors.Is(err, ErrShort) || len(all) != 1 || all[0].Path[all[0].NameAt:] != "tcpip.sys" || all[0].LoadOrder != 5 {
		t.Errorf("%+v, %v", all, err)
	}
	all, err = Drivers(ex.answer(), SystemModuleEx)
	if err != nil || len(all) != 1 || all[0].Checksum != 0xabc || all[0].Timestamp != 0x5f000000 || all[0].Base != 0xfffff80012340000 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestProcessMemory(t *testing.T) {
	for _, wide := range []bool{true, false} {
		mem, at := madeProcess(wide)
		peb, err := ReadPEB(mem, at, wide)
		if err != nil || !peb.BeingDebugged || peb.ImageBase != 0x400000 || peb.NtGlobalFlag != 0x70 || peb.OSBuild != 19045 || peb.Session != 3 || peb.OSMajor != 10 {
			t.Fatalf("wide %v: %+v, %v", wide, peb, err)
		}
		p, err := ReadParameters(mem, peb)
		if err != nil || p.ImagePath != `C:\a.exe` || p.CommandLine != "a.exe \xed\xb0\x80 /x" || p.CurrentDirectory != `C:\cwd\` ||
			p.WindowTitle != "title" || p.Desktop != `WinSta0\Default` || p.WindowFlags != 0x801 || p.ShowWindow != 5 {
			t.Errorf("wide %v: %+v, %v", wide, p, err)
		}
		if want := []string{`=C:=C:\x`, "A=1", "LONE=\xed\xa0\x80"}; !slices.Equal(p.Environment, want) {
			t.Errorf("wide %v: environment %q", wide, p.Environment)
		}
		all, err := ReadModules(mem, peb)
		if err != nil || len(all) != 3 {
			t.Fatalf("wide %v: %+v, %v", wide, all, err)
		}
		want := Module{
			Entry: 0x12180, Base: 0x500000, EntryPoint: 0x501000, Size: 0x5000, FullName: `C:\ntdll.dll`, BaseName: "ntdll.dll",
			Timestamp: 0x60000001, LoadTime: 134398127051131720, LoadReason: 4, Wide: wide, InLoad: 2, InMemory: 1, InInit: 1,
		}
		if diff := cmp.Diff(want, all[1]); diff != "" || all[1].LoadReasonName() != "DynamicLoad" {
			t.Errorf("wide %v: %s", wide, diff)
		}
		if m := all[2]; m.BaseName != "third.dll" || m.InLoad != 3 || m.InMemory != 0 || m.InInit != 0 {
			t.Errorf("wide %v: unlinked %+v", wide, m)
		}
	}
}

// TestLoaderLies gives lists that lead nowhere, to their middle, or back to elsewhere: what
// can be read is read, and the error says what is wrong.
func TestLoaderLies(t *testing.T) {
	for name, c := range map[string]struct {
		at    int // in the memory: the link that is changed
		to    uint64
		want  string
		found []string
	}{
		"a cycle":      {0x2000 + 2*0x180, 0x12180, "in the middle", []string{"a.exe", "ntdll.dll", "third.dll"}},
		"itself":       {0x2180, 0x12180, "in the middle", []string{"a.exe", "ntdll.dll"}},
		"nowhere":      {0x2180, 0, "leads nowhere", []string{"a.exe", "ntdll.dll"}},
		"unmapped":     {0x2180, 0x7000000, "nothing is there", []string{"", "a.exe", "ntdll.dll"}},
		"a false back": {0x2188, 0x12300, "back link", []string{"a.exe", "ntdll.dll", "third.dll"}},
	} {
		mem, at := madeProcess(true)
		m := made{b: mem[at]}
		m.put(c.at, c.to)
		peb, err := ReadPEB(mem, at, true)
		if err != nil {
			t.Fatal(err)
		}
		all, err := ReadModules(mem, peb)
		if err == nil || !strings.Contains(err.Error(), c.want) || !slices.Equal(names(all), c.found) {
			t.Errorf("%s: %q, %v", name, names(all), err)
		}
	}
}

func TestParametersLie(t *testing.T) {
	mem, at := madeProcess(true)
	m := made{b: mem[at]}
	m.put(0x808, uint32(0))                       // not normalized: pointers are offsets
	m.put(0x800+0x78, uint64(0xd80-0x800))        // of the command line
	m.put(0x800+0x3f0, uint64(0))                 // the environment has no size
	m.put(0x800+0x60, []uint16{0xfffe, 0xfffe})   // the image path is long
	m.put(0x800+0x38+8, uint64(0xffffffffffff00)) // the current directory is elsewhere
	peb, _ := ReadPEB(mem, at, true)
	p, err := ReadParameters(mem, peb)
	if err == nil || p.CommandLine != "a.exe \xed\xb0\x80 /x" || len(p.Environment) != 3 || p.CurrentDirectory != "" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, what := range []string{"image path", "current directory"} {
		if !strings.Contains(err.Error(), what) {
			t.Errorf("no word of the %s: %v", what, err)
		}
	}
}

func TestReadTolerant(t *testing.T) {
	mem := space{0x1000: slices.Repeat([]byte{1}, 0x1000), 0x4000: slices.Repeat([]byte{4}, 0x1000)}
	b := slices.Repeat([]byte{9}, 0x4000)
	gaps := ReadTolerant(mem, 0x1800, b)
	if !slices.Equal(gaps, []Gap{{0x2000, 0x2000}, {0x5000, 0x800}}) {
		t.Errorf("gaps %x", gaps)
	}
	if b[0] != 1 || b[0x800] != 0 || b[0x2800] != 4 || b[0x3fff] != 0 {
		t.Error("contents")
	}
}

func TestToken(t *testing.T) {
	group := func(attributes uint32, sid []byte) Answer {
		m := &made{base: 0x5000}
		m.put(0, []uint64{0x5010, uint64(attributes)})
		m.put(16, sid)
		return m.answer()
	}
	list := &made{base: 0x9000}
	list.put(0, uint32(2))
	list.put(8, []uint64{0x9000 + 0x28, 7, 0x9000 + 0x38, 0xc0000007})
	list.put(0x28, systemSID())
	list.put(0x38, systemSID())
	privileges := &made{}
	privileges.put(0, uint32(2))
	privileges.put(4, []uint32{20, 0, 2, 99, 0, 0})
	statistics := &made{}
	statistics.put(0, []uint64{1, 0x3e7, 0})
	statistics.put(0x18, uint32(1))
	statistics.put(0x37, uint8(0))
	number := func(v uint32) Answer { m := &made{}; m.put(0, v); return m.answer() }
	token := ParseToken(func(c TokenClass) (Answer, error) {
		switch c {
		case TokenUser:
			return group(0, systemSID()), nil
		case TokenIntegrityLevel:
			return group(0x60, []byte{1, 1, 0, 0, 0, 0, 0, 16, 0, 0x30, 0, 0}), nil
		case TokenGroups:
			return list.answer(), nil
		case TokenPrivileges:
			return privileges.answer(), nil
		case TokenStatistics:
			return statistics.answer(), nil
		case TokenElevationType, TokenIsAppContainer:
			return number(2), nil
		case TokenAppContainerSid:
			m := &made{base: 0x5000}
			m.put(0, uint64(0x5008))
			m.put(8, systemSID())
			return m.answer(), nil
		}
		return Answer{}, errUnmapped
	})
	if token.User != "S-1-5-18" || IntegrityName(token.Integrity) != "high" || token.ElevationName() != "full" || token.AppContainer != "S-1-5-18" {
		t.Errorf("%+v", token)
	}
	if len(token.Groups) != 2 || strings.Join(token.Groups[1].AttributeNames(), " ") != "MANDATORY ENABLED_BY_DEFAULT ENABLED LOGON_ID" {
		t.Errorf("groups %+v", token.Groups)
	}
	if p := token.Privileges; len(p) != 2 || p[0].Name() != "SeDebugPrivilege" || !p[0].Enabled() || p[1].Name() != "LUID 0x63" || p[1].Enabled() {
		t.Errorf("privileges %+v", p)
	}
	if token.Statistics.LogonID != 0x3e7 || len(token.Errors) != 5 {
		t.Errorf("%+v", token)
	}
}

func TestWords(t *testing.T) {
	for p, want := range map[Protection]string{0: "", 0x31: "ProtectedLight-Antimalware", 0x72: "Protected-WinSystem", 0xf9: "ProtectedLight-signer 15-Audit"} {
		if got := p.String(); got != want {
			t.Errorf("%#x: %q, want %q", uint8(p), got, want)
		}
	}
	if got := ProtectName(PageExecuteRead | PageGuard | 1<<30); got != "EXECUTE_READ GUARD 0x40000000" {
		t.Error(got)
	}
	d := Drives{{"C:", `\Device\HarddiskVolume1`}, {"D:", `\Device\HarddiskVolume10`}}
	for name, want := range map[string]string{
		`\Device\HarddiskVolume10\x`:         `D:\x`,
		`\device\harddiskvolume1\Windows\y`:  `C:\Windows\y`,
		`\Device\HarddiskVolume2\x`:          `\Device\HarddiskVolume2\x`,
		`\Device\Mup\server\share\x`:         `\\server\share\x`,
		`\??\UNC\server\share`:               `\\server\share`,
		`\??\C:\x`:                           `C:\x`,
		`\SystemRoot\System32\ntoskrnl.exe`:  `C:\Windows\System32\ntoskrnl.exe`,
		`\SystemRootX\System32`:              `\SystemRootX\System32`,
		`C:\x`:                               `C:\x`,
		`\Device\HarddiskVolume1` + "\xff/x": `\Device\HarddiskVolume1` + "\xff/x",
	} {
		if got := d.Win32(name, `C:\Windows`); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for sid, want := range map[string]string{"S-1-5-18": `NT AUTHORITY\SYSTEM`, "S-1-5-90-0-2": `Window Manager\DWM-2`, "S-1-5-21-1-2-3-500": ""} {
		if got := WellKnownSID(sid); got != want {
			t.Errorf("%s: %q", sid, got)
		}
	}
}

func TestSystemAnswers(t *testing.T) {
	m := &made{}
	m.put(0, []uint64{1, 2, 3})
	m.put(0x18, []uint32{4, 0})
	m.put(0x20, []uint64{5, 6})
	if v, err := ParseTimeOfDay(m.answer()); err != nil || v != (TimeOfDay{Boot: 1, Current: 2, ZoneBias: 3, ZoneID: 4, BootBias: 5, SleepBias: 6, HasBiases: true, AnswerBytes: 48}) {
		t.Errorf("%+v %v", v, err)
	}
	m = &made{}
	m.put(0, []uint32{8, 1<<0 | 1<<1 | 1<<10})
	if v, err := ParseCodeIntegrity(m.answer()); err != nil || strings.Join(v.Names(), " ") != "ENABLED TESTSIGN HVCI_KMCI_ENABLED" {
		t.Errorf("%v %v", v.Names(), err)
	}
	short := Answer{Data: []byte{1}}
	for name, err := range map[string]error{
		"time of day": second(ParseTimeOfDay(short)), "basic": second(ParseBasic(short)), "code integrity": second(ParseCodeIntegrity(short)),
		"debugger": second(ParseKernelDebugger(short)), "debugger ex": second(ParseKernelDebuggerEx(short)), "boot": second(ParseBootEnvironment(short)),
		"Secure Boot": second(ParseSecureBoot(short)), "isolated": second(ParseIsolatedUserMode(short)), "process": second(ParseBasicProcess(short)),
		"region": second(ParseRegion(short)), "statistics": second(ParseStatistics(short)), "mitigation": second(ParseMitigation(short)),
	} {
		if !errors.Is(err, ErrShort) {
			t.Errorf("%s of one byte: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
