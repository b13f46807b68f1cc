package artifact

import (
	"slices"
	"strings"
	"testing"

	"hozen/collector"
)

// windowsDisk is a system disk of Windows 10 in the small, as it is mounted under Linux.
func windowsDisks(t testing.TB) map[string]*collector.Host {
	return hosts(t,
		"Windows/System32/config/SYSTEM", "Windows/System32/config/SYSTEM.LOG1", "Windows/System32/config/system.log2",
		"Windows/System32/config/SOFTWARE", "Windows/System32/drivers/etc/hosts",
		"Windows/System32/winevt/Logs/System.evtx", "Windows/Prefetch/CMD.EXE-1.pf",
		"Windows/ServiceProfiles/LocalService/NTUSER.DAT", "Windows/System32/config/systemprofile/AppData/Local/x",
		"Program Files/App/app.log", "Program Files (x86)/Old/old.log", "ProgramData/Vendor/v.log",
		"Users/ann/ntuser.dat", "Users/ann/AppData/Local/Microsoft/Windows/UsrClass.dat", "Users/ann/AppData/Roaming/r",
		"Users/ann/AppData/Local/Temp/t", "Users/ann/Local Settings -> AppData/Local", "Users/ann/Desktop/d.txt",
		"Users/b*b/NTUSER.DAT", "Users/Public/Desktop/p", "Users/All Users -> /ProgramData", "Users/desktop.ini",
		"Documents and Settings -> C:\\Users", "$Recycle.Bin/S-1-5-21-1-2-3-1001/$I1", "$Recycle.Bin/S-1-5-18/$I2",
		"etc/passwd = x:x:0:0::/Windows:/bin/sh\n", "usr/", "Junction -> \\??\\c:\\progRAMdata\\vendor",
	)
}

func TestFindingOnADiskOfWindows(t *testing.T) {
	for kind, h := range windowsDisks(t) {
		t.Run(kind, func(t *testing.T) { findingOnWindows(t, h) })
	}
}

