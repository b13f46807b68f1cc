package onwindows

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/memory"
	"hozen/collector/ntapi"
	"hozen/collector/pe/authenticode"
	"hozen/packager/evidence"
)

func TestHealthyFakeHasNoSign(t *testing.T) {
	if rows, _, _ := newFake().run(t); len(rows) != 0 {
		t.Errorf("%+v", rows)
	}
}

// TestSignsOfFakes breaks one thing of a healthy Windows each.
func TestSignsOfFakes(t *testing.T) {
	code := bytes.Repeat([]byte{0x48, 0x89, 0x5c, 0x24, 0x08, 0x57}, 700)[:4096]
	le := binary.LittleEndian
	for _, c := range []struct {
		name, id string
		level    memory.Level
		change   func(f *fake)
	}{
		{"private code", "map-private-exec", memory.Medium, func(f *fake) { f.private(code, ntapi.PageExecuteRead) }},
		{"writable code", "map-private-rwx", memory.Medium, func(f *fake) { f.private(code, ntapi.PageExecuteReadWrite) }},
		{"nothing in it", "map-private-rwx", memory.Low, func(f *fake) { f.private(make([]byte, 4096), ntapi.PageExecuteReadWrite) }},
		{"a program in memory", "map-pe-private", memory.High, func(f *fake) { f.private(mapPE(makePE(9), 0), ntapi.PageExecuteRead) }},
		{"a program at a later page", "map-pe-private", memory.High, func(f *fake) {
			f.private(append(make([]byte, 8192), mapPE(makePE(9), 0)...), ntapi.PageExecuteRead)
		}},
		{"a program that is data", "map-pe-data", memory.Medium, func(f *fake) { f.private(mapPE(makePE(9), 0), ntapi.PageReadWrite) }},
		{"a thread in private memory", "map-thread-private", memory.High, func(f *fake) {
			f.private(code, ntapi.PageExecuteRead)
			f.snap.processes[2].Threads[0].Win32Start = freeAt + 16
		}},
		{"a thread that is in private memory", "map-thread-runs", memory.High, func(f *fake) {
			f.private(code, ntapi.PageExecuteRead)
			f.program.instructions = map[uint32]uint64{7: freeAt + 8}
		}},
		{"a thread nowhere", "map-thread-nowhere", memory.Low, func(f *fake) { f.snap.processes[2].Threads[0].Win32Start = 0x99990000 }},
		{"a patched function", "hook-export-patched", memory.High, func(f *fake) { copy(f.program.mem[ntdllAt][0x1200:], "\x33\xc0\xc3") }},
		{"a patched entry", "image-entry-patched", memory.High, func(f *fake) { copy(f.program.mem[programAt][0x1010:], "\xeb\xfe") }},
		{"patched code", "map-text-patched", memory.High, func(f *fake) { copy(f.program.mem[programAt][0x1800:], "\xcc\xcc") }},
		{"a hook of installed software", "hook-export-patched", memory.Low, func(f *fake) {
			f.image(ntdllAt+0x10000, `C:\Program Files\AV\hook.dll`, 5)
			f.program.mem[ntdllAt][0x1200] = 0xe9
			le.PutUint32(f.program.mem[ntdllAt][0x1201:], 0x10000-5)
		}},
		{"a hook of a user's file", "hook-export-patched", memory.High, func(f *fake) {
			f.image(ntdllAt+0x10000, `C:\Users\u\hook.dll`, 5)
			f.program.mem[ntdllAt][0x1200] = 0xe9
			le.PutUint32(f.program.mem[ntdllAt][0x1201:], 0x10000-5)
		}},
		{"wiped headers", "map-head-wiped", memory.Medium, func(f *fake) { clear(f.program.mem[programAt][:0x400]) }},
		{"a file that is gone", "image-deleted", memory.High, func(f *fake) { delete(f.files, programPath) }},
		{"a library that is gone", "map-image-deleted", memory.Low, func(f *fake) { delete(f.files, `C:\Windows\System32\ntdll.dll`) }},
		{"another file", "image-replaced", memory.High, func(f *fake) { f.files[programPath] = makePE(77) }},
		{"a file that is no program", "image-replaced", memory.High, func(f *fake) {
			f.files[programPath] = []byte("a note about nothing at all, long enough to be read as a head of a file")
		}},
		{"an image without a file", "map-image-no-file", memory.High, func(f *fake) {
			for i := range f.program.regions[:4] {
				f.program.regions[i].File = ""
			}
		}},
		{"a hollowed image", "image-base", memory.High, func(f *fake) {
			for i := range f.program.regions[:4] {
				f.program.regions[i].Type, f.program.regions[i].File = ntapi.MemPrivate, ""
			}
		}},
		{"an image base elsewhere", "image-base", memory.High, func(f *fake) { f.program.peb.ImageBase = ntdllAt }},
		{"a new name", "image-renamed", memory.Medium, func(f *fake) { f.program.kernelPath = `C:\Users\u\setup.exe` }},
		{"an unlisted library", "module-unlisted", memory.High, func(f *fake) { f.program.modules = f.program.modules[:1] }},
		{"a library in one list", "module-half-listed", memory.High, func(f *fake) { f.program.modules[1].InMemory = 0 }},
		{"a listed library that is private", "module-not-image", memory.High, func(f *fake) {
			f.private(make([]byte, 4096), ntapi.PageReadWrite)
			f.program.modules = append(f.program.modules, ntapi.Module{Base: freeAt, FullName: "x.dll", InLoad: 3, InMemory: 3})
		}},
		{"another name in the list", "module-name", memory.Medium, func(f *fake) { f.program.modules[1].FullName = `C:\Windows\System32\kernel32.dll` }},
		{"a library beside", "module-beside", memory.Low, func(f *fake) {
			f.image(ntdllAt+0x10000, `C:\Users\u\version.dll`, 5)
			f.files[`C:\Windows\System32\version.dll`] = makePE(3)
		}},
		{"a name of the system's", "identity-system-name", memory.High, func(f *fake) { f.files[`C:\Windows\System32\tool.exe`] = makePE(3) }},
		{"another path", "identity-path-differs", memory.Medium, func(f *fake) { f.program.params.ImagePath = `C:\Windows\System32\svchost.exe` }},
		{"a command line that goes on", "identity-command-line", memory.Medium, func(f *fake) { f.commandLine("tool.exe -secret", 16, 34) }},
		{"a shorter command line", "identity-command-line", memory.Medium, func(f *fake) { f.commandLine("tool.exe", 16, 40) }},
		{"a table of callbacks", "hook-callback-table", memory.High, func(f *fake) {
			f.private(make([]byte, 4096), ntapi.PageReadWrite)
			le.PutUint64(f.program.mem[pebAt][callbackAt:], freeAt)
		}},
		{"a younger parent", "identity-parent-younger", memory.Low, func(f *fake) { f.snap.processes[1].Created = 1 << 60 }},
		{"another creator", "identity-parent-other", memory.Medium, func(f *fake) { f.snap.held = []held{{108, 100, 4, processAllAccess}} }},
		{"who reads lsass", "handle-lsass", memory.High, func(f *fake) { f.snap.held = []held{{100, 104, 4, 0x410}} }},
		{"a hidden process", "hidden-process", memory.High, func(f *fake) { f.snap.pids = map[string][]uint32{"OpenProcess": {1234}} }},
		{"a driver that is gone", "driver-file-gone", memory.High, func(f *fake) { f.snap.drivers = []ntapi.Driver{{Path: `\SystemRoot\System32\drivers\x.sys`}} }},
		{"a driver by its name", "driver-name-known", memory.Low, func(f *fake) {
			f.snap.drivers = []ntapi.Driver{{Path: `\SystemRoot\System32\drivers\AsrSetupDrv103.sys`}}
			f.files[`C:\Windows\System32\drivers\AsrSetupDrv103.sys`] = makePE(3)
		}},
		{"a driver in a strange place", "driver-strange-place", memory.Medium, func(f *fake) {
			f.snap.drivers = []ntapi.Driver{{Path: `\??\C:\Users\u\x.sys`}}
			f.files[`C:\Users\u\x.sys`] = makePE(3)
		}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			f := newFake()
			c.change(f)
			rows, s, _ := f.run(t)
			i := slices.IndexFunc(rows, func(r memory.Indicator) bool { return r.ID == c.id })
			if i < 0 || rows[i].Level != c.level {
				t.Fatalf("no %s of level %s in %+v", c.id, c.level, rows)
			}
			for _, e := range rows[i].Evidence {
				if len(s.Body(e)) == 0 {
					t.Errorf("evidence %s is empty", e)
				}
			}
			if len(rows[i].Evidence) == 0 {
				t.Error("no evidence")
			}
		})
	}
}

