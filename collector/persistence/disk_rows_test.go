package persistence

import (
	"os"
	"strings"
	"testing"

	"hozen/collector/pe/authenticode"
	"hozen/packager/evidence"
)

func TestServicesOfADisk(t *testing.T) {
	rows := run[ServiceRow](infected(t), "services")
	got := map[string]ServiceRow{}
	for _, r := range rows {
		got[string(r.Name)] = r
		if len(r.Disagreements) != 0 {
			t.Errorf("%s: a disk has one view: %q", r.Name, r.Disagreements)
		}
	}
	if len(rows) != 4 { // counters and WinSock2 are none
		t.Errorf("%d services", len(rows))
	}
	evil := got["evil"]
	if evil.Registry == nil || evil.Registry.Start != "auto" || evil.Registry.Type != "share_process" || evil.Registry.Written != "2024-01-01T00:00:00.000000000Z" {
		t.Fatalf("%+v", evil.Registry)
	}
	if evil.Command.Files[0].Path != `C:\Windows\System32\svchost.exe` || evil.Command.Arguments != "-k netsvcs" || evil.ServiceDLL.Files[0].SHA256 == "" || evil.FailureCommand.Files[0].Path != `C:\Windows\System32\cmd.exe` {
		t.Errorf("%+v %+v %+v", evil.Command, evil.ServiceDLL, evil.FailureCommand)
	}
	if a := evil.Registry.FailureActions; len(a) != 1 || a[0].Kind != "restart" || a[0].Delay != 60000 {
		t.Errorf("%+v", a)
	}
	if tr := evil.Registry.Triggers; len(tr) != 1 || tr[0].Kind != "firewall_port_event" || tr[0].Action != "start" || tr[0].Data[0] != "443" {
		t.Errorf("%+v", tr)
	}
	// Program.exe lies where Windows looks first.
	if c := got["unquoted"].Command; len(c.Files) != 1 || c.Files[0].Path != `C:\Program.exe` || c.Arguments != `Files\Evil Corp\evil.exe -x` {
		t.Errorf("%+v", c)
	}
	if c := got["evildrv"].Command; c.Files[0].Signature == nil || c.Files[0].Signature.Status != authenticode.Good || c.Files[0].Signature.Signer != "CN=試験 Signer,O=Hozen test" || c.Files[0].Signature.Verdict != "" {
		t.Errorf("%+v", c.Files[0].Signature)
	}
	if s := evil.ServiceDLL.Files[0].Signature; s != nil {
		t.Errorf("no program has a signature: %+v", s)
	}
	if c := got["evildrv"].Command; c.Files[0].Path != `C:\Windows\System32\drivers\evil.sys` || c.Files[0].SHA256 == "" {
		t.Errorf("%+v", c)
	}
	if r := got["a\x00hidden"].Registry; r == nil || !r.HiddenName || len(r.Odd) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestSignaturesOfADisk: what is not looked up off-line is said once.
func TestSignaturesOfADisk(t *testing.T) {
	_, sink := runAll[ServiceRow](infected(t), "services")
	r, ok := sink.Record("persistence/signatures")
	if !ok || r.Outcome != evidence.Skipped || !strings.Contains(r.Note, "catalogues are not looked up off-line") {
		t.Errorf("%+v", r)
	}
}

func TestUnquotedPath(t *testing.T) {
	f := infected(t)
	must(t, os.Remove(f.root+"/Program.exe"))
	for _, r := range run[ServiceRow](f, "services") {
		if c := r.Command; r.Name == "unquoted" && (len(c.Candidates) != 3 || c.Files[0].Path != `C:\Program Files\Evil Corp\evil.exe` || c.Arguments != "-x") {
			t.Errorf("%+v", c)
		}
	}
}

// Each row that was planted is found, with its file.
func TestAutorunsOfADisk(t *testing.T) {
	rows, sink := runAll[AutorunRow](infected(t), "autoruns")
	for _, want := range []struct{ category, value, data, file string }{
		{"run", "evil", "rundll32.exe", `C:\Windows\System32\rundll32.exe C:\Windows\System32\evil.dll`},
		{"run", "nul\x00name", "calc", ""},
		{"run", "\xed\xa0\xbd", "x", ""},
		{"run", "long", "AAAA", ""},
		{"run", "number", "", ""},
		{"run", "user", "%USERPROFILE%", `C:\Users\bob\evil.exe`},
		{"run_once", "once", "Evil Corp", `C:\Program Files\Evil Corp\evil.exe`},
		{"hidden_name", "", "ghost=boo.exe", ""},
		{"winlogon", "Shell", "explorer.exe", ""},
		{"winlogon", "Userinit", "userinit.exe", `C:\Windows\system32\userinit.exe C:\evil.exe`},
		{"image_file_execution_options", "Debugger", "cmd.exe", `C:\Windows\System32\cmd.exe`},
		{"image_file_execution_options", "GlobalFlag", "512", ""},
		{"silent_process_exit", "MonitorProcess", "evil.exe", `C:\evil.exe`},
		{"app_init_dlls", "AppInit_DLLs", "evil.dll", `C:\Windows\System32\evil.dll C:\other.dll`},
		{"lsa_package", "Security Packages", "kerberos\nevil", `C:\Windows\System32\kerberos.dll C:\Windows\System32\evil.dll`},
		{"boot_execute", "BootExecute", "evilboot", `C:\Windows\System32\autochk.exe C:\Windows\System32\evilboot.exe`},
		{"print_monitor", "Driver", "evil.dll", `C:\Windows\System32\evil.dll`},
		{"winsock_catalog", "PackedCatalogItem", "", `C:\Windows\system32\evil.dll`},
		{"com_hijack", "", "evil.dll", `C:\Windows\System32\evil.dll`},
		{"browser_helper_object", "", "", `C:\Windows\System32\good.dll`},
		{"shell_context_menu", "", "{00000000", `C:\Windows\System32\good.dll`},
		{"url_command", "", "cmd.exe", `C:\Windows\System32\cmd.exe`},
		{"url_command", "DelegateExecute", "", ""},
		{"logon_script", "UserInitMprLogonScript", "evil.bat", `C:\evil.bat`},
		{"environment", "COR_PROFILER_PATH", "evil.dll", ""},
		{"office_test", "", "evil.dll", `C:\Windows\System32\evil.dll`},
		{"screensaver", "SCRNSAVE.EXE", "evil.scr", `C:\Windows\System32\evil.scr`},
		{"startup_folder", "", "", `C:\ProgramData\Microsoft\Windows\Start Menu\Programs\Startup\all.lnk`},
		{"startup_folder", "", "", `C:\Users\bob\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup\保全.vbs`},
		{"root_program", "", "", `C:\Program.exe`},
		{"logon_screen_tool", "", "", `C:\Windows\System32\sethc.exe`},
	} {
		found := false
		for _, r := range rows {
			found = found || r.Category == want.category && string(r.ValueName) == want.value && strings.Contains(string(r.Data), want.data) && strings.Contains(filesOf(r), want.file)
		}
		if !found {
			t.Errorf("not found: %+v", want)
		}
	}
	for _, r := range rows {
		switch {
		case r.Category == "winlogon" && r.ValueName == "Shell" && !r.Usual, r.Category == "winlogon" && r.ValueName == "Userinit" && r.Usual:
			t.Errorf("%+v", r)
		case r.Category == "com_hijack" && (r.Shadows != `C:\Windows\System32\good.dll` || r.User != userSID):
			t.Errorf("%+v", r)
		case r.Category == "logon_screen_tool" && r.SameAs != `C:\Windows\System32\cmd.exe`:
			t.Errorf("%+v", r)
		case r.ValueName == "\xed\xa0\xbd" && (r.Odd != "something behind the NUL" || r.Raw == ""):
			t.Errorf("%+v", r)
		case r.ValueName == "nul\x00name" && !r.HiddenName, r.Category == "hidden_name" && r.Written == "":
			t.Errorf("%+v", r)
		case r.ValueName == "long" && (len(r.Data) > maxText+3 || len(r.Raw) > 2*maxRaw):
			t.Errorf("%d bytes of data, %d of base64", len(r.Data), len(r.Raw))
		case r.ValueName == "number" && r.Odd != "1 bytes of data, not 4":
			t.Errorf("%+v", r)
		}
	}
	if r, _ := sink.Record("persistence/autoruns.jsonl"); r.Outcome != evidence.Collected {
		t.Errorf("%s: %s", r.Outcome, r.Note)
	}
}

func filesOf(r AutorunRow) string {
	var out []string
	if r.File != nil {
		out = append(out, string(r.File.Path))
	}
	if r.Command != nil {
		for _, f := range r.Command.Files {
			out = append(out, string(f.Path))
		}
	}
	return strings.Join(out, " ")
}

func TestSubscriptionsOfADisk(t *testing.T) {
	rows := run[SubscriptionRow](infected(t), "wmi")
	if len(rows) != 8 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		if r.Name == "evil" && r.Class == "CommandLineEventConsumer" && (r.Command == nil || r.Command.Files[0].Path != `C:\Windows\System32\powershell.exe` || r.CreatorSID != "S-1-5-18" || r.State != "live") {
			t.Errorf("%+v", r)
		}
		if r.Class == "ActiveScriptEventConsumer" && (len(r.Strings) != 2 || r.Reason == "") {
			t.Errorf("%+v", r)
		}
	}
}

func TestBITSOfADisk(t *testing.T) {
	rows := run[BITSRow](infected(t), "bits")
	if len(rows) != 2 || rows[0].Kind != "url" || rows[0].Before != "EvilJob" || rows[0].Offset != 333+16+1 || rows[1].Text != `C:\Users\bob\x.exe` || rows[1].Command.Files[0].Reason != "not there" {
		t.Errorf("%+v", rows)
	}
}