func findingOnWindows(t *testing.T, h *collector.Host) {
	if s := SystemOf(h); s != Windows {
		t.Fatalf("a disk with Windows/System32 is %q, in spite of /etc and /usr", s)
	}
	f := NewFinder(h, Windows)
	if f.Problems() != nil {
		t.Error(f.Problems())
	}
	for _, c := range []struct {
		source Source
		paths  string
	}{
		{Source{Type: File, Paths: []string{`%%environ_systemroot%%\system32\DRIVERS\ETC\*`}}, "/Windows/System32/drivers/etc/hosts"},
		{Source{Type: File, Paths: []string{`C:\windows\prefetch\*.PF`}}, "/Windows/Prefetch/CMD.EXE-1.pf"},
		{Source{Type: File, Paths: []string{`%%environ_systemdrive%%\$Recycle.bin\%%users.sid%%\$I*`}}, "/$Recycle.Bin/S-1-5-21-1-2-3-1001/$I1"},
		{Source{Type: File, Paths: []string{`%%environ_windir%%/System32/winevt/logs/*.evtx`}}, "/Windows/System32/winevt/Logs/System.evtx"},
		{Source{Type: File, Paths: []string{`%%users.desktop%%\*`}}, "/Users/Public/Desktop/p /Users/ann/Desktop/d.txt"},
		{Source{Type: File, Paths: []string{`%%users.temp%%\*`, `%%users.appdata%%\*`}}, "/Users/ann/AppData/Local/Temp/t /Users/ann/AppData/Roaming/r"},
		{Source{Type: File, Paths: []string{`%%users.homedir%%\NTUSER.dat`}},
			"/Users/ann/ntuser.dat /Users/b*b/NTUSER.DAT /Windows/ServiceProfiles/LocalService/NTUSER.DAT"},
		{Source{Type: File, Paths: []string{`%%environ_programfiles%%\**\*.log`, `%%environ_programfilesx86%%\**\*.log`, `%%environ_allusersappdata%%\**\*.log`}},
			"/Program Files/App/app.log /Program Files (x86)/Old/old.log /ProgramData/Vendor/v.log"},
		{Source{Type: File, Paths: []string{`\Documents and settings\ann\ntuser.dat`}}, "/Users/ann/ntuser.dat"},
		{Source{Type: File, Paths: []string{`\junction\V.LOG`}}, "/ProgramData/Vendor/v.log"},
		{Source{Type: File, Paths: []string{`%%users.localappdata%%\*`}}, "/Windows/System32/config/systemprofile/AppData/Local/x"},
		{Source{Type: RegistryKey, Keys: []string{`HKEY_LOCAL_MACHINE\System\x`, `HKEY_LOCAL_MACHINE\SYSTEM\y`, `HKEY_LOCAL_MACHINE\SAM`}},
			"/Windows/System32/config/SYSTEM /Windows/System32/config/SYSTEM.LOG1 /Windows/System32/config/system.log2"},
		{Source{Type: RegistryValue, Values: []KeyValuePair{{`HKEY_USERS\%%users.sid%%\Software\Classes\x`, "v"}}},
			"/Users/ann/AppData/Local/Microsoft/Windows/UsrClass.dat"},
	} {
		c.source.Separator = `\`
		got, errs := find(t, f, c.source)
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], " via ")
		}
		slices.Sort(got)
		want := c.paths
		if text := strings.Join(got, " "); sorted(text) != sorted(want) || errs != nil {
			t.Errorf("%v %v:\n got %s %q\nwant %s", c.source.Paths, keysOf(&c.source), text, errs, want)
		}
	}
	_, errs := find(t, f, Source{Type: File, Separator: `\`, Paths: []string{`D:\x`}})
	if len(errs) != 1 || !strings.Contains(errs[0], "another volume") {
		t.Errorf("drive D: %q", errs)
	}
}

func sorted(s string) string {
	words := strings.Fields(s)
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestProfilesOfAnOldWindows(t *testing.T) {
	h := imageOf("WINNT/system32/config/system", "Documents and Settings/ann/Local Settings/Application Data/a",
		"Documents and Settings/ann/Application Data/r", "Documents and Settings/All Users/Application Data/Vendor/v")
	if s := SystemOf(h); s != Windows {
		t.Fatalf("a disk with WINNT/system32 is %q", s)
	}
	got, errs := find(t, NewFinder(h, Windows), Source{Type: File, Paths: []string{
		`%%environ_systemroot%%\System32\Config\SYSTEM`, `%%users.localappdata%%\*`, `%%users.appdata%%\*`, `%%environ_allusersappdata%%\Vendor\*`}})
	want := "/WINNT/system32/config/system /Documents and Settings/ann/Local Settings/Application Data/a " +
		"/Documents and Settings/ann/Application Data/r /Documents and Settings/All Users/Application Data/Vendor/v"
	if strings.Join(got, " ") != want || errs != nil {
		t.Errorf("%q %q, not %q", got, errs, want)
	}
}

func TestSystemOfOthers(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  System
	}{
		{[]string{"System/Library/CoreServices/", "private/etc/passwd", "usr/bin/", "etc -> private/etc"}, Darwin},
		{[]string{"private/var/mobile/", "System/Library/CoreServices/SpringBoard.app/"}, IOS},
		{[]string{"vmfs/volumes/", "etc/vmware/hostd/", "var/", "bin/"}, ESXi},
		{[]string{"system/app/", "system/bin/", "data/data/", "proc/"}, Android},
		{[]string{"home/ann/"}, Linux},
		{[]string{"etc/", "usr/bin/", "var/", "Windows/System32/config/"}, Linux}, // somebody made a folder
		{[]string{"DCIM/100/"}, ""},
	} {
		if got := SystemOf(imageOf(c.names...)); got != c.want {
			t.Errorf("%q is %q, not %q", c.names, got, c.want)
		}
	}
}

func TestUsersOfDarwin(t *testing.T) {
	h := imageOf("etc -> private/etc", "private/etc/passwd = root:*:0:0::/var/root:/bin/sh\n_www:*:70:70::/Library/WebServer:/bin/false\n",
		"private/var/root/.sh_history", "var -> private/var", "Users/ann/Library/x", "Users/Shared/y")
	f := NewFinder(h, Darwin)
	got, errs := find(t, f, Source{Type: File, Paths: []string{"%%users.homedir%%/*", "%%users.homedir%%/Library/*"}})
	want := "/private/var/root/.sh_history via /var/root/.sh_history /Users/Shared/y /Users/ann/Library/x"
	if strings.Join(got, " ") != want || errs != nil || f.Problems() != nil {
		t.Errorf("%q %q %v, not %q", got, errs, f.Problems(), want)
	}
}
