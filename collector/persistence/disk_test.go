package persistence

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hozen/collector"
	"hozen/collector/hosttest"
	"hozen/collector/jsonl"
	"hozen/collector/registry/hivetest"
	"hozen/collector/utf16"
)

// A fake is a disk of an infected Windows in the making: hives and files.
type fake struct {
	t                      *testing.T
	root                   string
	system, software, user *hivetest.Key
	classes                *hivetest.Key
}

const userSID = "S-1-5-21-1-2-3-1001"

func newFake(t *testing.T) *fake {
	f := &fake{t: t, root: t.TempDir()}
	for _, k := range []**hivetest.Key{&f.system, &f.software, &f.user, &f.classes} {
		*k = &hivetest.Key{Name: "ROOT", Written: 133485408000000000}
	}
	f.system.At("Select").Values = []hivetest.Value{hivetest.DWORD("Current", 1)}
	f.sw(`Microsoft\Windows NT\CurrentVersion`).Values = []hivetest.Value{hivetest.SZ("SystemRoot", `C:\Windows`)}
	f.sw(`Microsoft\Windows NT\CurrentVersion\ProfileList\` + userSID).Values = []hivetest.Value{hivetest.ExpandSZ("ProfileImagePath", `%SystemDrive%\Users\bob`)}
	return f
}

func (f *fake) sw(path string) *hivetest.Key { return f.software.At(strings.Split(path, `\`)...) }
func (f *fake) set(path string) *hivetest.Key {
	return f.system.At(append([]string{"ControlSet001"}, strings.Split(path, `\`)...)...)
}
func (f *fake) hku(path string) *hivetest.Key { return f.user.At(strings.Split(path, `\`)...) }

func (f *fake) file(name, text string) {
	f.t.Helper()
	at := filepath.Join(f.root, filepath.FromSlash(name))
	must(f.t, os.MkdirAll(filepath.Dir(at), 0o755))
	must(f.t, os.WriteFile(at, []byte(text), 0o644))
}

func (f *fake) host() *collector.Host {
	for name, k := range map[string]*hivetest.Key{
		"WINDOWS/system32/config/SYSTEM": f.system, "WINDOWS/system32/config/SOFTWARE": f.software,
		"Users/bob/NTUSER.DAT": f.user, "Users/bob/AppData/Local/Microsoft/Windows/UsrClass.dat": f.classes,
	} {
		f.file(name, string(hivetest.Build(k)))
	}
	return &collector.Host{Root: f.root, Now: func() time.Time { return hosttest.Epoch }}
}

// run collects, and gives the rows of one table.
func run[T any](f *fake, table string) []T {
	f.t.Helper()
	rows, _ := runAll[T](f, table)
	return rows
}

func runAll[T any](f *fake, table string) ([]T, *hosttest.Sink) {
	f.t.Helper()
	s := &hosttest.Sink{}
	must(f.t, Persistence(collector.Disk).Collect(context.Background(), f.host(), s))
	rows, err := jsonl.Read[T](s.Body("persistence/" + table + ".jsonl"))
	must(f.t, err)
	return rows, s
}

func unpack(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".gz")
	must(t, err)
	z, err := gzip.NewReader(bytes.NewReader(b))
	must(t, err)
	b, err = io.ReadAll(z)
	must(t, err)
	return string(b)
}

func wide(s string) string {
	b, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// infected has something of everything.
func infected(t *testing.T) *fake {
	f := newFake(t)
	f.file("WINDOWS/system32/cmd.exe", "cmd")
	f.file("WINDOWS/system32/sethc.exe", "cmd")
	f.file("WINDOWS/system32/svchost.exe", "svchost")
	f.file("WINDOWS/system32/evil.dll", "dll")
	f.file("WINDOWS/system32/rundll32.exe", "rundll32")
	f.file("WINDOWS/system32/drivers/evil.sys", string(hosttest.Unzip(f.t, "../pe/authenticode/testdata/one.exe.gz")))
	f.file("Program Files/Evil Corp/evil.exe", "exe")
	f.file("Program.exe", "trap")
	f.file("ProgramData/Microsoft/Windows/Start Menu/Programs/StartUp/all.lnk", "lnk")
	f.file("Users/bob/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup/保全.vbs", "vbs")
	services := func(name string, values ...hivetest.Value) *hivetest.Key {
		k := f.set(`Services\` + name)
		k.Values = values
		return k
	}
	services("evil", hivetest.DWORD("Type", 0x20), hivetest.DWORD("Start", 2), hivetest.ExpandSZ("ImagePath", `%SystemRoot%\System32\svchost.exe -k netsvcs`), hivetest.SZ("ObjectName", "LocalSystem"),
		hivetest.MultiSZ("DependOnService", "RpcSs", "Tcpip"), hivetest.SZ("FailureCommand", `cmd.exe /c again`),
		hivetest.Value{Name: "FailureActions", Type: 3, Data: append(make([]byte, 20), 1, 0, 0, 0, 96, 234, 0, 0)}).
		At("Parameters").Values = []hivetest.Value{hivetest.ExpandSZ("ServiceDll", `%SystemRoot%\system32\evil.dll`)}
	trigger := f.set(`Services\evil\TriggerInfo\0`)
	trigger.Values = []hivetest.Value{hivetest.DWORD("Type", 4), hivetest.DWORD("Action", 1), {Name: "GUID", Type: 3, Data: make([]byte, 16)}, hivetest.DWORD("DataType0", 2), {Name: "Data0", Type: 3, Data: []byte(wide("443\x00\x00"))}}
	services("unquoted", hivetest.DWORD("Type", 0x10), hivetest.DWORD("Start", 2), hivetest.SZ("ImagePath", `C:\Program Files\Evil Corp\evil.exe -x`))
	services("evildrv", hivetest.DWORD("Type", 1), hivetest.DWORD("Start", 1), hivetest.SZ("ImagePath", `\SystemRoot\System32\drivers\evil.sys`))
	services("a\x00hidden", hivetest.DWORD("Type", 1), hivetest.SZ("Start", "not a number"))
	services("counters")
	f.autoruns()
	f.plantTasks()
	for _, name := range []string{"OBJECTS.DATA", "INDEX.BTR", "MAPPING1.MAP"} {
		f.file("WINDOWS/system32/wbem/Repository/"+name, unpack(t, name))
	}
	f.file("ProgramData/Microsoft/Network/Downloader/qmgr.db", strings.Repeat("\x00", 333)+wide("EvilJob\x00")+"\x01"+wide("https://example.invalid/x.exe\x00")+"\xff\xff"+wide(`C:\Users\bob\x.exe`+"\x00"))
	return f
}

func (f *fake) autoruns() {
	f.sw(`Microsoft\Windows\CurrentVersion\Run`).Values = []hivetest.Value{
		hivetest.SZ("evil", `rundll32.exe C:\Windows\System32\evil.dll,Go`), hivetest.SZ("nul\x00name", "calc"), {Name: "\xed\xa0\xbd", Type: 1, Data: []byte(wide("x\x00behind"))},
		hivetest.SZ("long", strings.Repeat("A", 1<<20)), {Name: "number", Type: 4, Data: []byte{1}},
	}
	f.sw(`Microsoft\Windows\CurrentVersion\Run` + "\x00").Values = []hivetest.Value{hivetest.SZ("ghost", "boo.exe")}
	f.sw(`Wow6432Node\Microsoft\Windows\CurrentVersion\RunOnce`).Values = []hivetest.Value{hivetest.SZ("once", `"C:\Program Files\Evil Corp\evil.exe" 1`)}
	f.hku(`Software\Microsoft\Windows\CurrentVersion\Run`).Values = []hivetest.Value{hivetest.ExpandSZ("user", `%USERPROFILE%\evil.exe`)}
	f.sw(`Microsoft\Windows NT\CurrentVersion\Winlogon`).Values = []hivetest.Value{hivetest.SZ("Shell", "explorer.exe"), hivetest.SZ("Userinit", `C:\Windows\system32\userinit.exe,C:\evil.exe,`)}
	f.sw(`Microsoft\Windows NT\CurrentVersion\Image File Execution Options\sethc.exe`).Values = []hivetest.Value{hivetest.SZ("Debugger", "cmd.exe"), hivetest.DWORD("GlobalFlag", 512)}
	f.sw(`Microsoft\Windows NT\CurrentVersion\SilentProcessExit\notepad.exe`).Values = []hivetest.Value{hivetest.SZ("MonitorProcess", `C:\evil.exe`)}
	f.sw(`Microsoft\Windows NT\CurrentVersion\Windows`).Values = []hivetest.Value{hivetest.SZ("AppInit_DLLs", "evil.dll,C:\\other.dll"), hivetest.DWORD("LoadAppInit_DLLs", 1)}
	f.set(`Control\Lsa`).Values = []hivetest.Value{hivetest.MultiSZ("Security Packages", "kerberos", "evil")}
	f.set(`Control\Session Manager`).Values = []hivetest.Value{hivetest.MultiSZ("BootExecute", "autocheck autochk *", "evilboot")}
	f.set(`Control\Print\Monitors\Evil Port`).Values = []hivetest.Value{hivetest.SZ("Driver", "evil.dll")}
	f.set(`Services\WinSock2\Parameters\Protocol_Catalog9\Catalog_Entries\000000000001`).Values = []hivetest.Value{{Name: "PackedCatalogItem", Type: 3, Data: append([]byte(`%SystemRoot%\system32\evil.dll`), make([]byte, 858)...)}}
	const class = "{00000000-0000-0000-0000-00000000ABCD}"
	f.sw(`Classes\CLSID\` + class + `\InprocServer32`).Values = []hivetest.Value{hivetest.SZ("", `C:\Windows\System32\good.dll`)}
	f.classes.At("CLSID", class, "InprocServer32").Values = []hivetest.Value{hivetest.SZ("", `C:\Windows\System32\evil.dll`)}
	f.sw(`Microsoft\Windows\CurrentVersion\Explorer\Browser Helper Objects\` + class)
	f.sw(`Classes\*\shellex\ContextMenuHandlers\Evil`).Values = []hivetest.Value{hivetest.SZ("", class)}
	f.classes.At("ms-settings", "shell", "open", "command").Values = []hivetest.Value{hivetest.SZ("", "cmd.exe"), hivetest.SZ("DelegateExecute", "")}
	f.hku(`Environment`).Values = []hivetest.Value{hivetest.SZ("UserInitMprLogonScript", `C:\evil.bat`), hivetest.SZ("COR_PROFILER_PATH", "evil.dll")}
	f.hku(`Software\Microsoft\Office test\Special\Perf`).Values = []hivetest.Value{hivetest.SZ("", "evil.dll")}
	f.hku(`Control Panel\Desktop`).Values = []hivetest.Value{hivetest.SZ("SCRNSAVE.EXE", "evil.scr")}
}
