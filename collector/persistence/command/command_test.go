package command

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in     string
		images []string
		first  string
		quoted bool
	}{
		{`"C:\Program Files\a b\c.exe" -x "y"`, []string{`C:\Program Files\a b\c.exe`}, `-x "y"`, true},
		{`C:\Program Files\a b\c.exe -x`, []string{`C:\Program`, `C:\Program Files\a`, `C:\Program Files\a b\c.exe`, `C:\Program Files\a b\c.exe -x`}, `Files\a b\c.exe -x`, false},
		{`  calc.exe`, []string{`calc.exe`}, "", false},
		{`"C:\open`, []string{`C:\open`}, "", true},
		{"", nil, "", false},
		{"a  b", []string{"a", "a  b"}, "b", false},
	} {
		l := Parse(c.in)
		if !slices.Equal(l.Images, c.images) || l.Quoted != c.quoted || len(l.Arguments) != len(l.Images) || len(l.Images) > 0 && l.Arguments[0] != c.first {
			t.Errorf("%q: %+v", c.in, l)
		}
	}
	if l := Parse(strings.Repeat("a ", 1000)); len(l.Images) != maxCandidates {
		t.Errorf("%d candidates", len(l.Images))
	}
}

func TestExpand(t *testing.T) {
	e := System(`D:\WINNT`).With(User(`D:\Users\保全`))
	for in, want := range map[string]string{
		`%systemroot%\x`: `D:\WINNT\x`, `%ProgramFiles(x86)%\y`: `D:\Program Files (x86)\y`, `%APPDATA%\z`: `D:\Users\保全\AppData\Roaming\z`,
		`%none%\%windir%`: `%none%\D:\WINNT`, `100%`: `100%`, `%%windir%%`: `%D:\WINNT%`, ``: ``,
	} {
		if got := e.Expand(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	e := System(`C:\Windows`)
	for _, c := range []struct {
		name, ending string
		wow          bool
		want         string // the first
	}{
		{`evil`, ".dll", false, `C:\Windows\System32\evil.dll`},
		{`evil.dll`, ".dll", true, `C:\Windows\SysWOW64\evil.dll`},
		{`C:\Windows\system32\x.dll`, ".dll", true, `C:\Windows\SysWOW64\x.dll`},
		{`"%windir%\a.exe"`, ".exe", false, `C:\Windows\a.exe`},
		{`\SystemRoot\System32\smss.exe`, ".exe", false, `C:\Windows\System32\smss.exe`},
		{`\??\C:\x.exe`, ".exe", false, `C:\x.exe`},
		{`\\?\UNC\srv\share\x.exe`, ".exe", false, `\\srv\share\x.exe`},
		{`\x.exe`, ".exe", false, `C:\x.exe`},
		{`C:/a/b`, ".exe", false, `C:\a\b.exe`},
	} {
		got := e.Paths(c.name, c.ending, c.wow)
		if len(got) == 0 || got[0] != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if e.Paths("  ", ".exe", false) != nil {
		t.Error("a path for nothing")
	}
}

func TestDriver(t *testing.T) {
	e := System(`C:\Windows`)
	for in, want := range map[string]string{
		``: `C:\Windows\System32\drivers\evil.sys`, `System32\drivers\a.sys`: `C:\Windows\System32\drivers\a.sys`,
		`\SystemRoot\System32\DRIVERS\a.sys`: `C:\Windows\System32\DRIVERS\a.sys`, `\??\C:\tmp\a.sys`: `C:\tmp\a.sys`,
		`\Device\HarddiskVolume1\a.sys`: `\Device\HarddiskVolume1\a.sys`,
	} {
		if got := e.Driver(in, "evil"); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

func TestPayloads(t *testing.T) {
	for _, c := range []struct {
		image, arguments string
		want             []string
	}{
		{`C:\Windows\System32\rundll32.exe`, `"C:\a b\x.dll",Entry 1`, []string{`C:\a b\x.dll`}},
		{`rundll32`, `javascript:"\..\mshtml`, []string{`javascript:"\..\mshtml`}},
		{`REGSVR32.EXE`, `/s /u /i:C:\x.sct scrobj.dll`, []string{`C:\x.sct`, `scrobj.dll`}},
		{`wscript.exe`, `//B "C:\Users\a b\x.vbs" y`, []string{`C:\Users\a b\x.vbs`}},
		{`powershell.exe`, `-enc AAAA`, nil},
		{`cmd.exe`, `/c %TEMP%\x.bat`, []string{`%TEMP%\x.bat`}},
		{`mshta.exe`, `https://example.com/x.hta`, nil},
		{`notepad.exe`, `C:\x.txt`, nil},
	} {
		if got := Payloads(c.image, c.arguments); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func FuzzCommand(f *testing.F) {
	f.Add(`"C:\Program Files\x.exe" -a %windir%`, "rundll32")
	e := System(`C:\Windows`)
	f.Fuzz(func(t *testing.T, s, image string) {
		l := Parse(e.Expand(s))
		for i := range l.Images {
			e.Paths(l.Images[i], ".exe", i%2 == 0)
			Payloads(image, l.Arguments[i])
		}
		e.Driver(s, image)
	})
}