// TestThunksOfCalls: what Wine's rpcrt4 puts into executable memory, recorded.
func TestThunksOfCalls(t *testing.T) {
	one, err := hex.DecodeString("488b4920488b01ffa018000000488d36")
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for i := range 256 {
		b = append(b, one...)
		binary.LittleEndian.PutUint32(b[len(b)-7:], uint32(0x18+8*i))
	}
	if !stubs(b) || !stubs(append(b, make([]byte, 4096)...)) {
		t.Error("a table of stubs is not known as one")
	}
	b[len(b)/2] ^= 1
	if stubs(b) {
		t.Error("a table with something else in it is taken for one of stubs")
	}
}

// TestCommandCopy decodes the functions that give the ANSI copy: of Windows 10 and of
// arm64 (made with an assembler).
func TestCommandCopy(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		at   uint64
		want uint64
	}{
		"x64":                {"488b0539552700c3", 0x180010000, 0x180010000 + 7 + 0x275539},
		"x64, behind a hook": {"488da42400000000488b0510000000c3", 0x1000, 0x1000 + 8 + 7 + 0x10},
		"arm64":              {"8800 00b0 0055 40f9 c003 5fd6", 0x180010000, 0x180021000 + 0xa8},
	} {
		code, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := loaded(code, c.at); !ok || got != c.want {
			t.Errorf("%s: %#x, %v, want %#x", name, got, ok, c.want)
		}
	}
}

func TestDriverList(t *testing.T) {
	var none *Drivers
	d, err := none.orBuiltIn()
	if err != nil || len(d.bySHA256) < 2000 || len(d.byName) < 50 || len(d.bySHA1) < 10 {
		t.Fatalf("%d, %d, %d, %v", len(d.bySHA256), len(d.bySHA1), len(d.byName), err)
	}
	f := newFake()
	f.snap.drivers = []ntapi.Driver{{Path: `\SystemRoot\System32\drivers\x.sys`}}
	f.files[`C:\Windows\System32\drivers\x.sys`] = makePE(3)
	if rows, _, _ := f.run(t); len(rows) != 0 {
		t.Fatalf("%+v", rows)
	}
	own := fmt.Sprintf("filename,sha256,category,loldrivers_id\nbad.sys,%x,malicious,7\n", sha256.Sum256(makePE(3)))
	if f.drivers, err = ReadDrivers(strings.NewReader(own)); err != nil {
		t.Fatal(err)
	}
	if rows, _, _ := f.run(t); len(rows) != 1 || rows[0].ID != "driver-vulnerable" || rows[0].Level != memory.High {
		t.Errorf("%+v", rows)
	}
	for _, bad := range []string{"", "sha256,filename\n12,x.sys\n", "sha256,filename\n", "a,b\n\"\n"} {
		if _, err := ReadDrivers(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

// TestDriverSignatures: what Windows says decides; where it cannot look at catalogues nobody
// can tell; and that a driver is trusted makes nothing else of it.
func TestDriverSignatures(t *testing.T) {
	signed := hosttest.Unzip(t, "../../pe/authenticode/testdata/one.exe.gz")
	changed := bytes.Clone(signed)
	changed[0x400] ^= 1
	for what, c := range map[string]struct {
		file    []byte
		verdict authenticode.Trust
		err     error
		level   memory.Level // 0: no finding
		seen    string
	}{
		"nobody's":               {makePE(3), authenticode.Trust{Verdict: "TRUST_E_NOSIGNATURE"}, nil, memory.Medium, "no signature"},
		"no catalogues":          {makePE(3), authenticode.Trust{Verdict: "TRUST_E_NOSIGNATURE"}, evidence.NotHere("catalogues: none"), 0, ""},
		"in a catalogue":         {makePE(3), authenticode.Trust{Verdict: authenticode.Trusted, Catalog: `C:\x.cat`}, nil, 0, ""},
		"changed":                {changed, authenticode.Trust{Verdict: "TRUST_E_BAD_DIGEST"}, nil, memory.High, "not the file that was signed"},
		"changed, nobody asked":  {changed, authenticode.Trust{}, evidence.NotHere("no Windows"), memory.High, "not the file that was signed"},
		"revoked":                {signed, authenticode.Trust{Verdict: "CERT_E_REVOKED"}, nil, memory.Medium, "does not trust"},
		"out of date":            {signed, authenticode.Trust{Verdict: "CERT_E_EXPIRED"}, nil, 0, ""},
		"signed, and trusted":    {signed, authenticode.Trust{Verdict: authenticode.Trusted}, nil, 0, ""},
		"a table that is no one": {changed[:len(changed)-8], authenticode.Trust{Verdict: "TRUST_E_NOSIGNATURE"}, nil, memory.Medium, "no signature"},
	} {
		f := newFake()
		asked := 0
		f.signature = func(name string) (authenticode.Trust, error) {
			if asked++; name != `C:\Windows\System32\drivers\x.sys` {
				t.Errorf("asked for %s", name)
			}
			return c.verdict, c.err
		}
		f.snap.drivers = []ntapi.Driver{{Path: `\SystemRoot\System32\drivers\x.sys`}}
		f.files[`C:\Windows\System32\drivers\x.sys`] = c.file
		rows, _, _ := f.run(t)
		switch {
		case asked != 1:
			t.Errorf("%s: asked %d times", what, asked)
		case c.level == 0 && len(rows) != 0:
			t.Errorf("%s: %+v", what, rows)
		case c.level != 0 && (len(rows) != 1 || rows[0].ID != "driver-unsigned" || rows[0].Level != c.level || !strings.Contains(string(rows[0].Seen), c.seen) || len(rows[0].Views) == 0):
			t.Errorf("%s: %+v", what, rows)
		}
	}
}

// TestVouched: a file explains something by where it lies and what it is, never by a name.
func TestVouched(t *testing.T) {
	microsoft := authenticode.Facts{Verdict: authenticode.Trusted, Signer: `CN=Microsoft Windows,O=Microsoft Corporation,L=Redmond,ST=Washington,C=US`}
	for what, c := range map[string]struct {
		path  string
		facts authenticode.Facts
		want  bool
	}{
		"installed":                  {`C:\Program Files\x\x.dll`, authenticode.Facts{Status: authenticode.Unsigned, Verdict: "TRUST_E_NOSIGNATURE"}, true},
		"installed, then changed":    {`C:\Program Files\x\x.dll`, authenticode.Facts{Status: authenticode.Changed, Verdict: "TRUST_E_BAD_DIGEST"}, false},
		"Microsoft's":                {`C:\ProgramData\x.dll`, microsoft, true},
		"says that it is":            {`C:\ProgramData\x.dll`, authenticode.Facts{Status: authenticode.Good, Verdict: "CERT_E_UNTRUSTEDROOT", Signer: microsoft.Signer}, false},
		"a name with a comma in it":  {`C:\ProgramData\x.dll`, authenticode.Facts{Verdict: authenticode.Trusted, Signer: `CN=x\,O=Microsoft Corporation,O=Evil`}, false},
		"somebody's that is trusted": {`C:\ProgramData\x.dll`, authenticode.Facts{Verdict: authenticode.Trusted, Signer: `CN=Evil,O=Evil,C=US`}, false},
	} {
		s := &survey{ctx: t.Context(), signature: authenticode.TrustOf}
		s.places = newFake().snap.places
		s.signs.known = map[string]signedFile{fold(c.path): {c.facts}}
		if why := s.vouched(c.path); (why != "") != c.want {
			t.Errorf("%s: %q", what, why)
		}
	}
}

func TestCollectorKeepsTheRules(t *testing.T) {
	hosttest.Conform(t, Indicators(Options{Suspects: &memory.Suspects{}}), &collector.Host{Root: t.TempDir()})
}

func FuzzPE(f *testing.F) {
	f.Add(makePE(1))
	f.Add(makePE(1)[:512])
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := openPE(bytes.NewReader(b))
		if err != nil {
			return
		}
		file.exported()
		file.differences(b[:min(len(b), 4096)], 0x1000, 0x7ff800000000)
	})
}
